import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import { hash } from '../../src/base/crypto/hash.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { bytesField } from '../../src/base/wire/fields.js'
import { frame } from '../../src/base/wire/frames.js'
import { encodeHandshake } from '../../src/compat/scuttleup/scuttleup-codec.js'
import { ScuttleupSession } from '../../src/compat/scuttleup/scuttleup-session.js'
import { logOfKey } from '../../src/log/format/author.js'
import { toProjected } from '../../src/log/format/entry.js'
import { encodeSegment } from '../../src/log/format/segment.js'
import { encodeUnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import { ENTRY_BYTES_MAX } from '../../src/log/limits.js'
import { encodeHeads, encodeSegmentRequest, encodeSegments } from '../../src/sync/codec.js'
import type { SyncEvent } from '../../src/sync/events.js'
import { HEADS_MAX, REFUSALS_MAX } from '../../src/sync/limits.js'
import { PeerSession } from '../../src/sync/peer-session.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryStore, PausedStore } from '../helper/memory-store.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import { alice, bob, carol, entryOf, WrittenLog } from '../helper/signed-world.js'

/** A limit of logs that is reached soon. */
const LOGS_MAX = 500

const keysOf = (index: number) => keyPairOf(hash(utf8(`author ${index}`)))

test('replicates a log with the maximum number of authors', async () => {
  for (const dialect of ['native', 'scuttleup'] as const) {
    const full = await logOver(new MemoryStore(), alice, { authorsMax: LOGS_MAX })
    const other = await logOver(new MemoryStore(), bob, { authorsMax: LOGS_MAX })
    for (let index = 0; index < LOGS_MAX; index++) {
      const written = new WrittenLog(keysOf(index), [entryOf(index)])
      await full.addSigned(logOfKey(written.keys.publicKey), written.runs())
    }
    await full.append({ username: 'alice', message: 'hello' })
    assert.equal(full.announcedHeads.length, LOGS_MAX + 1)
    const events: SyncEvent[] = []
    const onEvent = (event: SyncEvent): number => events.push(event)
    const [one, two] = [full, other].map(log => replicate(log, { dialect, live: false, onEvent }))
    await new Promise(resolve => pipeline([one, two, one] as never, resolve))
    assert.equal(other.head.length, LOGS_MAX, dialect)
    assert.ok(
      events.every(event => event.kind === 'entries-rejected' && event.reason.kind === 'author-limit'),
      JSON.stringify(events),
    )
    await full.close()
    await other.close()
  }
})

test('bounds the memory for repeated heads', () => {
  const session = new PeerSession(log => log === logOfKey(hash(utf8('own'))), [])
  const heads = Array.from({ length: HEADS_MAX }, (_, index) => index)
  let frames = 0
  const receive = (count: number): void => {
    for (const end = frames + count; frames < end; frames++) {
      const authors = heads.map(index => ({ author: logOfKey(hash(utf8(`${frames} ${index}`))), seq: 1 }))
      for (const { kind } of session.receive(encodeHeads(authors))) assert.equal(kind, 'serve')
    }
  }
  receive(20)
  const before = heapBytes()
  receive(100)
  assert.ok(heapBytes() - before < 2 * MEGABYTE, `${(heapBytes() - before) / MEGABYTE} MiB`)
})

test('sends no more than the limit to a peer that requests segments and reads none', async () => {
  const log = await logOver(new MemoryStore(), carol)
  const written = new WrittenLog(alice, [entryOf(0, ENTRY_BYTES_MAX), entryOf(1, 16_000)])
  const author = logOfKey(alice.publicKey)
  await log.addSigned(author, written.runs())
  const stream = replicate(log, { dialect: 'native', live: true })
  const requests = Buffer.concat(Array.from({ length: 2_000 }, () => encodeSegmentRequest({ author, seq: 1 })))
  const done = new Promise(resolve => stream.write(Buffer.concat([encodeHeads([]), requests]), resolve))
  for (let turn = 0; turn < 5_000; turn++) await new Promise(resolve => setImmediate(resolve))
  await done
  assert.ok(stream.readableLength < MEGABYTE, `${stream.readableLength / MEGABYTE} MiB`)
  stream.destroy()
  await log.close()
})

test('serves segment requests for several logs', async () => {
  const log = await logOver(new MemoryStore(), carol)
  const authors = [alice, bob].map(keys => logOfKey(keys.publicKey))
  for (const keys of [alice, bob])
    await log.addSigned(logOfKey(keys.publicKey), new WrittenLog(keys, [entryOf(0)]).runs())
  const stream = replicate(log, { dialect: 'native', live: true })
  const served = new Set<string>()
  const peer = new PeerSession(log => log === logOfKey(carol.publicKey), [])
  const done = new Promise<void>(resolve => {
    stream.on('data', (bytes: Buffer) => {
      for (const effect of peer.receive(bytes)) if (effect.kind === 'segments') served.add(effect.author)
      if (served.size === authors.length) resolve()
    })
  })
  stream.write(Buffer.concat([encodeHeads([]), ...authors.map(author => encodeSegmentRequest({ author, seq: 1 }))]))
  await done
  stream.destroy()
  await log.close()
})

test('tolerates a bounded number of rejections while a segment request is open', () => {
  const session = new PeerSession(log => log === logOfKey(carol.publicKey), [])
  const author = logOfKey(alice.publicKey)
  const segment = encodeSegment({
    key: alice.publicKey,
    run: 0,
    before: new Uint8Array(32),
    ...new WrittenLog(alice, [entryOf(0)]).run(1, 1),
  })
  session.receive(encodeHeads([]))
  assert.ok((session.requestSegment(author, 30)?.length ?? 0) > 0)
  assert.equal(session.requestSegment(author, 64)?.length, 0, 'an earlier segment was requested already')
  assert.deepEqual(session.refused(author, { kind: 'gap', missing: 1, before: 2 }), [])
  assert.equal(session.receive(encodeSegments([segment])).length, 1)
  for (let refusal = 0; refusal < REFUSALS_MAX; refusal++)
    session.refused(author, { kind: 'gap', missing: 1, before: 2 })
  assert.deepEqual(session.receive(encodeSegments([segment])), [])
})

test('buffers the bytes of entries, not those of their frames', () => {
  const session = new ScuttleupSession({ id: logOfKey(carol.publicKey), head: [], mode: 'sync' })
  session.receive(frame(encodeHandshake({ id: 'scuttleup', head: [], mode: 'sync' })))
  const before = heapBytes()
  for (let index = 0; index < 400; index++) {
    const padding = bytesField(99, new Uint8Array(200_000))
    const id = index.toString(16).padStart(64, '0')
    const change = concat([
      padding,
      encodeUnsignedEntry({ id, seq: 1, entry: toProjected({ entry: Buffer.from('}'), salt: new Uint8Array(8) }) }),
    ])
    assert.deepEqual(session.receive(frame(change)), [])
  }
  assert.ok(heapBytes() - before < 2 * MEGABYTE, `${(heapBytes() - before) / MEGABYTE} MiB`)
  assert.deepEqual(session.receive(new Uint8Array(0)), [])
})

test('keeps no closed connection in memory while a write of it waits for the disk', async () => {
  const store = new PausedStore()
  const log = await logOver(store, carol)
  store.pause()
  const streams = [alice, bob].map(keys => {
    const stream = replicate(log, { dialect: 'native', live: true })
    const run = new WrittenLog(keys, [entryOf(0)]).run(1, 1)
    const segment = encodeSegment({ key: keys.publicKey, run: 0, before: new Uint8Array(32), ...run })
    stream.write(Buffer.concat([encodeHeads([]), encodeSegments([segment])]))
    return new WeakRef(stream)
  })
  assert.equal(log.localSeq(logOfKey(alice.publicKey)), 1, 'its entry is being written')
  for (const stream of streams) stream.deref()?.destroy()
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  heapBytes()
  assert.deepEqual(
    streams.map(stream => stream.deref()),
    [undefined, undefined],
  )
  store.resume()
  await log.close()
})
