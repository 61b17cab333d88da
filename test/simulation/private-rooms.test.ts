import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { promisify } from 'node:util'
import { drawRoomPlan } from '../../src/sim/rooms/room-plan.js'
import { randomRoomRun, runRoomPlan, runSchedule } from '../../src/sim/rooms/room-run.js'
import { RoomWorld } from '../../src/sim/rooms/room-world.js'
import { ROOM_SCHEDULES } from '../../src/sim/rooms/schedules/all.js'
import { MUTANT_OPTIONS } from '../helper/mutant.js'
import type { Regression } from '../long/simulation.js'
import { ROOM_BUGS } from './room-bugs.js'

/** A long run tries any number of seeds, and every mutation: test/long/room-simulation.ts. */
const SEEDS = 3
const RUN = new URL('../helper/room-mutation-run.js', import.meta.url).pathname

for (const [name, schedule] of Object.entries(ROOM_SCHEDULES))
  test(name, async () => void (await runSchedule(schedule)))

test('random members, removals and faults: all agree, and nobody gets what they should not', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await randomRoomRun(seed)
})

/** Seeds that found a fault. */
const regressions: (Regression & { readonly hasRareFaults?: true })[] = JSON.parse(
  await readFile('test/simulation/room-regressions.json', 'utf8'),
)

for (const { seed, hasRareFaults = false, found } of regressions)
  test(`regression, seed ${seed}: ${found}`, async () => void (await randomRoomRun(seed, { hasRareFaults })))

test('the same seed gives the same run', async () => {
  const plan = drawRoomPlan(2, { faultsMs: 2_000 })
  const [first, second] = [await runRoomPlan(plan), await runRoomPlan(plan)]
  assert.equal(first.trace.join('\n'), second.trace.join('\n'))
})

/** What passes on a network on which somebody without the room tries an id: events, bytes and connections, in a minute. */
async function trafficOf(idOf: (room: Uint8Array) => Uint8Array): Promise<readonly number[]> {
  const people = new Map([
    ['alice', 'honest'],
    ['bob', 'honest'],
    ['oscar', 'outsider'],
  ] as const)
  const world = new RoomWorld({ seed: 5, people })
  try {
    await world.found('alice', 'ops')
    await world.enter('bob', 'ops', 'alice')
    await world.run(1_000)
    world.person('oscar').intrude(idOf(world.secrets.rooms[0] ?? new Uint8Array(32)))
    await world.run(60_000)
    return [world.steps, world.network.bytesSent, world.network.connectionsMade]
  } finally {
    world.end()
  }
}

test('the stolen id of a room leads to the same events, bytes and connections as one that does not exist', async () => {
  assert.deepEqual(await trafficOf(id => id), await trafficOf(() => new Uint8Array(32)))
})

for (const { name } of ROOM_BUGS.filter(({ isUsual }) => isUsual))
  test(`killed: ${name}`, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [...MUTANT_OPTIONS, RUN, name, '0'])
    assert.notDeepEqual(JSON.parse(stdout), {})
  })

test('each mutation is of text that occurs once, and names a schedule or a seed', async () => {
  for (const { name, file, find, killer } of ROOM_BUGS) {
    const text = await readFile(new URL(`../../src/${file}.js`, import.meta.url), 'utf8')
    assert.equal(text.split(find).length, 2, name)
    const isKnown = Object.keys(ROOM_SCHEDULES).some(called => called.startsWith(String(killer)))
    assert.ok(typeof killer === 'number' || isKnown, name)
  }
})
