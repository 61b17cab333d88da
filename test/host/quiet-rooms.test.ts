import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { HostMachine, LOBBY_OPTIONS } from '../helper/host-machine.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 120_000 }
const ROOMS = 32
const STEP_MS = 500
const MINUTE_MS = 60_000

test('a minute of 32 hidden rooms without news sets no more timers than one of a single room', BOUND, async t => {
  const clock = new VirtualClock()
  const machine = await HostMachine.open(t, { clock, hasPeerExchange: true })
  /** Timers that are set in a minute, by the node and by its faces. */
  const minute = async (): Promise<number> => {
    const before = clock.delays.length
    for (let passed = 0; passed < MINUTE_MS; passed += STEP_MS) {
      clock.advance(STEP_MS)
      // A ping and its answer pass the socket.
      for (let turns = 0; turns < 10; turns++) await turn()
    }
    return clock.delays.length - before
  }
  await machine.face(t)
  await minute()
  const alone = await minute()
  const rooms = Array.from({ length: ROOMS - 1 }, (_, index) => `room${index}`)
  const hidden = await Promise.all(rooms.map(room => machine.face(t, { ...LOBBY_OPTIONS, room })))
  for (const face of hidden) face.look(false)
  await minute()
  const quiet = await minute()
  assert.ok(alone > 0, 'control: the node is pinged for the room that is shown')
  assert.ok(quiet <= alone + ROOMS, `${quiet} timers with ${ROOMS} rooms, ${alone} with one`)
  for (const face of hidden) face.look(true)
  const looking = await minute()
  assert.ok(looking > 10 * alone, `control: ${looking} timers when all are shown`)
})
