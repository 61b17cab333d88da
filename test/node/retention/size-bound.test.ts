import assert from 'node:assert/strict'
import test from 'node:test'
import { stubsOf } from '../../../src/log/format/chain.js'
import { KEEP_BYTES_MIN } from '../../../src/membership/keep.js'
import { SILENCE_MS_MAX } from '../../../src/net/limits.js'
import { ServedSample } from '../../../src/node/retention/served-sample.js'
import { replicatorOf } from '../../helper/logs.js'
import { type KeepingPeer, RetentionWorld } from '../../helper/retention-world.js'
import { alice, bob, carol, keysOfByte } from '../../helper/signed-world.js'
import { read } from '../../helper/stub-world.js'

/** Lines that take a little more than the bound together. */
const LINES = 1_200
const LINE_BYTES = 15_000
const SMALLEST = { unit: 'bytes' as const, amount: KEEP_BYTES_MIN }

async function write(peer: KeepingPeer, count = LINES): Promise<void> {
  const lines = Array.from({ length: count }, (_, line) =>
    peer.log.append({ username: 'x', message: `${line} `.padEnd(LINE_BYTES, 'x') }),
  )
  await Promise.all(lines)
}

/** What the contents of a log that are here take. */
async function heldBytes({ log }: KeepingPeer): Promise<number> {
  return (await log.diskBytes()) ?? 0
}

test('drops the oldest lines until the room fits, and tells peers that they are gone', async () => {
  const world = new RetentionWorld()
  const [a, b] = [await world.open(alice), await world.open(bob)]
  await write(a)
  world.connect(a, b)
  await world.settle(2_000)
  assert.equal((await read(b.log)).length, LINES)
  assert.ok((await heldBytes(b)) > KEEP_BYTES_MIN)
  await b.retention.setOwn(SMALLEST)
  await world.pass(60_000, 30)
  await b.retention.settled()
  const [range, ...others] = b.log.contents.dropped(a.log.id, 'kept-out')
  assert.deepEqual(others, [])
  assert.equal(range?.from, 1)
  assert.ok((await heldBytes(b)) <= KEEP_BYTES_MIN)
  assert.ok((await heldBytes(b)) > 0.85 * KEEP_BYTES_MIN, 'drops no more than it has to')
  assert.equal((await read(b.log)).length, LINES - (range?.to ?? 0) + 1)
  assert.equal((await read(a.log)).length, LINES)
  assert.equal((await b.log.verify(a.log.id)).fault, undefined)
  // Alice knows which of her lines bob still has.
  const { receipts } = replicatorOf(a.log)
  assert.equal(receipts.of({ author: a.log.id, seq: 1 }).on, 0)
  assert.equal(receipts.of({ author: a.log.id, seq: LINES }).on, 1)
  await world.close()
})

test('drops no line that no connected peer has', async () => {
  const world = new RetentionWorld()
  const [a, b] = [await world.open(alice), await world.open(bob)]
  await write(a)
  const excess: number[] = []
  a.retention.on('excess', bytes => excess.push(bytes))
  await a.retention.setOwn(SMALLEST)
  await world.pass(60_000, 30)
  assert.equal((await read(a.log)).length, LINES)
  assert.ok(excess.length === 1 && (excess[0] ?? 0) > 0)
  const close = world.connect(a, b)
  await world.settle(2_000)
  assert.equal((await read(b.log)).length, LINES)
  close()
  await world.settle()
  await world.pass(200_000, 20)
  assert.equal((await read(a.log)).length, LINES, 'bob had them when he left, but may have lost them since')
  world.connect(a, b)
  await world.settle()
  await world.pass(200_000, 40)
  assert.ok((await read(a.log)).length < LINES)
  assert.equal(excess.at(-1), 0)
  await world.close()
})

for (const isSaid of [true, false])
  test(`two peers that run out of space together ${isSaid ? 'drop no line that only they have' : 'lose lines if they do not say what goes (control)'}`, async () => {
    const world = new RetentionWorld()
    const [a, b] = [await world.open(alice), await world.open(bob)]
    await write(a)
    world.connect(a, b)
    await world.settle(2_000)
    if (!isSaid) for (const { log } of [a, b]) Object.defineProperty(log.contents, 'leave', { value: () => {} })
    await Promise.all([a.retention.setOwn(SMALLEST), b.retention.setOwn(SMALLEST)])
    await world.pass(600_000, 200)
    const shown = new Set([...(await read(a.log)), ...(await read(b.log))])
    assert.equal(shown.size === LINES, isSaid, `${shown.size} of ${LINES}`)
    await world.close()
  })

for (const [name, silenceMs] of [
  ['drop no line that only they have', SILENCE_MS_MAX],
  ['lose lines if it is closed too late (control)', 2 * SILENCE_MS_MAX],
] as const)
  test(`two peers whose connection is cut ${name}`, async t => {
    const world = new RetentionWorld()
    // Nor would either serve a sample of its lines.
    t.mock.method(ServedSample.prototype, 'isServed', async () => true)
    const [a, b] = [await world.open(alice), await world.open(bob)]
    await write(a)
    const cut = world.connectUntilCut(a, b, silenceMs)
    await world.settle(2_000)
    cut()
    await Promise.all([a.retention.setOwn(SMALLEST), b.retention.setOwn(SMALLEST)])
    await world.pass(200_000, 100)
    const shown = new Set([...(await read(a.log)), ...(await read(b.log))])
    assert.equal(shown.size === LINES, silenceMs === SILENCE_MS_MAX, `${shown.size} of ${LINES}`)
    await world.close()
  })

