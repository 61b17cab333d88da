import assert from 'node:assert/strict'
import { once } from 'node:events'
import test, { type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.js'
import { ChatError } from '../../src/base/errors.js'
import type { Face } from '../../src/host/client/face.js'
import { ENTRY_BYTES_MAX } from '../../src/log/limits.js'
import type { NodeEvent } from '../../src/node/events.js'
import { HostMachine, LOBBY_OPTIONS } from '../helper/host-machine.js'

const BOUND = { timeout: 300_000 }

/** What a face shows, and a way to wait for it. */
function watch(t: TestContext, face: Face, options: { readonly last?: number; readonly tail?: boolean } = {}) {
  const shown: string[] = []
  const over = new AbortController()
  t.after(() => over.abort())
  let wake = (): void => {}
  const reading = (async () => {
    for await (const batch of face.batches({ live: true, signal: over.signal, ...options })) {
      shown.push(...batch.map(({ message }) => message))
      wake()
    }
  })()
  reading.catch(() => {})
  return {
    shown,
    until: async (count: number): Promise<string[]> => {
      while (shown.length < count)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      return shown
    },
  }
}

/** Resolves when `isSo` returns true; checks it after each change. */
async function until(face: Face, isSo: () => boolean): Promise<void> {
  while (!isSo()) await once(face, 'change')
}

async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const part of parts) found.push(part)
  return found
}

async function history(face: Face): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of face.batches({})) lines.push(...batch.map(({ message }) => message))
  return lines
}

test('shows two faces of a room the same lines and the same state', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const first = await machine.face(t)
  await first.say('before')
  const second = await machine.face(t)
  assert.equal(machine.starts, 1)
  assert.deepEqual([second.me, second.id, second.room, second.heads], [first.me, first.id, first.room, first.heads])
  const [inFirst, inSecond] = [watch(t, first), watch(t, second)]
  await inSecond.until(1)
  await second.say({ kind: 'action', text: 'from the second' })
  await first.say('from the first')
  assert.deepEqual(await inFirst.until(3), ['before', 'from the second', 'from the first'])
  assert.deepEqual(await inSecond.until(3), ['before', 'from the second', 'from the first'])
  await until(second, () => second.heads[0]?.seq === 3)
  assert.deepEqual([second.kept, second.unsavedCount], [{ on: 0, of: 0, left: 0 }, 0])
  await until(first, () => first.others === 1)
  await until(second, () => second.others === 1)
  const verdicts = await all(second.verify())
  assert.deepEqual(
    verdicts.map(({ author, last, fault }) => [author, last, fault]),
    [[first.id, 3, undefined]],
  )
  assert.ok((await all(second.archive())).length > 0)
})

test('passes the errors of the library to a face', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const first = await machine.face(t)
  const second = await machine.face(t)
  await assert.rejects(second.say('x'.repeat(300_000)), { code: 'BAD_MESSAGE' })
  // Only the node can detect this one, because it adds the name and the time.
  await assert.rejects(second.say('x'.repeat(ENTRY_BYTES_MAX - 20)), { code: 'BAD_MESSAGE' })
  assert.deepEqual([second.unsavedCount, second.unstored, second.firstUnsaid?.length], [0, 2, 300_000])
  assert.throws(() => second.connect('alice'), { code: 'BAD_USAGE' })
  assert.throws(() => second.connect('no such name!'), { code: 'BAD_NAME' })
  assert.equal(second.disconnect('bob'), false)
  second.connect('bob:4000')
  await until(second, () => second.connectionSummary.dialing.length > 0)
  assert.equal(second.disconnect('bob:4000'), true)
  await until(first, () => first.connectionSummary.dialing.length === 0)
})

test('does not repeat a line that was stored before its node died without answering', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const { peer } = machine
  const post = peer.post.bind(peer)
  let stored: ReturnType<typeof post> | undefined
  peer.post = (...line) => {
    stored = post(...line)
    return new Promise(() => {}) // the answer never leaves
  }
  const said = face.say('hello')
  while (stored === undefined) await new Promise(setImmediate)
  await stored
  assert.equal(face.unsavedCount, 1)
  await machine.crash()
  await said
  assert.equal(machine.starts, 2)
  assert.deepEqual([face.unsavedCount, await history(face)], [0, ['hello']])
})

