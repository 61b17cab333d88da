// The fuzzer is test/helper/fuzz-native.ts; architecture/fuzz.test.ts runs it at scale. docs/protocol/wire.md §5.3.
import assert from 'node:assert/strict'
import test from 'node:test'
import { frame } from '../../src/base/wire/frames.js'
import { encodeHandshake } from '../../src/compat/scuttleup/scuttleup-codec.js'
import type { LogId } from '../../src/log/format/author.js'
import { chanceOf, fuzzNative, fuzzRelayed, nativeFrame, scuttleupFrame, TRUE } from '../helper/fuzz-native.js'
import { SideChannelReceiver, sideChannelFrame } from '../helper/fuzz-side-channel.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { hex } from '../helper/signed-oracle.js'
import { auditDisk, carol } from '../helper/signed-world.js'

const SEED = Date.now() % 2 ** 32
const CONNECTIONS = 400

test('control: finds a receiver that does not verify signatures within a few frames', () => {
  assert.throws(() => fuzzNative({ frames: 3_000, seed: SEED, isCareless: true }), /seed/)
  assert.throws(() => fuzzRelayed({ frames: 3_000, seed: SEED, isCareless: true }), /seed/)
})

test('control: finds a receiver that does not verify statuses within a few frames', () => {
  const chance = chanceOf(SEED)
  const pick = <T>(items: readonly T[]): T => items[chance(items.length)] as T
  const garble = (bytes: Uint8Array): Uint8Array =>
    bytes.map(byte => (chance(20) === 0 ? byte ^ (1 << chance(8)) : byte))
  const takeAll = (isCareless: boolean): void => {
    for (let i = 0; i < 3_000; i++) {
      const bytes = sideChannelFrame(pick, 'status', pick(['key', 'fields']), garble)
      new SideChannelReceiver(isCareless).receive(bytes.subarray((bytes[0] ?? 0) < 0x80 ? 1 : 2))
    }
  }
  assert.throws(() => takeAll(true), /that they did not sign/)
  takeAll(false)
})

test('stores only genuine entries from garbled frames', async () => {
  const chance = chanceOf(SEED)
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), carol)
  for (let index = 0; index < CONNECTIONS; index++) {
    const dialect = index % 2 === 0 ? 'native' : 'scuttleup'
    const stream = replicate(log, { dialect, live: true })
    stream.on('error', () => {})
    stream.resume()
    if (dialect === 'scuttleup') stream.write(frame(encodeHandshake({ id: 'x', head: [], mode: 'sync' })))
    for (let turn = 0; turn < 8 && !stream.destroyed; turn++) {
      stream.write(dialect === 'native' ? nativeFrame(chance) : scuttleupFrame(chance))
      await new Promise(resolve => setImmediate(resolve))
    }
    stream.destroy()
  }
  await new Promise(resolve => setImmediate(resolve))
  await log.close()
  const { logs } = auditDisk(disk)
  assert.ok(logs.size > 0)
  for (const [author, entries] of logs) {
    const genuine = TRUE.get(author as LogId)?.entries.slice(0, entries.length) ?? []
    assert.deepEqual(entries.map(hex), genuine.map(hex), `SEED=${SEED}`)
  }
})
