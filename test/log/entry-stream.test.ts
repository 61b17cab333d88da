import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { EMPTY, utf8 } from '../../src/base/wire/bytes.js'
import type { LogId } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import { EARLIEST } from '../../src/log/format/hybrid-clock.js'
import type { Log } from '../../src/log/log.js'
import { EntryStream } from '../../src/log/read/entry-stream.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const bob = 'bob' as LogId

const lines = (from: number, to: number): Uint8Array[] =>
  Array.from({ length: to - from }, (_, i) => utf8(JSON.stringify({ username: 'bob', message: `line ${from + i}` })))

/** A log with `count` entries of bob. */
async function logOf(count: number): Promise<Log> {
  const log = await logOver(new MemoryStore(new MemoryDisk()), keyPairOf(Buffer.alloc(32, 1)), {
    clock: new VirtualClock(),
  })
  if (count > 0) assert.equal(await log.add({ author: bob, first: 1, entries: lines(1, count + 1) }), undefined)
  return log
}

const seqs = (count: number, from = 1): number[] => Array.from({ length: count }, (_, i) => from + i)

test('streams every entry once and in order to a slow reader', async () => {
  for (const count of [0, 1, 63, 64, 65, 511, 512, 513, 3_000]) {
    const log = await logOf(count)
    const read: number[] = []
    for await (const entry of log.createReadStream()) {
      read.push((entry as Entry).seq)
      if (read.length % 7 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    assert.deepEqual(read, seqs(count))
    await log.close()
  }
})

test('streams every entry once for batches of any size', async () => {
  for (const sizes of [[10, 512, 512], [1, 1, 1], [63, 1, 64, 65, 2, 300], [512], []]) {
    const read = async function* () {
      let seq = 0
      for (const size of sizes) {
        await new Promise(resolve => setImmediate(resolve))
        yield Array.from({ length: size }, (): Entry => ({ author: bob, seq: ++seq, at: EARLIEST, entry: EMPTY }))
      }
    }
    const found: number[] = []
    for await (const entry of new EntryStream(read, {})) {
      found.push((entry as Entry).seq)
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.deepEqual(found, seqs(sizes.reduce((sum, size) => sum + size, 0)))
  }
})

test('streams every entry once and in order to a fast reader', async () => {
  const log = await logOf(3_000)
  const stream = log.createReadStream()
  const read: number[] = []
  stream.on('data', ({ seq }: Entry) => read.push(seq))
  await once(stream, 'end')
  assert.deepEqual(read, seqs(3_000))
  await log.close()
})

test('streams new entries when live, until it is destroyed', async () => {
  const log = await logOf(100)
  const stream = log.createReadStream({ live: true })
  const read: number[] = []
  for await (const entry of stream) {
    read.push((entry as Entry).seq)
    if (read.length === 100) void log.add({ author: bob, first: 101, entries: lines(101, 401) })
    if (read.length === 400) break
  }
  assert.deepEqual(read, seqs(400))
  assert.equal(stream.destroyed, true)
  await log.close()
})

test('ends a live stream when the log closes', async () => {
  const log = await logOf(10)
  const stream = log.createReadStream({ live: true })
  stream.resume()
  const ended = once(stream, 'end')
  await log.close()
  await ended
})

test('accepts the options of a reader', async () => {
  const log = await logOf(50)
  const read = async (options: object) => {
    const found: number[] = []
    for await (const entry of log.createReadStream(options)) found.push((entry as Entry).seq)
    return found
  }
  assert.deepEqual(await read({ last: 5 }), seqs(5, 46))
  assert.deepEqual(await read({ since: [{ author: bob, seq: 48 }] }), [49, 50])
  await log.close()
})
