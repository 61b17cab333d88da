import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import type { Face } from '../../../src/host/client/face.js'
import { logOf } from '../../../src/log/format/author.js'
import type { Log } from '../../../src/log/log.js'
import { HostMachine, LOBBY_OPTIONS } from '../../helper/host-machine.js'

const BOUND = { timeout: 300_000 }

const marksOf = (face: Face): object => Object.fromEntries(face.readMarks)

/** Resolves when the marks of a face are these. */
async function shows(face: Face, marks: object): Promise<void> {
  while (JSON.stringify(marksOf(face)) !== JSON.stringify(marks)) await once(face, 'marks')
}

test('a mark that one face moves reaches every other face of the room, and the next node', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const [first, second] = [await machine.face(t), await machine.face(t)]
  const ops = await machine.face(t, { ...LOBBY_OPTIONS, room: 'ops' })
  for (const text of ['one', 'two', 'three']) await first.say(text)
  first.markRead([{ author: logOf(first.id), seq: 2 }])
  await shows(second, { [first.id]: 2 })
  second.markRead([{ author: logOf(first.id), seq: 1 }])
  second.markRead([{ author: logOf(first.id), seq: 3 }])
  await shows(first, { [first.id]: 3 })
  assert.deepEqual(marksOf(ops), {}, 'another room has marks of its own')
  await machine.crash()
  const third = await machine.face(t)
  await shows(third, { [first.id]: 3 })
})

test('a mark moves no further than the log on this disk', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const [first, second] = [await machine.face(t), await machine.face(t)]
  await first.say('one')
  first.markRead([{ author: logOf(first.id), seq: 900 }])
  await shows(second, { [first.id]: 1 })
})

test('a face reports again what it has read when its node is lost before storing it', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  await face.say('one')
  face.markRead([{ author: logOf(face.id), seq: 1 }])
  await machine.crash()
  const other = await machine.face(t)
  await shows(other, { [face.id]: 1 })
})

test('control: a face that closes without having read moves no mark', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const [first, second] = [await machine.face(t), await machine.face(t)]
  await first.say('one')
  await first.close()
  await second.refreshed()
  assert.deepEqual(marksOf(second), {})
})

test('the mark and the head of a forgotten log are gone from every face, and from the disk', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const [first, second] = [await machine.face(t), await machine.face(t)]
  await first.say('one')
  const own = logOf(first.id)
  first.markRead([{ author: own, seq: 1 }])
  await shows(second, { [own]: 1 })
  const logs = machine.peer.logs as Log
  logs.emit('forgotten', own)
  await once(second, 'forgotten')
  assert.deepEqual([marksOf(first), marksOf(second), second.heads], [{}, {}, []])
  await machine.crash()
  assert.deepEqual(marksOf(await machine.face(t)), {})
})
