/**
 * Single schedules of crashes, old copies, clones and dropped content, one for each rule of docs/protocol/storage.md §4.5 and logs.md §3.7,
 * §3.8. Other tests cover the remaining rules: a fork of three histories whose lowest place is learnt last (`forks.property.test.ts`),
 * removal from a room (`test/membership/`), erasures that a malicious peer undoes (`stubs.test.ts`, `test/sync/contents.test.ts`), more
 * than 64 gaps and a peer that strips everything to stubs (`test/sync/content.test.ts`), and places that a read mark passed
 * (`test/chat/unread-logs.property.test.ts`). Some cases cannot occur: lines after a fork are never repeated, so no repeated line is erased
 * or unread twice; and content is dropped by place within one branch, so that no place has two contents.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Log } from '../../src/log/log.js'
import { meet, messagesOf } from '../helper/fork-schedule.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { allMeet, Machine } from '../helper/run-schedule.js'
import { bob, carol } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

interface Schedule {
  readonly a: Machine
  readonly others: Machine[]
  readonly c: Log
  readonly d: Log
  /** The machine writes a line, and meets a peer if there is one. */
  say(machine: Machine, peer?: Log): Promise<void>
}

/** Runs a schedule, then connects everybody. `forks`: expected number of forked logs; `runs`: expected number of logs. */
function schedule(
  name: string,
  expected: { readonly forks?: number; readonly runs: number },
  steps: (schedule: Schedule) => Promise<void>,
): void {
  test(name, async () => {
    const [c, d] = await Promise.all(
      [bob, carol].map(keys => logOver(new MemoryStore(), keys, { clock: new VirtualClock() })),
    )
    assert.ok(c !== undefined && d !== undefined)
    const [a, others] = [new Machine(), [] as Machine[]]
    let lines = 0
    const say = async (machine: Machine, peer?: Log): Promise<void> => {
      await machine.say(`line ${++lines}`)
      if (peer !== undefined) await meet(await machine.open(), peer)
    }
    await steps({ a, others, c, d, say })
    const { forks, runs } = await allMeet([a, ...others], [c, d])
    assert.deepEqual({ forks, runs }, { forks: 0, ...expected })
    for (const log of [c, d]) await log.close()
  })
}

schedule('continues in a new run after a lost tail, by the mark', { runs: 2 }, async ({ a, c, say }) => {
  for (const peer of [undefined, undefined, c]) await say(a, peer)
  await a.damage(2)
  assert.equal((await a.open()).doubt, 'behind')
  await say(a)
})

schedule(
  'an old copy of the data beside the mark of the state directory is in doubt',
  { runs: 2 },
  async ({ a, c, say }) => {
    await say(a)
    const copy = a.copy()
    await say(a, c)
    await say(a, c)
    await a.restore(copy, 'data')
    assert.equal((await a.open()).doubt, 'behind')
    await say(a)
  },
)

schedule(
  'old copies of data and state that are put back file by file are in doubt',
  { runs: 2 },
  async ({ a, c, say }) => {
    await say(a)
    const copy = a.copy()
    await say(a, c)
    await a.restore(copy, 'files')
    assert.equal((await a.open()).doubt, 'moved')
    await say(a)
  },
)

schedule('an entry that was sent after a crash before the mark is not replaced', { runs: 2 }, async ({ a, c, say }) => {
  await say(a)
  await a.crash('in flight', { disk: true })
  await meet(await a.open(), c)
  await a.damage(1)
  assert.equal((await a.open()).doubt, 'behind')
  await say(a)
})

schedule('nothing is sent before the mark of the state directory returns', { runs: 2 }, async ({ a, c, say }) => {
  await say(a)
  const copy = a.copy()
  await a.crash('in flight', { disk: true, home: true })
  await meet(await a.open(), c)
  await a.restore(copy, 'data')
  await say(a)
})

schedule('without any mark the end is in doubt', { runs: 2 }, async ({ a, c, say }) => {
  await say(a)
  await say(a, c)
  await a.damage(1)
  a.home.mark = undefined
  a.state.mark = undefined
  assert.equal((await a.open()).doubt, 'no-mark')
  await say(a)
})

