import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'
import { ChatError, systemCode } from '../../../base/errors.js'
import { PAGE_MESSAGE_BYTES_MAX } from '../protocol/limits.js'
import { isOwnHost, isOwnOrigin } from './own-address.js'
import type { PageFile } from './page-files.js'
import { proofOf } from './token.js'

const LOOPBACK = '127.0.0.1'

/** Timeouts for receiving a request, and for an idle connection. */
const REQUEST_MS_MAX = 5_000
const IDLE_MS_MAX = 10_000
/** Connections of any kind. The system refuses further ones. */
const CONNECTIONS_MAX = 128
const HEADER_BYTES_MAX = 8 * 1024
/** WebSockets that have not sent the token yet. A new one evicts the oldest. */
const UNPROVEN_MAX = 16

const CHALLENGE = /^[A-Za-z0-9_-]{16,64}$/

/** The content security policy: the page runs its own files only, and connects to its own server only. */
const policyOf = (port: number): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    // For some browsers, 'self' does not include ws:.
    `connect-src 'self' ws://${LOOPBACK}:${port} ws://localhost:${port}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text becomes markup or code, whatever a later version of the page does.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')

export interface WebServerOptions {
  /** 0: any free port. */
  readonly port: number
  readonly token: string
  readonly files: ReadonlyMap<string, PageFile>
  /** A page of this server has opened a WebSocket, and has not sent the token yet. */
  readonly onSocket: (socket: WebSocket) => void
}

/** Serves the page to the browsers of this machine, until closed. */
export class WebServer {
  readonly port: number
  readonly #server: FastifyInstance
  readonly #sockets: WebSocketServer
  /** WebSockets that have not proven the token, the oldest first. */
  readonly #unproven = new Set<WebSocket>()

  private constructor(server: FastifyInstance, sockets: WebSocketServer, port: number) {
    this.#server = server
    this.#sockets = sockets
    this.port = port
  }

  /** Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
  static async open({ port, token, files, onSocket }: WebServerOptions): Promise<WebServer> {
    const server = fastify({
      requestTimeout: REQUEST_MS_MAX,
      connectionTimeout: 0,
      keepAliveTimeout: IDLE_MS_MAX,
      bodyLimit: 1,
      http: { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: REQUEST_MS_MAX },
      forceCloseConnections: true,
    })
    server.server.maxConnections = CONNECTIONS_MAX
    const portOf = (): number => addressOf(server.server)
    server.addHook('onRequest', async ({ headers, method }, reply) => {
      protect(reply, portOf())
      if (!isOwnHost(headers.host, portOf())) return reply.code(403).send('this address is not that of the page\n')
      if (method !== 'GET' && method !== 'HEAD') return reply.code(405).send('only GET\n')
    })
    server.setNotFoundHandler((_, reply) => reply.code(404).type('text/plain').send('not found\n'))
    server.setErrorHandler((_, __, reply) => reply.code(400).type('text/plain').send('bad request\n'))
    for (const [address, { type, bytes, isImmutable }] of files)
      server.get(address, async (_, reply) =>
        reply
          .header('cache-control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
          .type(type)
          .send(bytes),
      )
    server.get<{ Params: { challenge: string } }>('/alive/:challenge', async ({ params: { challenge } }, reply) =>
      CHALLENGE.test(challenge) ? reply.type('text/plain').send(proofOf(token, challenge)) : reply.callNotFound(),
    )
    const sockets = new WebSocketServer({
      noServer: true,
      maxPayload: PAGE_MESSAGE_BYTES_MAX,
      perMessageDeflate: false,
      clientTracking: false,
    })
    await listen(server, port)
    const web = new WebServer(server, sockets, portOf())
    server.server.on('upgrade', (request, socket, head) => web.#upgrade(request, socket, head, onSocket))
    return web
  }

  /** The page on this socket has the token. */
  proven(socket: WebSocket): void {
    this.#unproven.delete(socket)
  }

  async close(): Promise<void> {
    for (const socket of this.#unproven) socket.terminate()
    await this.#server.close()
  }

  #upgrade(request: IncomingMessage, connection: Duplex, head: Buffer, onSocket: (socket: WebSocket) => void): void {
    const { host, origin } = request.headers
    connection.on('error', () => connection.destroy())
    if (request.url !== '/socket') refuse(connection, '404 Not Found')
    else if (!isOwnOrigin(origin, host, this.port)) refuse(connection, '403 Forbidden')
    else
      this.#sockets.handleUpgrade(request, connection, head, socket => {
        socket.on('error', () => socket.terminate())
        socket.once('close', () => this.#unproven.delete(socket))
        this.#unproven.add(socket)
        const [oldest] = this.#unproven
        if (this.#unproven.size > UNPROVEN_MAX) oldest?.terminate()
        onSocket(socket)
      })
  }
}

/** Sets the headers that keep other sites out. */
function protect(reply: FastifyReply, port: number): void {
  reply.headers({
    'content-security-policy': policyOf(port),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  })
}

function refuse(connection: Duplex, status: string): void {
  connection.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function addressOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function listen(server: FastifyInstance, port: number): Promise<void> {
  try {
    await server.listen({ host: LOOPBACK, port })
  } catch (cause) {
    await server.close()
    if (systemCode(cause) === 'EADDRINUSE')
      throw new ChatError('SWARM_PORT_TAKEN', `port ${port} is in use`, { cause, hint: 'Choose another --port.' })
    throw new ChatError('SWARM_LISTEN_FAILED', `cannot listen on ${LOOPBACK}:${port} (${systemCode(cause)})`, {
      cause,
      hint: 'Choose another --port, from 1024 up, or leave it out.',
    })
  }
}