test('a user who is away is away at the next node too, until they are back', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const said: (string | undefined)[] = []
  machine.onPeer = peer => {
    peer.setAway = text => void said.push(text)
  }
  face.setAway('lunch')
  await machine.crash()
  await face.say('still at lunch')
  assert.deepEqual(said, ['lunch'])
  face.setAway(undefined)
  await face.refreshed()
  await machine.crash()
  await face.say('back')
  assert.deepEqual(said, ['lunch', undefined])
})

test('what a user does while no node is there reaches the next one', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const done: string[] = []
  machine.onOpen = () => {
    face.pin('bob', face.id, 'met')
    face.connect('carol:4000')
  }
  machine.onPeer = peer => {
    peer.pin = name => void done.push(name)
    peer.connect = name => void done.push(name)
  }
  await machine.crash()
  await face.say('back')
  await face.refreshed()
  assert.deepEqual(done, ['bob', 'carol:4000'])
})

test('what a user does before a node dies that has not read it reaches the next one, in order', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const done: string[] = []
  machine.onPeer = peer => {
    peer.pin = name => void done.push(name)
    peer.connect = name => void done.push(name)
    peer.disconnect = name => done.push(`not ${name}`) > 0
  }
  for (const socket of machine.node?.sockets ?? []) socket.pause()
  face.connect('carol:4000')
  face.pin('bob', face.id, 'met')
  face.disconnect('carol:4000')
  machine.onOpen = () => face.connect('dave:4000')
  await machine.crash()
  await face.say('back')
  machine.onOpen = () => {}
  await face.refreshed()
  assert.deepEqual(done, ['carol:4000', 'bob', 'not carol:4000', 'dave:4000'])
  for (let number = 0; number < 1_000; number++) face.pin(`friend ${number}`, face.id, 'met')
  await face.refreshed()
  assert.equal(done.length, 1_004, 'more than a node answers at a time')
  await face.refreshed()
  await machine.crash()
  await face.say('again')
  await face.refreshed()
  assert.equal(done.length, 1_004, 'what a node has read is not repeated')
})

test('control: stores the line twice without the rows of answered requests', BOUND, async t => {
  const machine = await HostMachine.open(t)
  machine.onPeer = peer => {
    peer.requests.answered = async () => new Map()
  }
  const face = await machine.face(t)
  const { peer } = machine
  const post = peer.post.bind(peer)
  let stored: ReturnType<typeof post> | undefined
  peer.post = (...line) => {
    stored = post(...line)
    return new Promise(() => {})
  }
  const said = face.say('hello')
  while (stored === undefined) await new Promise(setImmediate)
  await stored
  await machine.crash()
  await said
  assert.deepEqual(await history(face), ['hello', 'hello'])
})

test('stores unanswered lines through the next node, in order, each once', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  await face.say('same')
  let asked = 0
  machine.peer.post = () => {
    asked++
    return new Promise(() => {})
  }
  const said = ['same', 'same', 'other'].map(line => face.say(line))
  while (asked < 3) await new Promise(setImmediate)
  await machine.crash()
  said.push(face.say('while no node was there'))
  await Promise.all(said)
  assert.deepEqual(await history(face), ['same', 'same', 'same', 'other', 'while no node was there'])
})

test('shows three faces every line once across three nodes', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const first = await machine.face(t)
  for (let line = 0; line < 20; line++) await first.say(`early ${line}`)
  const faces = [await machine.face(t), await machine.face(t), await machine.face(t)]
  const shown = faces.map((face, index) => watch(t, face, [{}, { last: 5 }, { tail: true }][index] ?? {}))
  await shown[0]?.until(20)
  await shown[1]?.until(5)
  const early = [20, 5, 0]
  for (let round = 1; round <= 3; round++) {
    await machine.crash()
    await Promise.all(faces.map((face, index) => face.say(`round ${round} of ${index}`)))
    for (const [index, watched] of shown.entries()) {
      const lines = await watched.until((early[index] ?? 0) + round * faces.length)
      assert.equal(new Set(lines).size, lines.length)
      assert.equal(lines.filter(line => line.startsWith('early')).length, early[index])
    }
  }
  assert.equal(machine.starts, 4)
})

