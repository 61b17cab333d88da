// The conformance suite of PeerSource. Every implementation runs it: see peer-source.test.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import test, { type TestContext } from 'node:test'
import type { PeerSource, RawConnection } from '../../src/net/peer-source.js'

/** Two peers on one network. */
export interface PeerSourceWorld {
  readonly dialler: PeerSource
  readonly listener: PeerSource
  /** The host that the listener listens on. */
  readonly host: string
}

const BOUND = { timeout: 300_000 }
const never = new AbortController().signal
const PORT = 0

/** Both ends of a new connection: that of the dialler first. */
async function connect(
  t: TestContext,
  { dialler, listener, host }: PeerSourceWorld,
): Promise<[RawConnection, RawConnection]> {
  let accept = (_: RawConnection): void => {}
  const accepted = new Promise<RawConnection>(resolve => {
    accept = resolve
  })
  const { port, close } = await listener.listen(host, PORT, connection => accept(connection))
  const ends = await Promise.all([dialler.dial({ host, port }, never), accepted])
  t.after(async () => {
    for (const connection of ends) connection.destroy()
    await close()
  })
  for (const connection of ends) connection.on('error', () => {})
  return ends
}

/** Everything that arrives until the other side ends its half. */
async function received(connection: RawConnection): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Runs the suite. `open` makes a world of its own for each test. */
export function testPeerSource(name: string, open: (t: TestContext) => PeerSourceWorld): void {
  test(`${name}: transfers bytes in order in both directions`, BOUND, async t => {
    const [a, b] = await connect(t, open(t))
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index} ${'x'.repeat(index)}\n`)
    for (const line of lines) {
      a.write(line)
      b.write(line.toUpperCase())
    }
    a.end()
    b.end()
    const [atB, atA] = await Promise.all([received(b), received(a)])
    assert.equal(atB, lines.join(''))
    assert.equal(atA, lines.join('').toUpperCase())
    assert.equal(b.bytesRead, Buffer.byteLength(lines.join('')))
  })

  test(`${name}: ends the two directions separately`, BOUND, async t => {
    const [a, b] = await connect(t, open(t))
    a.end('goodbye')
    assert.equal(await received(b), 'goodbye')
    b.end('still here')
    assert.equal(await received(a), 'still here')
  })

  test(`${name}: applies backpressure, and loses nothing by it`, BOUND, async t => {
    const [a, b] = await connect(t, open(t))
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let written = 0
    while (written < 64 * 1024 * 1024 && a.write(chunk)) written += chunk.length
    assert.ok(written < 64 * 1024 * 1024, 'a writer is asked to wait')
    for (let more = 0; more < 20; more++) {
      a.write(chunk)
      written += chunk.length
    }
    written += chunk.length // the chunk whose write asked to wait
    a.end()
    assert.equal((await received(b)).length, written)
  })

  test(`${name}: closes the other end of a destroyed connection`, BOUND, async t => {
    const [a, b] = await connect(t, open(t))
    const closed = once(b, 'close')
    a.write('bytes that nobody reads')
    b.write('bytes that nobody reads')
    b.resume()
    a.destroy()
    b.on('end', () => b.end())
    await closed
    assert.ok(b.destroyed)
  })

  test(`${name}: tells the network address of the other end`, BOUND, async t => {
    const world = open(t)
    const [a] = await connect(t, world)
    assert.equal(a.remoteAddress, world.host)
  })

  test(`${name}: rejects a dial with a reason if nothing listens, and when it is aborted`, BOUND, async t => {
    const { dialler, listener, host } = open(t)
    const { port, close } = await listener.listen(host, PORT, () => {})
    await close()
    await assert.rejects(dialler.dial({ host, port }, never), { failure: { reason: 'refused' } })
    const abort = new AbortController()
    const dialling = dialler.dial({ host, port }, abort.signal)
    abort.abort()
    await assert.rejects(dialling)
    await assert.rejects(dialler.dial({ host, port }, abort.signal))
  })

  test(`${name}: rejects a port that is taken`, BOUND, async t => {
    const { listener, host } = open(t)
    const first = await listener.listen(host, PORT, () => {})
    t.after(() => first.close())
    await assert.rejects(
      listener.listen(host, first.port, () => {}),
      { code: 'SWARM_PORT_TAKEN' },
    )
  })
}