schedule(
  'the entry in flight is stored again from the marks, without a new run',
  { runs: 1 },
  async ({ a, c, say }) => {
    await say(a)
    await a.crash('in flight', { home: true, state: true })
    const log = await a.open()
    assert.equal(log.doubt, undefined)
    assert.ok((await messagesOf(log)).includes('in flight'))
    await say(a, c)
  },
)

schedule(
  'a copy of the data on a second machine goes on in another run',
  { runs: 2 },
  async ({ a, c, others, say }) => {
    await say(a, c)
    const b = a.clone(false)
    others.push(b)
    await say(a, c)
    await say(b)
  },
)

schedule(
  'a second machine that crashes as it opens its run opens it at the next start',
  { runs: 2 },
  async ({ a, c, others, say }) => {
    await say(a, c)
    const b = a.clone(false)
    others.push(b)
    await b.crash('in flight', {})
    assert.equal((await b.open()).doubt, 'moved')
    await say(a, c)
    await say(b)
  },
)

schedule('a tail that is lost across the opening of a run is noticed', { runs: 3 }, async ({ a, c, d, say }) => {
  for (let line = 0; line < 3; line++) await say(a, c)
  await a.damage(2)
  await say(a, d)
  await say(a, d)
  await a.damage(2)
  assert.notEqual((await a.open()).doubt, undefined)
  await say(a)
})

schedule(
  'a room that was forgotten and entered again is continued in a new run',
  { runs: 2 },
  async ({ a, c, say }) => {
    await say(a, c)
    await a.forget()
    assert.equal((await a.open()).doubt, 'no-log')
    await say(a)
  },
)

schedule(
  'a whole disk that is put back continues in a new run if a peer is met first',
  { runs: 2 },
  async ({ a, c, say }) => {
    await say(a)
    const copy = a.copy()
    await say(a, c)
    await say(a, c)
    await a.restore(copy, 'rollback')
    await meet(await a.open(), c)
    assert.equal((await a.open()).doubt, 'elsewhere')
    await say(a)
  },
)

schedule('so it does if the peer has only a part of what is missing', { runs: 2 }, async ({ a, c, d, say }) => {
  await say(a)
  const copy = a.copy()
  await say(a, c)
  await say(a, d)
  await a.restore(copy, 'rollback')
  await meet(await a.open(), c)
  assert.equal((await a.open()).doubt, 'elsewhere')
  await say(a)
})

schedule(
  'lines of a whole-disk clone are kept as a branch',
  { forks: 1, runs: 3 },
  async ({ a, c, d, others, say }) => {
    await say(a, c)
    const b = a.clone(true)
    others.push(b)
    await say(a, c)
    await say(b, d)
    await say(b, d)
  },
)

schedule(
  'a line that was written to a disk put back before any peer is met is a branch',
  { forks: 1, runs: 3 },
  async ({ a, c, say }) => {
    await say(a)
    const copy = a.copy()
    await say(a, c)
    await say(a, c)
    await a.restore(copy, 'rollback')
    await say(a)
  },
)

schedule('lines of a clone that is gone stay', { forks: 1, runs: 3 }, async ({ a, c, d, say }) => {
  await say(a, c)
  const b = a.clone(true)
  await say(a, c)
  await say(b, d)
  await b.close()
})

schedule('three clones fork at two places', { forks: 2, runs: 5 }, async ({ a, c, d, others, say }) => {
  await say(a, c)
  const e = a.clone(true)
  await say(a, c)
  await say(a, c)
  const b = a.clone(true)
  await say(a, c)
  await say(b, d)
  await say(e)
  others.push(b, e)
})

schedule(
  'the mark of one place is levelled at the start, so that the other may be lost',
  { runs: 2 },
  async ({ a, c, say }) => {
    await say(a)
    await a.crash('in flight', { disk: true, state: true })
    await meet(await a.open(), c)
    await a.damage(2)
    a.state.mark = undefined
    assert.equal((await a.open()).doubt, 'behind')
    await say(a)
  },
)

test('content that was dropped is not restored from the marks', async () => {
  const a = new Machine()
  await a.say('one')
  await a.say('two')
  assert.notEqual(a.home.mark?.batch, undefined)
  const log = await a.open()
  await log.contents.drop(log.id, { from: 1, to: 3 }, 'deleted')
  assert.deepEqual([a.home.mark?.batch, a.state.mark?.batch], [undefined, undefined])
  await a.close()
  assert.deepEqual(await messagesOf(await a.open()), [])
  await a.close()
})
