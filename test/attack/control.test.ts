import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Author, entryOf, headOf } from './author.js'
import { headsFrame, notesFrame, segmentsFrame } from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { storedOf, until, victim } from './victims.js'

test('an independent peer connects and reads, and its lines are accepted', { timeout: 60_000 }, async t => {
  const { room, port } = await victim(t, 'alice')
  await room.say('hello from alice')
  const peer = await HostilePeer.dial(port)
  t.after(() => peer.end())
  const author = new Author(peer.room, peer.keys)
  peer.send(headsFrame([]), notesFrame('subscribe', [headOf(Buffer.from(room.id, 'hex'), 0)]))
  assert.match((await peer.frameOf(2)).toString('latin1'), /hello from alice/)
  peer.send(segmentsFrame([author.segment([entryOf(Date.now(), 'eve', 'hello from outside')])]))
  assert.ok(await until(room, () => storedOf(room, peer.keys.hex) === 1, 10_000))
  const texts: string[] = []
  for await (const { message } of room.messages()) texts.push(message)
  assert.deepEqual(texts.sort(), ['hello from alice', 'hello from outside'])
})

test('the lines of an independent peer that is dialled are accepted too', { timeout: 60_000 }, async t => {
  const room = (await victim(t, 'alice')).room
  const accepted = new Promise<HostilePeer>(resolve => {
    void HostilePeer.listen(resolve, () => ({})).then(server => {
      t.after(() => server.close())
      const address = server.address()
      if (address !== null && typeof address === 'object') room.connect(`127.0.0.1:${address.port}`)
    })
  })
  const peer = await accepted
  t.after(() => peer.end())
  const author = new Author(peer.room, peer.keys)
  peer.send(headsFrame([]), segmentsFrame([author.segment([entryOf(Date.now(), 'eve', 'hello')])]))
  assert.ok(await until(room, () => storedOf(room, peer.keys.hex) === 1, 10_000))
})
