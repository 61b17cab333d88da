import net from 'node:net'
import { type Clock, pause } from '../../base/clock.js'
import { ChatError, reasonOf, systemCode } from '../../base/errors.js'
import { lookupHost, socketLookup } from '../../base/host-lookup.js'
import { DialError, type DialFailureReason } from '../dial-failure.js'
import { HANDSHAKE_MS_MAX, HEARTBEAT_MS } from '../limits.js'
import type { Listener, Lookup, PeerSource, RawConnection } from '../peer-source.js'
import type { Address } from './address.js'

/** A hashed port may be in use for a moment as the local port of an outgoing connection: binding is retried. */
const BIND_TRIES = 4
const BIND_RETRY_MS = 250

/** Time after which the next address is dialled, if the one before has not answered. RFC 8305 §5. */
const STAGGER_MS = 250

const REASONS: ReadonlyMap<string | undefined, DialFailureReason> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'host-unreachable'],
  ['ENETUNREACH', 'network-unreachable'],
  ['ETIMEDOUT', 'no-answer'],
  ['ECONNRESET', 'closed'],
])

function dialError(cause: Error): DialError {
  if (cause instanceof DialError) return cause
  const reason = REASONS.get(systemCode(cause))
  return reason === undefined
    ? new DialError('other', { cause, detail: cause.message })
    : new DialError(reason, { cause })
}

export class TcpSource implements PeerSource {
  readonly #clock: Clock
  readonly #lookup: Lookup

  constructor(clock: Clock, lookup: Lookup) {
    this.#clock = clock
    this.#lookup = lookup
  }

  async listen(
    host: string | undefined,
    port: number,
    onConnection: (connection: RawConnection) => void,
  ): Promise<Listener> {
    for (let left = BIND_TRIES - 1; ; left--) {
      try {
        const address = host === undefined ? undefined : (await lookupHost(host))[0]?.address
        return await bind(address, port, onConnection)
      } catch (cause) {
        const isTaken = systemCode(cause) === 'EADDRINUSE'
        if (!isTaken || left === 0) throw listenError(host, port, isTaken, cause)
        await pause(this.#clock, BIND_RETRY_MS)
      }
    }
  }

  async dial(address: Address, signal: AbortSignal): Promise<RawConnection> {
    const addresses = await this.#lookup(address)
    signal.throwIfAborted()
    if (addresses.length === 0) throw new DialError('no-such-peer')
    return this.#race(addresses, signal)
  }

  /** Dials the addresses one after the other, without waiting for silent ones; the first answer wins. RFC 8305. */
  #race(addresses: readonly Address[], signal: AbortSignal): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const over = new AbortController()
      const stop = (): void => over.abort()
      signal.addEventListener('abort', stop)
      const settle = (): void => {
        cancel()
        signal.removeEventListener('abort', stop)
        over.abort()
      }
      let next = 0
      let running = 0
      let cancel = (): void => {}
      const start = (): void => {
        cancel()
        const address = addresses[next++]
        if (address === undefined || over.signal.aborted) return
        running++
        if (next < addresses.length) cancel = this.#clock.after(STAGGER_MS, start)
        this.#connect(address.host, address.port, over.signal).then(
          connection => {
            if (over.signal.aborted) connection.destroy()
            settle()
            resolve(connection)
          },
          error => {
            running--
            start()
            if (running > 0) return
            settle()
            reject(error)
          },
        )
      }
      start()
    })
  }

  #connect(host: string, port: number, signal: AbortSignal): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const socket = net.connect({
        host,
        port,
        lookup: socketLookup,
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: HEARTBEAT_MS,
      })
      const giveUp = (): void => void socket.destroy(new DialError('no-answer'))
      const cancelTimer = this.#clock.after(HANDSHAKE_MS_MAX, giveUp)
      signal.addEventListener('abort', giveUp)
      const cancel = (): void => {
        cancelTimer()
        signal.removeEventListener('abort', giveUp)
      }
      socket.once('error', cause => {
        cancel()
        reject(dialError(cause))
      })
      socket.once('connect', () => {
        cancel()
        if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
          // A dial to an ephemeral port on which nothing listens can connect a socket to itself.
          socket.destroy()
          reject(new DialError('refused'))
          return
        }
        socket.removeAllListeners('error')
        resolve(connectionOf(socket))
      })
    })
  }
}

function bind(
  host: string | undefined,
  port: number,
  onConnection: (connection: RawConnection) => void,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: HEARTBEAT_MS },
      socket => onConnection(connectionOf(socket)),
    )
    server.once('error', reject)
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.removeListener('error', reject)
      // Running out of file descriptors refuses a connection; it must not end the process.
      server.on('error', () => {})
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () => new Promise(done => server.close(() => done())),
      })
    })
  })
}

/** A socket whose errors close it, instead of ending the process. */
function connectionOf(socket: net.Socket): RawConnection {
  socket.on('error', () => socket.destroy())
  // A listener on IPv6 sees IPv4 addresses as mapped IPv6 addresses. Unmap them: a peer should have one address, whichever side dialled.
  const remoteAddress = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
  return Object.defineProperty(socket, 'remoteAddress', {
    value: remoteAddress,
    configurable: true,
  }) as unknown as RawConnection
}

function listenError(host: string | undefined, port: number, isTaken: boolean, cause: unknown): ChatError {
  const where = host === undefined ? `port ${port}` : `${host}:${port}`
  if (isTaken) {
    return new ChatError('SWARM_PORT_TAKEN', `${where} is in use by another program`, {
      cause,
      hint: 'Is this name already running here? Otherwise choose another port with {listen}.',
    })
  }
  const reason = systemCode(cause) === 'EACCES' ? undefined : reasonOf(cause)
  return new ChatError('SWARM_LISTEN_FAILED', `${where} cannot be listened on: ${reason ?? 'not allowed'}`, {
    cause,
    hint: 'Choose another address with {listen}.',
  })
}
