import { readFileSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ChatError, systemCode } from '../../base/errors.js'
import { packageFile } from '../../base/program-files.js'
import { GOSSIP_BODY_BYTES_MAX, GOSSIP_CONNECTIONS_MAX } from './limits.js'
import type { Port } from './rumour.js'
import { type Batch, batchOf, GOSSIP_BODY, type GossipAnswer, type GossipBody, type PeersAnswer } from './schema.js'

/** Longest time to receive a request, and time that an idle connection stays open: longer than at a node's client. */
const REQUEST_MS_MAX = 5_000
const IDLE_MS_MAX = 30_000
/** Time between two checks for requests that take too long. */
const CHECK_MS = 1_000

/** The page and its files, which are not compiled: the package ships them with its sources. */
const PAGE_DIRECTORY = packageFile('src/labs/gossip/page/')
const PAGE_FILES = [
  { route: '/', files: ['index.html'], type: 'text/html; charset=utf-8' },
  { route: '/page.css', files: ['../../../base/report/theme.css', 'page.css'], type: 'text/css; charset=utf-8' },
  { route: '/page.js', files: ['page.js'], type: 'text/javascript; charset=utf-8' },
] as const

/** The page runs only its own script and style, and connects only to its node. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Handlers for the requests to a node. They must not throw. */
export interface Answers {
  peers(): PeersAnswer
  /** Undefined if the node accepts no more for now. */
  gossip(batch: Batch): GossipAnswer | undefined
  /** The state that the page shows. */
  state(): unknown
}

/** Serves a node at `host`:`port` until closed. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
export async function serve(host: string, port: Port, answers: Answers): Promise<FastifyInstance> {
  const server = fastify({
    bodyLimit: GOSSIP_BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionTimeout: IDLE_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    http: { maxHeaderSize: 8 * 1024, headersTimeout: REQUEST_MS_MAX, connectionsCheckingInterval: CHECK_MS },
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true } },
  })
  displaceIdle(server)
  // Pages of other sites can post text/plain without a preflight request; no one else needs it.
  server.removeContentTypeParser('text/plain')
  server.addHook('onRequest', async (request, reply) => {
    const reason = foreignReason(request)
    if (reason !== undefined) return reply.code(403).send({ error: reason })
  })
  server.setErrorHandler(answerError)
  server.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ error: 'only GET /, GET /peers/ and POST /gossip/ exist' }),
  )
  server.get('/peers/', async () => answers.peers())
  server.post<{ Body: GossipBody }>('/gossip/', { schema: { body: GOSSIP_BODY } }, async (request, reply) => {
    const answer = answers.gossip(batchOf(request.body))
    return answer ?? reply.code(429).send({ error: 'too many rumours per second: try again' })
  })
  server.get('/state', async () => answers.state())
  for (const { route, files, type } of PAGE_FILES) {
    const content = files.map(file => readFileSync(new URL(file, PAGE_DIRECTORY), 'utf8')).join('')
    server.get(route, async (_, reply) =>
      reply
        .header('content-security-policy', PAGE_POLICY)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .type(type)
        .send(content),
    )
  }
  try {
    await server.listen({ host, port })
  } catch (cause) {
    await server.close()
    if (systemCode(cause) === 'EADDRINUSE')
      throw new ChatError('SWARM_PORT_TAKEN', `port ${port} is in use`, {
        cause,
        hint: 'Is another node running there? Otherwise choose another port with -p.',
      })
    throw new ChatError('SWARM_LISTEN_FAILED', `cannot listen on ${host}:${port} (${systemCode(cause)})`, {
      cause,
      hint: 'Choose another port with -p, from 1024 up, or an address of this machine with --host.',
    })
  }
  return server
}

/** Above GOSSIP_CONNECTIONS_MAX, closes the connection that has been idle longest, so that no client keeps others out. */
function displaceIdle(server: FastifyInstance): void {
  const idle = new Set<Socket>()
  let open = 0
  server.server.on('connection', socket => {
    open++
    idle.add(socket)
    socket.once('close', () => {
      open--
      idle.delete(socket)
    })
    const [oldest] = idle
    if (open > GOSSIP_CONNECTIONS_MAX) oldest?.destroy()
  })
  server.addHook('onRequest', async ({ socket }) => void idle.delete(socket))
  server.addHook('onResponse', async ({ socket }) => {
    if (!socket.destroyed) idle.add(socket)
  })
}

/**
 * Returns why a request comes from a foreign page; undefined if it does not. A name in `Host` may be a foreign one that resolves
 * to this node (DNS rebinding); nodes, curl and the node's own page send an address or localhost.
 */
function foreignReason({ headers, method }: FastifyRequest): string | undefined {
  const { host = '', origin } = headers
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  if (name !== 'localhost' && isIP(name) === 0) return 'the Host header must be an address or localhost'
  if (origin !== undefined && origin !== `http://${host}`) return 'requests from other sites are not allowed'
  if (method !== 'GET' && headers['sec-fetch-site'] !== undefined && headers['sec-fetch-site'] !== 'same-origin')
    return 'requests from other sites are not allowed'
  return undefined
}

/** Answers invalid bodies with 400 and a reason. */
function answerError(error: FastifyError, _: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500
  if (status === 413) {
    // The rest of the body is not read.
    void reply.code(400).header('connection', 'close')
    void reply.send({ error: `the body is longer than ${GOSSIP_BODY_BYTES_MAX} bytes` })
    return
  }
  if (status === 415) {
    void reply.code(415).send({ error: 'the body must be application/json' })
    return
  }
  if (status >= 400 && status < 500) void reply.code(400).send({ error: error.message })
  else void reply.code(500).send({ error: 'internal error' })
}
