import assert from 'node:assert/strict'
import test from 'node:test'
import { AHEAD_MS_MAX } from '../../../src/log/format/hybrid-clock.js'
import { RetentionWorld } from '../../helper/retention-world.js'
import { alice, bob, entryOf, WrittenLog } from '../../helper/signed-world.js'
import { idOf, read } from '../../helper/stub-world.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const keepDays = (days: number) => ({ unit: 'milliseconds' as const, amount: days * DAY_MS })

test('drops lines that are older than the room keeps, at every peer, and keeps the chain', async () => {
  const world = new RetentionWorld()
  const [a, b] = [await world.open(alice), await world.open(bob)]
  world.connect(a, b)
  for (let day = 0; day < 6; day++) {
    await a.log.append({ username: 'alice', message: `day ${day}` })
    await b.log.append({ username: 'bob', message: `day ${day}` })
    await world.pass(DAY_MS)
  }
  assert.equal((await read(b.log)).length, 12)
  world.setKeep(keepDays(3))
  await world.pass(2 * HOUR_MS)
  for (const { log } of [a, b]) {
    for (const { author } of log.head) {
      assert.deepEqual(log.contents.dropped(author, 'expired'), [{ from: 1, to: 4 }])
      assert.deepEqual(await log.verify(author), {
        last: 6,
        fault: undefined,
        without: { deleted: 0, 'kept-out': 0, expired: 3, 'not-given': 0, missing: 0 },
      })
    }
    assert.deepEqual(await read(log), ['4', '4', '5', '5', '6', '6'])
  }
  // Nothing of the texts is left in any row.
  const rows = Buffer.concat(
    a.disk.rows({ gte: new Uint8Array(), lt: Buffer.alloc(64, 0xff) }, 1_000).map(([, v]) => v),
  )
  assert.ok(!rows.includes('day 0') && rows.includes('day 5'))
  await world.close()
})

test('fetches nothing that is older than the room keeps', async () => {
  const world = new RetentionWorld()
  const [a, b] = [await world.open(alice), await world.open(bob)]
  for (let day = 0; day < 6; day++) {
    await a.log.append({ username: 'alice', message: `day ${day}` })
    await world.pass(DAY_MS)
  }
  world.setKeep(keepDays(3))
  await world.pass(2 * HOUR_MS)
  world.roomKeep = undefined // bob alone keeps everything, and asks for it
  world.connect(a, b)
  await world.pass(HOUR_MS, 4)
  assert.deepEqual(await read(b.log), ['4', '5', '6'])
  assert.deepEqual(b.log.contents.missing(a.log.id), [{ from: 1, to: 4 }])
  world.setKeep(keepDays(3))
  await world.pass(2 * HOUR_MS, 2)
  assert.deepEqual(b.log.contents.missing(a.log.id), [])
  assert.deepEqual(b.log.contents.dropped(a.log.id, 'expired'), [{ from: 1, to: 5 }])
  await world.close()
})

test('fetches lines from peers again when the room keeps them for longer', async () => {
  const world = new RetentionWorld()
  const [a, b] = [await world.open(alice), await world.open(bob)]
  world.connect(a, b)
  for (let day = 0; day < 6; day++) {
    await a.log.append({ username: 'alice', message: `day ${day}` })
    await world.pass(DAY_MS)
  }
  // Only bob drops: alice has not heard of the setting yet.
  world.roomKeep = keepDays(3)
  b.retention.changed()
  world.clock.advance(0)
  await world.settle()
  assert.deepEqual(await read(b.log), ['4', '5', '6'])
  assert.equal((await read(a.log)).length, 6)
  world.setKeep(keepDays(5))
  await world.pass(HOUR_MS, 4)
  assert.deepEqual(await read(b.log), ['3', '4', '5', '6'])
  await world.close()
})

test('drops lines that are dated ahead once they have been stored for as long as the room keeps lines', async () => {
  const world = new RetentionWorld()
  world.setKeep(keepDays(2))
  const years = new VirtualClock(world.clock.now() + 400 * DAY_MS)
  const a = await world.open(alice, undefined, years)
  await a.log.append({ username: 'alice', message: 'from the future' })
  const b = await world.open(bob)
  world.connect(a, b)
  await world.settle()
  assert.deepEqual(await read(b.log), ['1'])
  await world.pass(DAY_MS, 24)
  assert.deepEqual(await read(b.log), ['1'])
  await world.pass(DAY_MS + 3 * HOUR_MS, 27)
  assert.deepEqual(await read(b.log), [])
  assert.deepEqual(b.log.contents.dropped(a.log.id, 'expired'), [{ from: 1, to: 2 }])
  await world.close()
  assert.ok(AHEAD_MS_MAX < 400 * DAY_MS)
})

test('remembers over a restart when lines that are dated ahead arrived', async () => {
  const writtenMs = 1_763_670_000_000
  const world = new RetentionWorld(writtenMs - 400 * DAY_MS)
  world.setKeep(keepDays(2))
  const written = new WrittenLog(alice, [entryOf(0)])
  const first = await world.open(bob)
  await first.log.addSigned(idOf(written), [written.run(1, 1)])
  await world.pass(HOUR_MS, 2)
  await world.close()
  const again = new RetentionWorld(world.clock.now())
  again.roomKeep = keepDays(2)
  const second = await again.open(bob, first.disk)
  assert.deepEqual(await read(second.log), ['1'])
  await again.pass(2 * DAY_MS + 2 * HOUR_MS, 25)
  assert.deepEqual(await read(second.log), [])
  await again.close()
})

test('costs nothing while nothing is due', async () => {
  const world = new RetentionWorld()
  const a = await world.open(alice)
  await a.log.append({ username: 'alice', message: 'now' })
  world.setKeep(keepDays(90))
  await world.pass(2 * HOUR_MS, 4)
  let reads = 0
  const { weigh } = a.log.contents
  Object.defineProperty(a.log.contents, 'weigh', {
    value: (...given: Parameters<typeof weigh>) => {
      reads++
      return weigh.apply(a.log.contents, given)
    },
  })
  await world.pass(24 * HOUR_MS, 24)
  assert.equal(reads, 0)
  await world.close()
})
