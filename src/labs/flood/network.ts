import net from 'node:net'
import os from 'node:os'
import type { Clock } from '../../base/clock.js'
import { ChatError, systemCode } from '../../base/errors.js'
import { lookupHost, socketLookup } from '../../base/host-lookup.js'
import { type ConnectionId, type Effect, Flood } from './flood.js'
import { CONNECTIONS_MAX, DIAL_MS_MAX, WAITING_BYTES_MAX } from './limits.js'
import { formatPeerAddress, type PeerAddress } from './peer-address.js'

/** Backlog of a peer, in bytes, beyond which no more input is read. */
const TYPING_BYTES_MAX = WAITING_BYTES_MAX / 4

const KEEP_ALIVE = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 } as const

export interface NetworkEvents {
  readonly onPrint: (text: string) => void
  /** A connection was closed; `reason` if this side closed it. */
  readonly onClosed: (left: number, reason: string | undefined) => void
  /** The set of sent messages is full. */
  readonly onFull: () => void
}

/** The connections of one client. Performs the effects of `Flood`. */
export class FloodNetwork {
  readonly #flood: Flood
  readonly #events: NetworkEvents
  readonly #clock: Clock
  readonly #sockets = new Map<ConnectionId, net.Socket>()
  #server: net.Server | undefined
  #next: ConnectionId = 1
  #isClosed = false

  constructor(clock: Clock, events: NetworkEvents, flood: Flood = new Flood()) {
    this.#clock = clock
    this.#events = events
    this.#flood = flood
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Connects to a peer. Resolves with our IP address as the peer sees it, undefined if the peer does not answer. */
  connect({ host, port }: PeerAddress): Promise<string | undefined> {
    return new Promise(resolve => {
      const socket = net.connect({ host, port, lookup: socketLookup, ...KEEP_ALIVE })
      const cancel = this.#clock.after(DIAL_MS_MAX, () => socket.destroy())
      socket.once('error', () => {})
      socket.once('close', () => {
        cancel()
        resolve(undefined)
      })
      socket.once('connect', () => {
        cancel()
        // A connection to an unused port can connect to itself.
        const isSelf = socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress
        if (isSelf) return void socket.destroy()
        socket.removeAllListeners()
        this.#add(socket)
        resolve(socket.localAddress)
      })
    })
  }

  /** Listens; port 0 for any free one. Resolves with the port. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
  async listen(host: string | undefined, port: number): Promise<number> {
    const refuse = (cause: Error): never => {
      throw listenError({ host: host ?? 'this machine', port }, cause)
    }
    const address = host === undefined ? undefined : (await lookupHost(host).catch(refuse))[0]?.address
    return new Promise((resolve, reject) => {
      const server = net.createServer(KEEP_ALIVE, socket => {
        if (this.#sockets.size < CONNECTIONS_MAX && !this.#isClosed) this.#add(socket)
        else socket.on('error', () => {}).destroy()
      })
      this.#server = server
      server.once('error', cause => reject(listenError({ host: host ?? 'this machine', port }, cause)))
      server.listen({ port, ...(address !== undefined && { host: address }) }, () => {
        server.removeAllListeners('error')
        // Running out of file descriptors must not end the client.
        server.on('error', () => {})
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  typed(line: string): void {
    this.#perform(this.#flood.typed(line))
  }

  /** Resolves when the backlog of every peer is small enough to read more input. */
  async ready(): Promise<void> {
    for (const socket of this.#sockets.values()) {
      if (socket.writableLength <= TYPING_BYTES_MAX || socket.destroyed) continue
      await new Promise<void>(resolve => {
        const done = (): void => {
          socket.off('drain', done).off('close', done)
          resolve()
        }
        socket.on('drain', done).on('close', done)
      })
    }
  }

  /** Sends the backlog, then closes all connections; does not wait for peers that do not read. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#server?.close()
    await Promise.all(
      [...this.#sockets.values()].map(
        socket =>
          new Promise<void>(resolve => {
            const cancel = this.#clock.after(1_000, () => socket.destroy())
            socket.once('close', () => {
              cancel()
              resolve()
            })
            socket.end()
          }),
      ),
    )
  }

  /** Adds a connection that either side opened. */
  #add(socket: net.Socket): void {
    const id = this.#next++
    this.#sockets.set(id, socket)
    this.#flood.connected(id)
    socket.on('error', () => socket.destroy())
    socket.on('data', bytes => this.#perform(this.#flood.received(id, bytes)))
    socket.on('close', () => this.#remove(id, undefined))
  }

  #remove(id: ConnectionId, reason: string | undefined): void {
    if (!this.#sockets.delete(id)) return
    this.#flood.disconnected(id)
    if (!this.#isClosed) this.#events.onClosed(this.#sockets.size, reason)
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'print') this.#events.onPrint(effect.text)
      else if (effect.kind === 'send') this.#send(effect.to, effect.line)
      else if (effect.kind === 'close') this.#end(effect.connection, effect.reason)
      else this.#events.onFull()
    }
  }

  #send(to: ConnectionId, line: Uint8Array): void {
    const socket = this.#sockets.get(to)
    if (socket === undefined || this.#isClosed) return
    socket.write(line)
    if (socket.writableLength > WAITING_BYTES_MAX) this.#end(to, 'it does not read')
  }

  #end(id: ConnectionId, reason: string): void {
    const socket = this.#sockets.get(id)
    this.#remove(id, reason)
    socket?.destroy()
  }
}

/** IPv4 addresses of this machine; the loopback address if there is no other. */
export function ownAddresses(): string[] {
  const addresses = Object.values(os.networkInterfaces()).flatMap(found => found ?? [])
  const outer = addresses.filter(({ family, internal }) => family === 'IPv4' && !internal)
  return outer.length > 0 ? outer.map(({ address }) => address) : ['127.0.0.1']
}

function listenError(address: PeerAddress, cause: Error): ChatError {
  const where = formatPeerAddress(address)
  if (systemCode(cause) === 'EADDRINUSE')
    return new ChatError('SWARM_PORT_TAKEN', `${where} is in use by another program`, {
      cause,
      hint: 'Choose another port with --listen.',
    })
  return new ChatError('SWARM_LISTEN_FAILED', `cannot listen on ${where}: ${cause.message}`, {
    cause,
    hint: 'Choose another address with --listen.',
  })
}