test('attaches to a room of a thousand people who are all away with a reason', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const person = { state: 'indirect', away: '⏎'.repeat(85), isTyping: false, lastHeardMs: 1_800_000_000_000, hops: 3 }
  const people = Array.from({ length: 1_000 }, (_, index) => {
    const author = index.toString(16).padStart(64, '0')
    return { ...person, author, name: `${index}`.padStart(63, 'x') }
  })
  machine.onPeer = peer => void Object.defineProperty(peer, 'presence', { get: () => people })
  const face = await machine.face(t)
  assert.deepEqual(face.presence, people)
  await face.say('hello all')
})

test('stores two thousand lines at once, in order', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const lines = Array.from({ length: 2_000 }, (_, line) => `line ${line}`)
  await Promise.all(lines.map(line => face.say(line)))
  assert.deepEqual(await history(face), lines)
})

test('serves two rooms, and closes each after its last face', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const lobby = await machine.face(t)
  const ops = await machine.face(t, { ...LOBBY_OPTIONS, room: 'ops' })
  assert.equal(machine.starts, 1)
  await lobby.say('in the lobby')
  await ops.say('in ops')
  assert.deepEqual([await history(lobby), await history(ops)], [['in the lobby'], ['in ops']])
  const rooms = (): string[] => machine.node?.server.status.rooms.map(({ room }) => room) ?? []
  assert.deepEqual(rooms(), ['lobby', 'ops'])
  assert.equal(await ops.close(), true)
  assert.deepEqual(rooms(), ['lobby'])
  const again = await machine.face(t, { ...LOBBY_OPTIONS, room: 'ops' })
  assert.deepEqual([machine.starts, await history(again)], [1, ['in ops']])
  assert.equal(await again.close(), true)
  const { ended } = machine.node ?? assert.fail()
  assert.equal(await lobby.close(), true)
  assert.equal(await ended, 'idle')
})

test('closes the databases before the last face returns', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const { peer } = machine
  const close = peer.close.bind(peer)
  let isClosed = false
  peer.close = async () => {
    await close()
    await new Promise(resolve => setTimeout(resolve, 50))
    isClosed = true
  }
  assert.equal(await face.close(), true)
  assert.equal(isClosed, true)
})

test('adds the peers of a face, and rejects options that differ from those of the node', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const first = await machine.face(t, { ...LOBBY_OPTIONS, listen: '4000', isDiscovering: true })
  await machine.face(t, { ...LOBBY_OPTIONS, peers: ['bob:4000'], listen: ':4000', isDiscovering: true })
  await until(first, () => first.connectionSummary.dialing.some(({ name }) => name === 'bob:4000'))
  const refused = (options: object) => machine.face(t, { ...LOBBY_OPTIONS, isDiscovering: true, ...options })
  await assert.rejects(refused({ listen: '4001' }), {
    code: 'BAD_USAGE',
    message: 'alice already runs with --listen 4000: persisted-chat stop alice, or leave the option out',
  })
  await assert.rejects(refused({ isDiscovering: false }), {
    code: 'BAD_USAGE',
    message: 'alice already runs without --no-discovery: persisted-chat stop alice, or leave the option out',
  })
  await assert.rejects(refused({ direct: 'known' }), {
    code: 'BAD_USAGE',
    message: 'alice already runs without --direct: persisted-chat stop alice, or leave the option out',
  })
  await refused({})
})

