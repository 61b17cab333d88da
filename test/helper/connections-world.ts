import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { Connections } from '../../src/net/connections.js'
import type { CloseReason, NetEvent } from '../../src/net/events.js'
import type { Address } from '../../src/net/lan/address.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import type { PeerSource, RawConnection } from '../../src/net/peer-source.js'
import { type Connection, RoomChannels } from '../../src/net/room-channels.js'
import type { PlainPolicy } from '../../src/net/upgrader.js'
import type { Cleanup } from './child.js'
import { type End, keysOf, ROOM } from './handshake-world.js'

const HOST = '127.0.0.1'

export interface ConnectionsWorldOptions {
  /** The address that it announces. */
  readonly me?: string
  /** Number of its key pair. */
  readonly peer?: number
  readonly port?: number
  readonly clock?: Clock
  readonly room?: Uint8Array
  readonly acceptsScuttleup?: boolean
  readonly plain?: Partial<PlainPolicy>
}

/** `Connections` with one room on a port of 127.0.0.1, and what it reports. Everything that arrives is read and discarded. */
export interface ConnectionsWorld {
  readonly connections: RoomChannels
  /** Opens another room. */
  open(room: Uint8Array, admits?: (key: string) => boolean): RoomChannels
  /** Has a closed room that a peer may come to. */
  watch(room: Uint8Array, onWanted: () => void): () => void
  /** Closes all connections. */
  close(): Promise<void>
  readonly address: Address
  /** All accepted raw connections, in order. */
  readonly accepted: readonly RawConnection[]
  readonly events: readonly NetEvent[]
  /** Why connections closed. */
  readonly lost: readonly CloseReason[]
  /** Resolves as soon as `isSo`, which is evaluated after every event. */
  until(isSo: () => boolean): Promise<void>
}

export async function openConnections(
  cleanup: Cleanup,
  {
    me = 'alice:1',
    peer = 1,
    port = 0,
    clock = systemClock,
    room = ROOM,
    acceptsScuttleup = true,
    plain = {},
  }: ConnectionsWorldOptions = {},
): Promise<ConnectionsWorld> {
  const accepted: RawConnection[] = []
  const events: NetEvent[] = []
  const lost: CloseReason[] = []
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
  const node = new Connections({
    me,
    keys: keysOf(peer),
    plain: { ...(acceptsScuttleup && { room }), ...plain },
    source,
    clock,
    random: systemRandom,
  })
  const open = (id: Uint8Array, admits?: (key: string) => boolean): RoomChannels => {
    const channels = new RoomChannels(id, node, admits)
    channels.on('connection', ({ stream }) => {
      stream.resume()
      look()
    })
    channels.on('disconnection', (_: Connection, reason) => {
      lost.push(reason)
      look()
    })
    channels.on('event', event => {
      events.push(event)
      look()
    })
    channels.open()
    return channels
  }
  const address = { host: HOST, port: await node.listen(HOST, port) }
  cleanup.after(() => node.close())
  return {
    connections: open(room),
    open,
    watch: (id, onWanted) => node.watch(id, onWanted),
    close: () => node.close(),
    address,
    accepted,
    events,
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

/** A connected plain socket. */
export async function stranger(cleanup: Cleanup, { port, host }: Address): Promise<Socket> {
  const socket = connect({ port, host, noDelay: true })
  socket.on('error', () => {}) // 'close' follows
  cleanup.after(async () => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return socket
}

/** Performs the handshake of `end` over a socket. */
export function talk(socket: Socket, end: End): void {
  socket.write(end.start())
  socket.on('data', bytes => {
    const answer = end.receive(bytes)
    if (answer.length > 0) socket.write(answer)
  })
}
