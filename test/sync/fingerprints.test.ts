import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import { hash } from '../../src/base/crypto/hash.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { utf8 } from '../../src/base/wire/bytes.js'
import { logOfKey } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice, bob, entryOf, WrittenLog } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const AUTHORS = 998
/** Turns of the event loop without a byte after which both sides are done. */
const QUIET_TURNS = 40

const logs = Array.from(
  { length: AUTHORS },
  (_, i) => new WrittenLog(keyPairOf(hash(utf8(`author ${i}`))), [entryOf(1), entryOf(2)]),
)

/** A log with two entries of each author, and `entriesOfLast` of the last one. */
async function openWith(keys: typeof alice, entriesOfLast = 2): Promise<Log> {
  const log = await logOver(new MemoryStore(), keys, { clock: new VirtualClock() })
  await Promise.all(
    logs.map((written, i) =>
      log.addSigned(logOfKey(written.keys.publicKey), [written.run(1, i === AUTHORS - 1 ? entriesOfLast : 2)]),
    ),
  )
  return log
}

/** Connects two logs until both are quiet; returns the bytes that were sent. */
async function bytesToCompare(a: Log, b: Log): Promise<number> {
  const [one, other] = [a, b].map(log => replicate(log, { live: true, dialect: 'native' }))
  if (one === undefined || other === undefined) return Number.NaN
  let [bytes, quiet] = [0, 0]
  for (const stream of [one, other]) {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      quiet = 0
    })
  }
  pipeline(one, other, one, () => {})
  while (quiet++ < QUIET_TURNS) await new Promise(resolve => setImmediate(resolve))
  one.destroy()
  other.destroy()
  return bytes
}

test('compares 998 equal logs in under 2 KiB, and one missing entry at proportionate cost', async t => {
  const [one, other] = [await openWith(alice), await openWith(bob)]
  const same = await bytesToCompare(one, other)
  assert.ok(same <= 2 * 1024, `${same} bytes`)
  const behind = await openWith(bob, 1)
  const different = await bytesToCompare(one, behind)
  t.diagnostic(`${same} bytes, and ${different} where one entry is missing`)
  assert.ok(different > same && different < 16 * 1024, `${different} bytes`)
  assert.deepEqual(
    behind.head.map(({ seq }) => seq),
    one.head.map(({ seq }) => seq),
  )
  for (const log of [one, other, behind]) await log.close()
})

test('control: without equal fingerprints the heads of all authors are sent', async () => {
  const one = await openWith(alice)
  const fresh = await logOver(new MemoryStore(), bob, { clock: new VirtualClock() })
  const bytes = await bytesToCompare(one, fresh)
  assert.ok(bytes > 998 * 44, `${bytes} bytes`)
  assert.equal(fresh.head.length, 998)
  for (const log of [one, fresh]) await log.close()
})
