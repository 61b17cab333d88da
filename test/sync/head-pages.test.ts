import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import { hash } from '../../src/base/crypto/hash.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { frame } from '../../src/base/wire/frames.js'
import { type LogId, logOfKey } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import { decodeFrame, encodeFingerprints, encodeHeads } from '../../src/sync/codec.js'
import { fingerprintsOf } from '../../src/sync/fingerprints.js'
import { HEADS_MAX } from '../../src/sync/limits.js'
import { PeerSession } from '../../src/sync/peer-session.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import { alice, bob, entryOf, WrittenLog } from '../helper/signed-world.js'

const LOGS = HEADS_MAX + 300

const written = Array.from(
  { length: LOGS + 1 },
  (_, index) => new WrittenLog(keyPairOf(hash(utf8(`writer ${index}`))), [entryOf(index)]),
)

async function openWith(keys: typeof alice, logs: readonly WrittenLog[]): Promise<Log> {
  const log = await logOver(new MemoryStore(), keys, { authorsMax: 2 * LOGS })
  await Promise.all(logs.map(each => log.addSigned(logOfKey(each.keys.publicKey), each.runs())))
  return log
}

async function exchange(a: Log, b: Log): Promise<void> {
  const [one, two] = [a, b].map(log => replicate(log, { dialect: 'native', live: false }))
  await new Promise(resolve => pipeline([one, two, one] as never, resolve))
}

test('replicates more logs than one heads message holds', async () => {
  const full = await openWith(alice, written.slice(0, -1))
  const other = await openWith(bob, written.slice(-1))
  await exchange(full, other)
  assert.equal(other.head.length, LOGS + 1)
  assert.equal(full.head.length, LOGS + 1)
  for (const log of [full, other]) await log.close()
})

test('serves a log that differs only in the last page of heads', async () => {
  const full = await openWith(alice, written)
  const other = await openWith(bob, written.slice(0, -1))
  await exchange(full, other)
  assert.equal(other.head.length, LOGS + 1)
  for (const log of [full, other]) await log.close()
})

const headsOf = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) => ({ author: logOfKey(hash(utf8(`${name} ${index}`))), seq: 1 }))

/** The bodies of consecutive frames whose lengths take three bytes at most. */
function pagesOf(bytes: Uint8Array): Uint8Array[] {
  const pages: Uint8Array[] = []
  for (let offset = 0; offset < bytes.length; ) {
    let [length, shift] = [0, 0]
    for (let more = true; more; shift += 7) {
      const byte = bytes[offset++] ?? 0
      length += (byte & 0x7f) * 2 ** shift
      more = byte >= 0x80
    }
    pages.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  return pages
}

test('marks every page of heads but the last', () => {
  const heads = headsOf(2 * HEADS_MAX + 1, 'author')
  const pages = pagesOf(encodeHeads(heads)).map(decodeFrame)
  assert.deepEqual(
    pages.map(page => page.kind === 'heads' && [page.heads.length, page.isLast]),
    [
      [HEADS_MAX, false],
      [HEADS_MAX, false],
      [1, true],
    ],
  )
  assert.deepEqual(
    pages.flatMap(page => (page.kind === 'heads' ? page.heads : [])),
    heads,
  )
})

test('serves once after the last page, and answers fingerprints only once', () => {
  const session = new PeerSession(() => false, headsOf(10, 'ours'), 2 * HEADS_MAX)
  const theirs = headsOf(HEADS_MAX + 1, 'theirs')
  assert.deepEqual(
    session.receive(encodeFingerprints(fingerprintsOf(theirs))).map(({ kind }) => kind),
    ['send'],
  )
  const [first, last] = pagesOf(encodeHeads(theirs)).map(frame)
  assert.ok(first !== undefined && last !== undefined)
  assert.deepEqual(
    session.receive(first).map(({ kind }) => kind),
    ['announced'],
  )
  assert.deepEqual(
    session.receive(last).map(({ kind }) => kind),
    ['serve'],
  )
  assert.equal(session.theirs.length, HEADS_MAX + 1)
})

test('closes a connection that begins with a page of heads instead of fingerprints', () => {
  const [first] = pagesOf(encodeHeads(headsOf(HEADS_MAX + 1, 'theirs')))
  const effects = new PeerSession(() => false, []).receive(frame(first ?? utf8('')))
  assert.deepEqual(effects, [{ kind: 'close', reason: 'too-many-heads' }])
})

test('bounds the memory for pages that never end', () => {
  const session = new PeerSession(() => false, headsOf(10, 'ours'))
  session.receive(encodeFingerprints(fingerprintsOf([])))
  let pages = 0
  const receive = (count: number): void => {
    for (const end = pages + count; pages < end; pages++) {
      const [page] = pagesOf(encodeHeads(headsOf(HEADS_MAX + 1, `page ${pages}`)))
      for (const effect of session.receive(frame(page ?? concat([])))) assert.equal(effect.kind, 'announced')
    }
  }
  receive(5)
  const before = heapBytes()
  receive(50)
  assert.ok(heapBytes() - before < 2 * MEGABYTE, `${(heapBytes() - before) / MEGABYTE} MiB`)
  assert.ok(!session.knows('nobody' as LogId))
})