test('tells a refused face the problems that were found when its room was opened', BOUND, async t => {
  const machine = await HostMachine.open(t)
  machine.onOpen = report => {
    report({ kind: 'logs-opened', database: 'alice/lobby' })
    report({ kind: 'database-damaged', detail: `attempt ${++attempts}` })
    throw new ChatError('DATA_UNUSABLE', 'it cannot be opened')
  }
  let attempts = 0
  const node = await machine.start()
  await assert.rejects(node.server.openOwnRoom(LOBBY_OPTIONS), { code: 'DATA_UNUSABLE' })
  await assert.rejects(machine.face(t), { code: 'DATA_UNUSABLE' })
  const problems = ['attempt 1', 'attempt 2'].map(detail => ({ kind: 'database-damaged', detail }))
  assert.deepEqual(machine.events, problems)
})

test('a face learns when a connection opened before anything that comes over it', BOUND, async t => {
  const machine = await HostMachine.open(t)
  let report: (event: NodeEvent) => void = () => assert.fail('the room is not open')
  machine.onOpen = given => {
    report = given
  }
  const face = await machine.face(t)
  const summary = { connected: ['bob'], plain: [], dialing: [], indirect: 0, openedAt: 1_800_000_000_000 }
  Object.defineProperty(machine.peer, 'connectionSummary', { get: () => summary })
  report({ kind: 'connection-opened', peer: 'bob', protocol: 'native' })
  while (!machine.events.some(({ kind }) => kind === 'connection-opened')) await new Promise(setImmediate)
  assert.deepEqual(face.connectionSummary, summary)
})

test('knows whether the room stays open without a face', BOUND, async t => {
  const machine = await HostMachine.open(t, { stays: true })
  const { server } = await machine.start()
  await server.openOwnRoom(LOBBY_OPTIONS)
  const [lobby, ops] = [await machine.face(t), await machine.face(t, { ...LOBBY_OPTIONS, room: 'ops' })]
  assert.deepEqual([lobby.goesOn, ops.goesOn], [true, false])
  await machine.face(t, { ...LOBBY_OPTIONS, room: 'ops' })
  await until(ops, () => ops.goesOn)
})

test('ends the faces of a stopped node without starting another', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  await face.say('before')
  const shown = watch(t, face)
  await shown.until(1)
  await machine.node?.server.end('stopped')
  assert.deepEqual(await face.ended, { error: undefined })
  assert.equal(machine.starts, 1)
})

test('gives up after three failed starts in a minute, with the last error', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  await face.say('before')
  let starts = 0
  machine.start = () => Promise.reject(new ChatError('DATA_UNUSABLE', `start ${++starts} failed`))
  const awake = setInterval(() => {}, 1_000)
  t.after(() => clearInterval(awake))
  const lost = face.say('never answered')
  lost.catch(() => {})
  await machine.crash()
  const { error } = await face.ended
  assert.deepEqual([starts, error?.code, error?.message], [3, 'DATA_UNUSABLE', 'start 3 failed'])
  assert.deepEqual([face.unstored, face.firstUnsaid], [1, 'never answered'])
})

test('a node ends when the face that started it never comes, though its room is open', BOUND, async t => {
  const hasty = { now: systemClock.now, after: (ms: number, act: () => void) => systemClock.after(ms / 50, act) }
  const machine = await HostMachine.open(t, { clock: hasty })
  const { server, ended } = await machine.start()
  await server.openOwnRoom(LOBBY_OPTIONS)
  assert.equal(server.status.rooms.length, 1)
  const awake = setInterval(() => {}, 1_000)
  assert.equal(await ended, 'idle')
  clearInterval(awake)
})

test('control: a node that stays keeps its room open without a face', BOUND, async t => {
  const hasty = { now: systemClock.now, after: (ms: number, act: () => void) => systemClock.after(ms / 1_000, act) }
  const machine = await HostMachine.open(t, { clock: hasty, stays: true })
  const { server, ended } = await machine.start()
  await server.openOwnRoom(LOBBY_OPTIONS)
  const isOver = await Promise.race([ended, new Promise(resolve => hasty.after(60_000, () => resolve('still open')))])
  assert.equal(isOver, 'still open')
  assert.equal(server.status.rooms.length, 1)
})

