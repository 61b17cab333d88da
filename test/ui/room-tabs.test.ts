import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import { Notices } from '../../src/ui/notices.js'
import { type AttachedFace, RoomTabs } from '../../src/ui/rooms/room-tabs.js'
import { SavedRooms } from '../../src/ui/rooms/saved-rooms.js'
import { HostMachine, LOBBY_OPTIONS } from '../helper/host-machine.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 60_000 }
const NO_ONE = { hidden: new Set<never>() }

/** The rooms of a terminal that shows the lobby, and what its notices say. */
async function openTabs(t: TestContext, rooms: readonly string[], onAttach: (room: string) => void = () => {}) {
  const machine = await HostMachine.open(t)
  const saved = new SavedRooms(await temporaryDirectory(t))
  for (const room of rooms) await saved.add(room)
  const attach = async (room: string): Promise<AttachedFace> => {
    onAttach(room)
    return { face: await machine.face(t, { ...LOBBY_OPTIONS, room }), notices: new Notices() }
  }
  const first = { face: await machine.face(t), notices: new Notices() }
  const notices: string[] = []
  first.notices.sendTo(({ line }) => void notices.push(line))
  const names = (): string[] => tabs.all.map(({ room }) => room)
  const tabs = new RoomTabs(first, saved, attach)
  return { tabs, saved, notices, names, machine }
}

test('opens the saved rooms in their order, and saves the shown one', BOUND, async t => {
  const { tabs, saved, names, notices } = await openTabs(t, ['ops', 'lobby', 'dev'])
  assert.deepEqual(names(), ['lobby'])
  await tabs.reopen(() => NO_ONE)
  await tabs.reopen(() => NO_ONE)
  assert.deepEqual([names(), tabs.shown.room, notices], [['lobby', 'ops', 'dev'], 'lobby', []])
  assert.deepEqual(saved.load(), ['ops', 'lobby', 'dev'])
})

test('looks up the hidden authors of each room that it opens', BOUND, async t => {
  const { tabs, machine } = await openTabs(t, ['ops', 'dev'])
  const asked: string[] = []
  await tabs.reopen(room => {
    asked.push(room)
    return NO_ONE
  })
  assert.deepEqual(asked, ['ops', 'dev'])
  assert.deepEqual([...(machine.node?.peers.keys() ?? [])], ['lobby', 'ops', 'dev'])
})

test('reports a room that cannot be opened, keeps it in the list, and opens the others', BOUND, async t => {
  const { tabs, saved, names, notices } = await openTabs(t, ['lobby', 'ops', 'dev'], room => {
    if (room === 'ops') throw new ChatError('LOG_CORRUPT', 'the database is damaged', { hint: 'Move it aside.' })
  })
  await tabs.reopen(() => NO_ONE)
  assert.deepEqual(names(), ['lobby', 'dev'])
  assert.equal(notices.length, 1)
  assert.match(notices[0] ?? '', /^#ops is not open: the database is damaged.*Move it aside\.$/)
  assert.deepEqual(saved.load(), ['lobby', 'ops', 'dev'])
})

test('does not reopen a room that the user left meanwhile', BOUND, async t => {
  let tabs: RoomTabs | undefined
  const { tabs: opened, names } = await openTabs(t, ['ops', 'dev'], room => {
    if (room === 'ops') void tabs?.join('dev').then(leave)
  })
  tabs = opened
  let left = (): void => {}
  const hasLeft = new Promise<void>(resolve => {
    left = resolve
  })
  const leave = (tab: RoomTabs['shown']): void => {
    opened.show(tab)
    opened.show(opened.close() ?? tab)
    left()
  }
  await Promise.all([opened.reopen(() => NO_ONE), hasLeft])
  assert.deepEqual(names(), ['lobby', 'ops'])
})

test('opens no more rooms after the end', BOUND, async t => {
  let end = (): void => {}
  const { tabs, names, machine } = await openTabs(t, ['ops', 'dev'], () => end())
  end = () => tabs.end()
  await tabs.reopen(() => NO_ONE)
  assert.deepEqual(names(), ['lobby', 'ops'])
  while (machine.node?.server.status.rooms.length !== 1) await new Promise(setImmediate)
})
