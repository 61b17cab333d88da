import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Face } from '../../src/host/client/face.js'
import type { Fields } from '../../src/host/protocol/codec.js'
import { authorOfKey } from '../../src/log/format/author.js'
import type { Room } from '../../src/node/room.js'
import { HostMachine, LOBBY_OPTIONS } from '../helper/host-machine.js'
import { bob } from '../helper/signed-world.js'

const BOUND = { timeout: 300_000 }

async function answersTo(face: Face, command: Fields): Promise<Fields[]> {
  const answers: Fields[] = []
  for await (const answer of face.command(command)) answers.push(answer)
  return answers
}

const write = (face: Face, text: string): Promise<Fields[]> => answersTo(face, { do: 'msg', who: 'bob', text })

async function linesToBob(t: TestContext, machine: HostMachine): Promise<string[]> {
  const face = await machine.face(t, { ...LOBBY_OPTIONS, room: '@bob' })
  const lines: string[] = []
  for await (const batch of face.batches({})) lines.push(...batch.map(({ message }) => message))
  return lines
}

/** Withholds the answers to what this room appends; resolves when an entry is stored. */
function unanswered(room: Room): Promise<void> {
  return new Promise(resolve => {
    const post = room.post.bind(room)
    room.post = (...line) => {
      void post(...line).then(() => resolve())
      return new Promise(() => {})
    }
  })
}

/** Opens the room with bob at the first node, whose answers are withheld from then on. */
async function writeToDyingNode(t: TestContext, machine: HostMachine): Promise<Face> {
  const face = await machine.face(t)
  await write(face, '')
  const direct = machine.node?.peers.get('@bob')
  assert.ok(direct)
  const stored = unanswered(direct)
  const written = write(face, 'hello')
  written.catch(() => {})
  await stored
  await machine.crash()
  assert.deepEqual(
    (await written).map(({ room }) => room),
    ['@bob'],
  )
  assert.equal(machine.starts, 2)
  return face
}

const open = (t: TestContext): Promise<HostMachine> => HostMachine.open(t, { bob: authorOfKey(bob.publicKey) })

test('does not repeat a direct message that was stored before its node died without answering', BOUND, async t => {
  const machine = await open(t)
  const face = await writeToDyingNode(t, machine)
  assert.deepEqual(await linesToBob(t, machine), ['hello'])
  await write(face, 'hello')
  assert.deepEqual(await linesToBob(t, machine), ['hello', 'hello'])
})

test('control: stores the direct message twice without the rows of answered requests', BOUND, async t => {
  const machine = await open(t)
  machine.onPeer = peer => {
    peer.requests.answered = async () => new Map()
  }
  await writeToDyingNode(t, machine)
  assert.deepEqual(await linesToBob(t, machine), ['hello', 'hello'])
})

test('stores a direct message through the next node if its node died before', BOUND, async t => {
  const machine = await open(t)
  const face = await machine.face(t)
  await write(face, '')
  const direct = machine.node?.peers.get('@bob')
  assert.ok(direct)
  const asked = new Promise<void>(resolve => {
    direct.post = () => {
      resolve()
      return new Promise(() => {})
    }
  })
  const written = write(face, 'hello')
  await asked
  await machine.crash()
  await written
  assert.deepEqual(await linesToBob(t, machine), ['hello'])
})

test('hides a person at the next node if the first one dies before it answers', BOUND, async t => {
  const machine = await open(t)
  const face = await machine.face(t)
  for (const socket of machine.node?.sockets ?? []) socket.pause()
  const answered = answersTo(face, { do: 'hide', keys: [authorOfKey(bob.publicKey)] })
  answered.catch(() => {})
  await machine.crash()
  assert.deepEqual(await answered, [])
  assert.equal(machine.starts, 2)
})
