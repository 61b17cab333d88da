import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { keyPair } from './author.js'
import { contactsFrame, headsFrame, neighbourFrame } from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { hostile, storedOf, until, type Victim, victim } from './victims.js'

const TIMEOUT = { timeout: 60_000 }
const FETCHED_MS = 5_000

/** A relay that forwards connections to a port until it is stopped. */
async function relay(t: TestContext, port: number) {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    const back = connect({ port, host: '127.0.0.1' })
    sockets.push(socket, back)
    for (const each of [socket, back]) each.on('error', () => {})
    socket.pipe(back).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') return assert.fail()
  const stop = (): void => {
    for (const socket of sockets) {
      socket.unpipe()
      socket.pause()
    }
  }
  return { address: `127.0.0.1:${address.port}`, port: address.port, stop }
}

/** Asserts that a line of one peer reaches the other. */
async function heard(from: Victim, to: Victim): Promise<void> {
  await from.room.say('is anybody there?')
  const seq = storedOf(from.room, from.room.id)
  assert.ok(await until(to.room, () => storedOf(to.room, from.room.id) === seq, FETCHED_MS))
}

test('looped connections and made-up contacts cut nobody off', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const loop = await relay(t, alice.port)
  alice.room.connect(loop.address)
  assert.ok(await until(alice.room, () => alice.events.some(({ kind }) => kind === 'dialled-self'), 10_000))
  const peer = await hostile(t, alice)
  const own = Buffer.from(alice.room.id, 'hex')
  peer.send(headsFrame([]), neighbourFrame(5_000, 0))
  peer.send(
    contactsFrame([
      { key: own, port: alice.port },
      { key: randomBytes(8), port: 22 },
    ]),
  )
  await alice.room.say('still here')
  assert.match((await peer.frameOf(2)).toString('latin1'), /still here/)
  const bob = await victim(t, 'bob', { peers: [alice.room.address] })
  assert.ok(await until(bob.room, () => storedOf(bob.room, alice.room.id) === 1, FETCHED_MS))
})

test('reflected and looped connections cut nobody off', TIMEOUT, async t => {
  const [alice, bob] = [await victim(t, 'alice'), await victim(t, 'bob')]
  const reflection = await relay(t, alice.port)
  const loop = await relay(t, reflection.port)
  for (const { address } of [reflection, loop]) {
    alice.room.connect(address)
    const isReported = (): boolean =>
      alice.events.some(event => event.kind === 'dialled-self' && event.name === address)
    assert.ok(await until(alice.room, isReported, 10_000))
  }
  assert.deepEqual(alice.room.connectionSummary.connected, [])
  bob.room.connect(loop.address)
  assert.ok(
    await until(bob.room, () => bob.room.connectionSummary.connected.includes(loop.address), 10_000),
    'control: two proxies in a row forward a connection',
  )
  await heard(alice, bob)
  await heard(bob, alice)
})

for (const isEarly of [true, false])
  for (const isInbound of [true, false])
    test(
      `a relay between two peers that stops ${isEarly ? 'at once' : 'later'} cuts neither off, whoever dials ${isInbound ? 'directly' : 'both'}`,
      TIMEOUT,
      async t => {
        const [alice, bob] = [await victim(t, 'alice'), await victim(t, 'bob')]
        const direct = isInbound ? bob : alice
        direct.room.connect(direct === alice ? bob.room.address : alice.room.address)
        await heard(alice, bob)
        const between = await relay(t, bob.port)
        let wasLed = false
        alice.room.on('change', () => {
          if (!wasLed && isEarly && alice.room.connectionSummary.connected.includes(between.address)) between.stop()
          wasLed ||= alice.room.connectionSummary.connected.includes(between.address)
        })
        alice.room.connect(between.address)
        assert.ok(await until(alice.room, () => wasLed, 10_000), 'control: they are led to each other')
        await heard(alice, bob)
        between.stop()
        await heard(alice, bob)
        await heard(bob, alice)
      },
    )

test('control: a relay that stops cuts off two peers that have no other connection', TIMEOUT, async t => {
  const [alice, bob] = [await victim(t, 'alice'), await victim(t, 'bob')]
  const between = await relay(t, bob.port)
  alice.room.connect(between.address)
  await heard(alice, bob)
  between.stop()
  await assert.rejects(heard(alice, bob))
})

test('a relay that connects two peers to each other, and then stops, cuts neither off', TIMEOUT, async t => {
  const carol = await victim(t, 'carol')
  const [alice, bob] = [
    await victim(t, 'alice', { peers: [carol.room.address] }),
    await victim(t, 'bob', { peers: [carol.room.address] }),
  ]
  alice.room.connect(bob.room.address)
  assert.ok(await until(alice.room, () => alice.room.connectionSummary.connected.length === 2, 10_000))
  const between = await relay(t, bob.port)
  let wasLed = false
  alice.room.on('change', () => {
    wasLed ||= alice.room.connectionSummary.connected.includes(between.address)
  })
  alice.room.connect(between.address)
  assert.ok(await until(alice.room, () => wasLed, 10_000), 'control: they are led to each other')
  between.stop()
  await heard(alice, bob)
  await heard(bob, alice)
})

test('a peer that claims our key without having it ends its own connection alone', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const publicKey = Buffer.from(alice.room.id, 'hex')
  const keys = { ...keyPair(), publicKey, hex: alice.room.id }
  await assert.rejects(HostilePeer.dial(alice.port, { keys, ageMs: 1_000_000 }))
  const honest = await hostile(t, alice)
  honest.send(headsFrame([]))
  await alice.room.say('still here')
  assert.match((await honest.frameOf(2)).toString('latin1'), /still here/)
})
