import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { hexOf } from '../../src/base/wire/bytes.js'
import type { Room } from '../../src/node/room.js'
import { invite, membersOf, Person } from '../helper/private-room.js'
import { Content, HOLDING, PART, query, request, TOP } from './contents.js'
import { HostilePeer } from './hostile-peer.js'

const BOUND = { timeout: 60_000 }
const NONE = 0

async function send(person: Person, room: Room, name: string): Promise<Content> {
  const content = new Content(randomBytes(70_000))
  const file = path.join(person.data, name)
  await writeFile(file, content.bytes)
  await room.sendFile(file)
  return content
}

/** What a peer answers to a member whose own program asks for contents by their roots. */
async function answers(t: TestContext, person: Person, port: number, id: Uint8Array, asked: readonly Content[]) {
  const keys = await person.keys()
  const frames: Buffer[] = []
  const isWhole = new Promise<void>(resolve => {
    const member = {
      publicKey: Buffer.from(keys.publicKey),
      hex: hexOf(keys.publicKey),
      sign: (message: Buffer) => Buffer.from(keys.sign(message)),
    }
    const onFile = (body: Buffer): void => {
      if (frames.push(Buffer.from(body)) === 2 * asked.length) resolve()
    }
    void HostilePeer.dial(port, { roomId: Buffer.from(id), keys: member, onFile }).then(async peer => {
      t.after(() => peer.end())
      await peer.filesAre('open')
      for (const { root, bytes } of asked) peer.sendFiles(query(root, bytes.length), request(root, TOP, 0))
    })
  })
  await isWhole
  return asked.map((_, index) => {
    const [holding, part] = frames.slice(2 * index, 2 * index + 2)
    assert.equal(holding?.[0], HOLDING)
    return holding?.[33] === 1 && part?.[0] === PART
  })
}

test('a newcomer who is given no history gets no file from before, although its root is known', BOUND, async t => {
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
  assert.ok(alice !== undefined && bob !== undefined && carol !== undefined)
  const room = await alice.found('ops')
  const members = membersOf(room)
  const { id } = members.room
  const port = Number(room.address.split(':').at(-1))
  const before = await send(alice, room, 'before.bin')
  await bob.join(await invite(room), room)
  const signed = await members.sign(() => ({ kind: 'history', history: NONE, time: Date.now() }))
  assert.ok(!('kind' in signed))
  await carol.join(await invite(room), room)
  const after = await send(alice, room, 'after.bin')
  assert.deepEqual(await answers(t, carol, port, id, [before, after]), [false, true])
  assert.deepEqual(await answers(t, bob, port, id, [before, after]), [true, true], 'control: a member who is given all')
  // The content is offered again, in a line that she is given.
  await room.sendFile(path.join(alice.data, 'before.bin'))
  assert.deepEqual(await answers(t, carol, port, id, [before]), [true])
})