const openRooms = (machine: HostMachine): string[] =>
  (machine.node?.server.status.rooms ?? []).flatMap(({ room, open }) => (open ? [room] : []))

/** The lines of a room in the order in which its reader got them. */
test(
  'closes the least recently viewed room to open a 33rd one, and opens it again when the user looks at it',
  BOUND,
  async t => {
    let now = systemClock.now()
    const machine = await HostMachine.open(t, { clock: { now: () => now++, after: systemClock.after } })
    const faces: Face[] = []
    for (let index = 0; index < 32; index++) {
      const face = await machine.face(t, { ...LOBBY_OPTIONS, room: `room-${index}` })
      faces.push(face)
      if (index > 0) face.look(false)
      await face.refreshed()
    }
    const [looked, idle, next] = faces as [Face, Face, Face]
    const lines = watch(t, idle)
    await idle.say('before')
    await lines.until(1)
    for (const face of faces.slice(3)) await face.say('busy')
    next.look(true)
    next.look(false)
    await next.refreshed()
    const another = await machine.face(t, { ...LOBBY_OPTIONS, room: 'another' })
    await until(idle, () => idle.isParked)
    assert.deepEqual(openRooms(machine).includes('room-1'), false)
    assert.equal(openRooms(machine).length, 32)
    assert.deepEqual(machine.node?.server.status.rooms.find(({ open }) => !open)?.room, 'room-1')
    assert.deepEqual([looked.isParked, another.isParked], [false, false])
    // The user looks at it: another one is closed, and its reader goes on where it was.
    idle.look(true)
    await idle.say('after')
    assert.deepEqual(await lines.until(2), ['before', 'after'])
    assert.ok(openRooms(machine).includes('room-1'))
    assert.equal(openRooms(machine).length, 32)
    assert.equal(machine.starts, 1, 'by the same node')
    // A peer comes to the one that was closed for it: no room is closed that was used just now.
    const [wanted = '', ...others] = machine.watched.keys()
    const woken = faces.find(({ room }) => room === wanted)
    assert.ok(woken?.isParked === true && others.length === 0)
    const comes = machine.watched.get(wanted)
    comes?.()
    await looked.refreshed()
    assert.ok(!openRooms(machine).includes(wanted))
    now += 20_000
    comes?.()
    await until(woken, () => !woken.isParked)
    assert.ok(openRooms(machine).includes(wanted))
    // What the face of the closed room had just sent opens that one again, and closes another.
    while (openRooms(machine).length !== 32) await turn()
  },
)

test('does not close a room whose face has just sent something when a 33rd room is opened', BOUND, async t => {
  let now = systemClock.now()
  const machine = await HostMachine.open(t, { clock: { now: () => now++, after: systemClock.after } })
  const faces: Face[] = []
  for (let index = 0; index < 32; index++) {
    const face = await machine.face(t, { ...LOBBY_OPTIONS, room: `room-${index}` })
    faces.push(face)
    face.look(false)
    await face.refreshed()
  }
  faces[0]?.typing()
  await faces[0]?.refreshed()
  await machine.face(t, { ...LOBBY_OPTIONS, room: 'another' })
  assert.deepEqual(machine.node?.server.status.rooms.find(({ open }) => !open)?.room, 'room-1')
})

test(
  'refuses another room while somebody looks at each of 32, and opens it when one of them is closed',
  BOUND,
  async t => {
    const machine = await HostMachine.open(t)
    const [first] = await Promise.all(
      Array.from({ length: 32 }, (_, index) => machine.face(t, { ...LOBBY_OPTIONS, room: `room-${index}` })),
    )
    const another = { ...LOBBY_OPTIONS, room: 'another' }
    await assert.rejects(machine.face(t, another), {
      code: 'BAD_USAGE',
      message: 'alice has 32 rooms open',
      hint: 'Close one first: /close in its terminal.',
    })
    const again = await machine.face(t, { ...LOBBY_OPTIONS, room: 'room-1' })
    await again.close()
    await first?.close()
    assert.equal((await machine.face(t, another)).room, 'another')
  },
)
