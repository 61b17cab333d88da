import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { type Connection, Connections } from '../../src/net/connections.js'
import type { Address } from '../../src/net/lan/address.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import type { PeerSource, RawConnection } from '../../src/net/peer-source.js'
import type { Cleanup } from './child.js'
import { type End, keysOf, ROOM } from './opening-world.js'

const HOST = '127.0.0.1'

export interface SwarmWorldOptions {
  /** What the swarm says its address is. */
  readonly me?: string
  /** Which of a few key pairs it has. */
  readonly peer?: number
  readonly port?: number
  readonly clock?: Clock
  readonly room?: Uint8Array
  readonly acceptsScuttleup?: boolean
}

/** A swarm on a port of 127.0.0.1, and what became of it. Whatever comes over its links is read and thrown away. */
export interface SwarmWorld {
  readonly swarm: Connections
  readonly address: Address
  /** Connections that came in, in order, whatever came of them. */
  readonly accepted: readonly RawConnection[]
  readonly warnings: readonly string[]
  /** Links that were lost, and why. */
  readonly lost: readonly string[]
  /** Resolves as soon as `isSo`, looked at whenever a connection, a link or a warning comes or goes. */
  until(isSo: () => boolean): Promise<void>
}

export async function openSwarm(
  cleanup: Cleanup,
  {
    me = 'alice:1',
    peer = 1,
    port = 0,
    clock = systemClock,
    room = ROOM,
    acceptsScuttleup = true,
  }: SwarmWorldOptions = {},
): Promise<SwarmWorld> {
  const accepted: RawConnection[] = []
  const warnings: string[] = []
  const lost: string[] = []
  let waiting: (() => void)[] = []
  const look = (): void => {
    for (const check of waiting.slice()) check()
  }
  const tcp = new TcpSource(systemClock, async address => [address])
  const source: PeerSource = {
    dial: (address, signal) => tcp.dial(address, signal),
    listen: (host, listenPort, onConnection) =>
      tcp.listen(host, listenPort, connection => {
        accepted.push(connection)
        onConnection(connection)
        connection.once('close', look)
        look()
      }),
  }
  const swarm = new Connections({ me, room, keys: keysOf(peer), acceptsScuttleup, source, clock, random: systemRandom })
  swarm.on('connection', ({ stream }) => {
    stream.resume()
    look()
  })
  swarm.on('disconnection', (_: Connection, reason) => {
    lost.push(reason)
    look()
  })
  swarm.on('warning', line => {
    warnings.push(line)
    look()
  })
  const address = { host: HOST, port: await swarm.listen(HOST, port) }
  cleanup.after(() => swarm.close())
  return {
    swarm,
    address,
    accepted,
    warnings,
    lost,
    until: isSo =>
      new Promise(resolve => {
        const check = (): void => {
          if (!isSo()) return
          waiting = waiting.filter(each => each !== check)
          resolve()
        }
        waiting.push(check)
        check()
      }),
  }
}

/** A plain socket to a swarm, connected. */
export async function stranger(cleanup: Cleanup, { port, host }: Address): Promise<Socket> {
  const socket = connect({ port, host, noDelay: true })
  socket.on('error', () => {}) // 'close' follows
  cleanup.after(async () => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return socket
}

/** Lets `end` talk over a socket, for as long as its opening takes. */
export function talk(socket: Socket, end: End): void {
  socket.write(end.start())
  socket.on('data', bytes => {
    const answer = end.receive(bytes)
    if (answer.length > 0) socket.write(answer)
  })
}
