import { isIP } from 'node:net'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ChatError, systemCode } from '../../base/errors.js'
import { GOSSIP_BODY_BYTES_MAX, GOSSIP_CONNECTIONS_MAX } from './limits.js'
import { PAGE, PAGE_POLICY } from './page.js'
import type { Port } from './rumour.js'
import { type Batch, batchOf, GOSSIP_BODY, type GossipAnswer, type GossipBody, type PeersAnswer } from './schema.js'

/** How long a request may take to come in, and how long an idle connection is kept: longer than a node's client keeps it. */
const REQUEST_MS_MAX = 5_000
const IDLE_MS_MAX = 30_000

/** What a node answers. Nothing here may throw. */
export interface Answers {
  peers(): PeersAnswer
  /** Undefined where it is too much for now. */
  gossip(batch: Batch): GossipAnswer | undefined
  /** What the page shows. */
  state(): unknown
}

/** Serves a node at `host`:`port` until closed. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
export async function serve(host: string, port: Port, answers: Answers): Promise<FastifyInstance> {
  const server = fastify({
    bodyLimit: GOSSIP_BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionTimeout: IDLE_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    http: { maxHeaderSize: 8 * 1024 },
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true } },
  })
  server.server.maxConnections = GOSSIP_CONNECTIONS_MAX
  // Pages of other sites can post text/plain without asking; nobody else needs to.
  server.removeContentTypeParser('text/plain')
  server.addHook('onRequest', async (request, reply) => {
    const reason = strangeReason(request)
    if (reason !== undefined) return reply.code(403).send({ error: reason })
  })
  server.setErrorHandler(answerError)
  server.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'there is GET /, GET /peers/, POST /gossip/' }))
  server.get('/peers/', async () => answers.peers())
  server.post<{ Body: GossipBody }>('/gossip/', { schema: { body: GOSSIP_BODY } }, async (request, reply) => {
    const answer = answers.gossip(batchOf(request.body))
    return answer ?? reply.code(429).send({ error: 'more news than this node takes in a second: try again' })
  })
  server.get('/state', async () => answers.state())
  server.get('/', async (_, reply) =>
    reply
      .header('content-security-policy', PAGE_POLICY)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .type('text/html; charset=utf-8')
      .send(PAGE),
  )
  try {
    await server.listen({ host, port })
  } catch (cause) {
    await server.close()
    if (systemCode(cause) === 'EADDRINUSE')
      throw new ChatError('SWARM_PORT_TAKEN', `port ${port} is in use`, {
        cause,
        hint: 'Is another node running there? Otherwise choose another port with -p.',
      })
    throw new ChatError('SWARM_LISTEN_FAILED', `${host}:${port} cannot be listened on (${systemCode(cause)})`, {
      cause,
      hint: 'Choose another port with -p, from 1024 up, or an address of this machine with --host.',
    })
  }
  return server
}

/**
 * Why a request comes from a page that is not this node's own. A name in `Host` may be anybody's that leads here (DNS
 * rebinding); an address or localhost is what nodes, curl and this node's own page say.
 */
function strangeReason({ headers, method }: FastifyRequest): string | undefined {
  const { host = '', origin } = headers
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  if (name !== 'localhost' && isIP(name) === 0) return 'the Host header has to be an address, or localhost'
  if (origin !== undefined && origin !== `http://${host}`) return 'pages of other sites have no business here'
  if (method !== 'GET' && headers['sec-fetch-site'] !== undefined && headers['sec-fetch-site'] !== 'same-origin')
    return 'pages of other sites have no business here'
  return undefined
}

/** Whatever is wrong with a body is 400 and a reason. */
function answerError(error: FastifyError, _: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500
  if (status === 413) {
    // What is still to come of it is not read.
    void reply.code(400).header('connection', 'close')
    void reply.send({ error: `the body is longer than ${GOSSIP_BODY_BYTES_MAX} bytes` })
    return
  }
  if (status === 415) {
    void reply.code(415).send({ error: 'only application/json is taken' })
    return
  }
  if (status >= 400 && status < 500) void reply.code(400).send({ error: error.message })
  else void reply.code(500).send({ error: 'this node has a fault' })
}