test('a stranger is not relied upon for lines of known people', async () => {
  const world = new RetentionWorld()
  const [a, b] = [await world.open(alice), await world.open(keysOfByte(7))]
  await write(a)
  world.connect(a, b, () => false)
  await world.settle(2_000)
  await a.retention.setOwn(SMALLEST)
  await world.pass(100_000, 20)
  assert.equal((await read(a.log)).length, LINES)
  await world.close()
})

test('fetches the latest of the dropped lines, and keeps them for a day', async () => {
  const world = new RetentionWorld()
  const [a, b, c] = [await world.open(alice), await world.open(bob), await world.open(carol)]
  await write(a)
  world.connect(a, b)
  world.connect(b, c)
  await world.settle(3_000)
  await b.retention.setOwn(SMALLEST)
  await world.pass(60_000, 30)
  const before = (await read(b.log)).length
  const older = b.retention.older()
  assert.equal(older.count, LINES - before)
  assert.deepEqual(
    older.holders.map(({ peer, count }) => [peer, count]).sort(),
    [
      [a.log.author, LINES - before],
      [c.log.author, LINES - before],
    ].sort(),
  )
  const fetching = b.retention.fetch(20)
  await world.settle(500)
  assert.equal(await fetching, 20)
  const seqs = await read(b.log)
  assert.equal(seqs.length, before + 20)
  assert.deepEqual(
    seqs,
    Array.from({ length: before + 20 }, (_, i) => `${LINES - before - 20 + i + 1}`),
  )
  await world.pass(12 * 3_600_000, 12)
  assert.equal((await read(b.log)).length, before + 20)
  await world.pass(13 * 3_600_000, 26)
  await a.log.append({ username: 'alice', message: 'one more'.padEnd(LINE_BYTES, 'x') })
  for (let line = 0; line < 60; line++) await a.log.append({ username: 'x', message: 'x'.padEnd(LINE_BYTES, 'x') })
  await world.settle(500)
  await world.pass(60_000, 30)
  assert.ok((await heldBytes(b)) <= KEEP_BYTES_MIN)
  await world.close()
})

test('marks content as dropped again if no peer sends it', async () => {
  const world = new RetentionWorld()
  const [a, b] = [await world.open(alice), await world.open(bob)]
  await write(a)
  const close = world.connect(a, b)
  await world.settle(2_000)
  await b.retention.setOwn(SMALLEST)
  await world.pass(60_000, 30)
  const { count } = b.retention.older()
  assert.ok(count > 0)
  Object.defineProperty(a.log.contents, 'read', { value: async () => [] })
  const fetching = b.retention.fetch(20)
  await world.pass(60_000, 60)
  assert.equal(await fetching, 0)
  assert.equal(b.retention.older().count, count)
  assert.deepEqual(b.log.contents.missing(a.log.id), [])
  close()
  assert.equal(await b.retention.fetch(20), 0)
  await world.close()
})

test('keeps its own bound over a restart', async () => {
  const world = new RetentionWorld()
  const first = await world.open(bob)
  await first.retention.setOwn({ unit: 'bytes', amount: 500e6 })
  await world.close()
  const again = new RetentionWorld()
  const second = await again.open(bob, first.disk)
  assert.deepEqual((await second.retention.status()).own, { unit: 'bytes', amount: 500e6 })
  await again.close()
})

for (const [name, { serves, isSampled, keeps }] of [
  ['nothing is dropped for a member who claims lines and serves none', { serves: false, isSampled: true, keeps: true }],
  ['control: lines are dropped for a member who serves them', { serves: true, isSampled: true, keeps: false }],
  ['control: without a sample they are dropped in any case', { serves: false, isSampled: false, keeps: false }],
] as const)
  test(name, async t => {
    const world = new RetentionWorld()
    const [a, b] = [await world.open(alice), await world.open(bob)]
    await write(a)
    world.connect(a, b)
    await world.settle(2_000)
    // Bob's program says that it has everything, whatever is requested of it.
    const { contents } = b.log
    const serve = contents.read.bind(contents)
    let requests = 0
    contents.read = async (log, range) => {
      requests++
      const entries = await serve(log, range)
      return serves ? entries : entries.map(entry => stubsOf([entry])[0] ?? entry)
    }
    if (!isSampled) t.mock.method(ServedSample.prototype, 'isServed', async () => true)
    const excess: number[] = []
    a.retention.on('excess', bytes => excess.push(bytes))
    await a.retention.setOwn(SMALLEST)
    await world.pass(120_000, 60)
    assert.equal((await read(a.log)).length === LINES, keeps)
    assert.equal(
      excess.some(bytes => bytes > 0),
      keeps,
    )
    assert.equal(requests > 0, isSampled, 'lines were requested of him')
    assert.equal((await a.log.verify(a.log.id)).fault, undefined)
    await world.close()
  })
