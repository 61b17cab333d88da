import assert from 'node:assert/strict'
import { once } from 'node:events'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import type { PeerSource, RawConnection } from '../../src/net/peer-source.js'
import { Lifecycle } from '../../src/sim/lifecycle.js'
import { VirtualNetwork } from '../../src/sim/network.js'
import { passingTime } from '../helper/passing-time.js'

const BOUND = { timeout: 120_000 }
const never = new AbortController().signal

/** Two ends of a network, one of which listens. */
interface Ends {
  readonly near: PeerSource
  readonly far: PeerSource
  readonly host: string
}

function virtualEnds(t: TestContext): Ends {
  const options = { delayMsMin: 1, delayMsMax: 30, loss: 0.1, duplicates: 0.1 }
  const network = new VirtualNetwork(passingTime(t), new SeededRandom(1, 'contract'), options)
  const [near, far] = ['10.0.0.1', '10.0.0.2'].map(address =>
    network.transportOf(network.addHost(address), new Lifecycle()),
  )
  return { near: near as PeerSource, far: far as PeerSource, host: '10.0.0.2' }
}

function tcpEnds(): Ends {
  const transport = new TcpSource(systemClock, async address => [address])
  return { near: transport, far: transport, host: '127.0.0.1' }
}

/** What every transport does: the one of life, and the one that stands for it in the simulator. */
const networks: Readonly<Record<string, (t: TestContext) => Ends>> = {
  TcpSource: tcpEnds,
  VirtualNetwork: virtualEnds,
}

const PORT = 0

/** Both ends of a new connection: who dialled, and who listens. */
async function connected(t: TestContext, { near, far, host }: Ends): Promise<[RawConnection, RawConnection]> {
  let take = (_: RawConnection): void => {}
  const taken = new Promise<RawConnection>(resolve => {
    take = resolve
  })
  const listener = await far.listen(host, PORT, connection => take(connection))
  const both = await Promise.all([near.dial({ host, port: listener.port }, never), taken])
  t.after(async () => {
    for (const connection of both) connection.destroy()
    await listener.close()
  })
  for (const connection of both) connection.on('error', () => {})
  return both
}

/** All that comes until the other side has ended. */
async function heard(connection: RawConnection): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

for (const [name, open] of Object.entries(networks)) {
  test(`${name}: what is written on one side is read on the other, in order, both ways`, BOUND, async t => {
    const [a, b] = await connected(t, open(t))
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index} ${'x'.repeat(index)}\n`)
    for (const line of lines) {
      a.write(line)
      b.write(line.toUpperCase())
    }
    a.end()
    b.end()
    const [atB, atA] = await Promise.all([heard(b), heard(a)])
    assert.equal(atB, lines.join(''))
    assert.equal(atA, lines.join('').toUpperCase())
    assert.equal(b.bytesRead, Buffer.byteLength(lines.join('')))
  })

  test(`${name}: the two directions end separately`, BOUND, async t => {
    const [a, b] = await connected(t, open(t))
    a.end('goodbye')
    assert.equal(await heard(b), 'goodbye')
    b.end('still here')
    assert.equal(await heard(a), 'still here')
  })

  test(`${name}: whoever is not read from has to wait, and nothing of what he writes is lost`, BOUND, async t => {
    const [a, b] = await connected(t, open(t))
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let written = 0
    while (written < 64 * 1024 * 1024 && a.write(chunk)) written += chunk.length
    for (let more = 0; more < 20; more++) {
      a.write(chunk)
      written += chunk.length
    }
    written += chunk.length // the one at which it was told to wait
    a.end()
    const bytes = (await heard(b)).length
    assert.equal(bytes, written)
  })

  test(`${name}: a connection that is destroyed closes on the other side too`, BOUND, async t => {
    const [a, b] = await connected(t, open(t))
    const closed = once(b, 'close')
    a.write('something that nobody reads')
    b.write('something that nobody reads')
    b.resume()
    a.destroy()
    b.on('end', () => b.end())
    await closed
    assert.ok(b.destroyed)
  })

  test(`${name}: each side knows the address of the other`, BOUND, async t => {
    const ends = open(t)
    const [a] = await connected(t, ends)
    assert.equal(a.remoteAddress, ends.host)
  })

  test(`${name}: where nobody listens, and where the dial is called off, that is said in words`, BOUND, async t => {
    const { near, far, host } = open(t)
    const listener = await far.listen(host, PORT, () => {})
    await listener.close()
    await assert.rejects(near.dial({ host, port: listener.port }, never), { message: 'nothing is listening there' })
    const stop = new AbortController()
    const dialling = near.dial({ host, port: listener.port }, stop.signal)
    stop.abort()
    await assert.rejects(dialling)
    await assert.rejects(near.dial({ host, port: listener.port }, stop.signal))
  })

  test(`${name}: a port that is taken is said to be`, BOUND, async t => {
    const { far, host } = open(t)
    const listener = await far.listen(host, PORT, () => {})
    t.after(() => listener.close())
    await assert.rejects(
      far.listen(host, listener.port, () => {}),
      { code: 'SWARM_PORT_TAKEN' },
    )
  })
}
