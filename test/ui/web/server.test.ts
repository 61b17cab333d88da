import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { WebSocket } from 'ws'
import { systemRandom } from '../../../src/base/random.js'
import { CLOSE, PAGE_MESSAGE_BYTES_MAX, TOKEN_MS_MAX } from '../../../src/ui/web/protocol/limits.js'
import type { Request, ServerEvent } from '../../../src/ui/web/protocol/messages.js'
import { type PageHandlers, PageSocket } from '../../../src/ui/web/server/page-socket.js'
import { newToken, proofOf } from '../../../src/ui/web/server/token.js'
import { WebServer } from '../../../src/ui/web/server/web-server.js'
import { VirtualClock } from '../../helper/virtual-clock.js'
import { INDEX, openWeb } from '../../helper/web-machine.js'
import { partsOf, WebPage } from '../../helper/web-page.js'

const BOUND = { timeout: 60_000 }
const FILES = new Map([['/', { type: 'text/html', bytes: Buffer.from(INDEX), isImmutable: false }]])

/** A server that only records the requests of its pages. */
async function openServer(t: TestContext) {
  const clock = new VirtualClock()
  const token = newToken(systemRandom)
  const requests: Request[] = []
  const pages: PageSocket[] = []
  const handlers: PageHandlers = {
    request: request => void requests.push(request),
    chunk: () => false,
    closed: () => {},
  }
  const server = await WebServer.open({
    port: 0,
    token,
    files: FILES,
    onSocket: socket => {
      const onProven = (page: PageSocket): PageHandlers => {
        server.proven(socket)
        pages.push(page)
        return handlers
      }
      new PageSocket(socket, { token, clock, onProven })
    },
  })
  t.after(() => server.close())
  const host = `127.0.0.1:${server.port}`
  const connect = (origin: string | undefined = `http://${host}`, headers: Record<string, string> = {}): WebSocket => {
    const socket = new WebSocket(`ws://${host}/socket`, { ...(origin !== '' && { origin }), headers })
    socket.on('error', () => {})
    return socket
  }
  const hello = JSON.stringify({ kind: 'hello', token, version: 1 })
  return { server, clock, token, host, connect, hello, requests, pages }
}

/** Sends a request; resolves with the status, headers and body of the response. */
async function get(port: number, path: string, { host = `127.0.0.1:${port}`, method = 'GET', headers = {} } = {}) {
  const request = http.request({ port, path, method, headers: { host, ...headers }, setHost: false })
  request.end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let body = ''
  for await (const piece of response) body += String(piece)
  return { status: response.statusCode, headers: response.headers, body }
}

const closeCode = async (socket: WebSocket): Promise<number> => Number((await once(socket, 'close'))[0])

/** Connects, sends bytes, and waits for the end of the connection. */
async function afterSending(socket: WebSocket, ...messages: readonly (string | Uint8Array)[]): Promise<number> {
  await once(socket, 'open')
  const closed = closeCode(socket)
  for (const message of messages) socket.send(message)
  return closed
}

test('serves only its own files', BOUND, async t => {
  const { server, host } = await openServer(t)
  const index = await get(server.port, '/')
  assert.deepEqual([index.status, index.body], [200, INDEX])
  for (const path of ['/key', '/../package.json', '/%2e%2e/package.json', '//etc/passwd', '/assets/../../key', '/web'])
    assert.equal((await get(server.port, path)).status, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    assert.notEqual((await get(server.port, '/', { method })).status, 200, method)
  assert.equal((await get(server.port, '/', { host: host.replace('127.0.0.1', 'localhost') })).status, 200)
})

test('lets no other site frame, read or extend the page', BOUND, async t => {
  const { server } = await openServer(t)
  for (const path of ['/', '/none']) {
    const { headers } = await get(server.port, path)
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /script-src 'self';/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe|\*|https:/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
    assert.equal(headers['access-control-allow-origin'], undefined)
  }
})

test('rejects requests for another Host, against DNS rebinding', BOUND, async t => {
  const { server, host, token } = await openServer(t)
  const foreign = [
    'evil.example',
    `evil.example:${server.port}`,
    '127.0.0.1',
    `127.0.0.1:${server.port + 1}`,
    `[::1]:${server.port}`,
  ]
  for (const each of foreign) {
    assert.equal((await get(server.port, '/', { host: each })).status, 403, each)
    assert.equal((await get(server.port, `/alive/${'a'.repeat(32)}`, { host: each })).status, 403, each)
  }
  const challenge = 'a'.repeat(32)
  const own = await get(server.port, `/alive/${challenge}`, { host })
  assert.deepEqual([own.status, own.body], [200, proofOf(token, challenge)], 'control')
})

test('listens on loopback only', BOUND, async t => {
  const { server } = await openServer(t)
  const probe = net.connect({ port: server.port, host: '127.0.0.2' })
  const outcome = await new Promise(resolve => {
    probe.on('connect', () => resolve('open')).on('error', () => resolve('refused'))
  })
  probe.destroy()
  assert.equal(outcome, 'refused')
})

test('accepts WebSockets of its own page only', BOUND, async t => {
  const { connect, host, hello, pages } = await openServer(t)
  const port = host.split(':')[1]
  const attempts: [string | undefined, Record<string, string>][] = [
    ['https://evil.example', {}],
    ['null', {}],
    ['', {}],
    [`http://127.0.0.1:${Number(port) + 1}`, {}],
    [`http://localhost:${port}`, {}],
    [`http://evil.example:${port}`, { host: `evil.example:${port}` }],
  ]
  for (const [origin, headers] of attempts) {
    const socket = connect(origin, headers)
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, http.IncomingMessage]
    assert.equal(response.statusCode, 403, String(origin))
    socket.terminate()
  }
  const own = connect()
  await once(own, 'open')
  own.send(hello)
  own.ping()
  await once(own, 'pong')
  assert.equal(pages.length, 1, 'control')
  own.terminate()
})

test('closes a page without the right token, and runs none of its requests', BOUND, async t => {
  const { connect, hello, token, requests, pages } = await openServer(t)
  const say = JSON.stringify({ kind: 'say', id: 1, room: 'lobby', text: 'hello' })
  const wrong = (changed: object): string => JSON.stringify({ kind: 'hello', token, version: 1, ...changed })
  const flipped = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
  for (const first of [
    say,
    '',
    '{}',
    'null',
    Buffer.from(hello),
    wrong({ token: '' }),
    wrong({ token: flipped }),
    wrong({ token: `${token}A` }),
    wrong({ token: token.slice(1) }),
    wrong({ token: [token] }),
    wrong({ kind: 'say' }),
  ])
    assert.equal(await afterSending(connect(), first, say), CLOSE.refused, String(first))
  assert.equal(await afterSending(connect(), wrong({ version: 2 }), say), CLOSE.otherVersion)
  assert.deepEqual([requests, pages], [[], []])
  const right = connect()
  await once(right, 'open')
  right.send(hello)
  right.send(say)
  right.ping()
  await once(right, 'pong')
  assert.equal(requests.length, 1, 'control')
  right.terminate()
})

test('closes a page that does not send its token in time', BOUND, async t => {
  const { connect, clock, hello } = await openServer(t)
  const [late, early] = [connect(), connect()]
  await Promise.all([once(late, 'open'), once(early, 'open')])
  early.send(hello)
  early.ping()
  await once(early, 'pong')
  const closed = closeCode(late)
  clock.advance(TOKEN_MS_MAX)
  assert.equal(await closed, CLOSE.refused)
  assert.equal(early.readyState, WebSocket.OPEN, 'control')
  early.terminate()
})

test('the page gets in while others open WebSockets without a token', BOUND, async t => {
  const { connect, hello, pages } = await openServer(t)
  const idle = Array.from({ length: 40 }, () => connect())
  await Promise.all(idle.map(socket => once(socket, 'open')))
  const page = connect()
  await once(page, 'open')
  page.send(hello)
  page.ping()
  await once(page, 'pong')
  assert.equal(pages.length, 1)
  const left = idle.filter(({ readyState }) => readyState === WebSocket.OPEN)
  assert.ok(left.length < 20, `${left.length} are still open`)
  for (const socket of [...idle, page]) socket.terminate()
})

test('a malformed or oversized message ends its own connection only', BOUND, async t => {
  const { connect, hello, requests } = await openServer(t)
  const other = connect()
  await once(other, 'open')
  other.send(hello)
  for (const bad of [
    '{',
    '[]',
    '{"kind":"say"}',
    '{"kind":"none","id":1}',
    Buffer.from([0, 0, 0, 1, 7]),
    Buffer.from([1]),
  ])
    assert.equal(await afterSending(connect(), hello, bad), CLOSE.malformed, String(bad))
  const large = JSON.stringify({ kind: 'say', id: 1, room: 'lobby', text: 'x'.repeat(PAGE_MESSAGE_BYTES_MAX) })
  assert.equal(await afterSending(connect(), hello, large), 1009)
  assert.deepEqual(requests, [])
  other.ping()
  await once(other, 'pong')
  other.terminate()
})

test('no message of a page ends the server', BOUND, async t => {
  const { connect, hello, server } = await openServer(t)
  const message = fc.oneof(fc.string(), fc.json(), fc.uint8Array({ maxLength: 100 }))
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(message, { maxLength: 5 }), async (isProven, messages) => {
      const socket = connect()
      await once(socket, 'open')
      const closed = once(socket, 'close')
      if (isProven) socket.send(hello)
      for (const each of messages) socket.send(each)
      socket.close()
      await closed
    }),
    { numRuns: 100 },
  )
  assert.equal((await get(server.port, '/')).status, 200)
})

test('malformed HTTP does not end the server', BOUND, async t => {
  const { server } = await openServer(t)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async bytes => {
      const socket = net.connect(server.port, '127.0.0.1')
      socket.on('error', () => {}).resume()
      socket.end(bytes)
      await once(socket, 'close')
    }),
    { numRuns: 50 },
  )
  assert.equal((await get(server.port, '/')).status, 200)
})

test('bounds the queue of a page that does not read, and lets it resync when it reads', BOUND, async t => {
  const { web, workspace } = await openWeb(t)
  const [asleep, awake] = [await WebPage.open(web.url), await WebPage.open(web.url)]
  asleep.socket.pause()
  const count = 20_000
  const event = {
    kind: 'ring',
    room: 'lobby',
    shown: '#lobby',
    author: 'bob',
    text: 'x'.repeat(1_000),
    line: 'x',
  } as const
  const emit = async (): Promise<void> => {
    for (let index = 0; index < count; index++) {
      workspace.emit('event', { ...event, author: String(index) } satisfies ServerEvent)
      if (index % 500 === 0) await new Promise<void>(resolve => setImmediate(resolve))
    }
  }
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external
  await emit()
  assert.ok(process.memoryUsage().arrayBuffers + process.memoryUsage().external - before < 32 * 1024 * 1024)
  asleep.socket.resume()
  await asleep.said('resync')
  const rings = (page: WebPage): number => page.messages.filter(({ kind }) => kind === 'ring').length
  assert.ok(rings(asleep) < count / 2, `${rings(asleep)} were kept`)
  // Control: a page that reads gets events, and its connection stays open.
  await awake.select('lobby')
  await Promise.all([asleep.close(), awake.close()])
})

test('refuses a page beyond the limit', BOUND, async t => {
  const { web } = await openWeb(t)
  const pages = await Promise.all(Array.from({ length: 8 }, () => WebPage.open(web.url)))
  const { socket: address, origin, token } = partsOf(web.url)
  const ninth = new WebSocket(address, { origin })
  assert.equal(await afterSending(ninth, JSON.stringify({ kind: 'hello', token, version: 1 })), CLOSE.tooMany)
  await pages[0]?.close()
  const next = await WebPage.open(web.url)
  await Promise.all([...pages.slice(1), next].map(page => page.close()))
})

test('closes a page with too many unanswered requests', BOUND, async t => {
  const { web } = await openWeb(t)
  const page = await WebPage.open(web.url)
  const closed = once(page.socket, 'close')
  for (let id = 1; id <= 200; id++) page.socket.send(JSON.stringify({ kind: 'select', id, room: 'lobby' }))
  assert.equal((await closed)[0], CLOSE.malformed)
})

test('says goodbye to its pages when it ends', BOUND, async t => {
  const { web } = await openWeb(t)
  const page = await WebPage.open(web.url)
  const closed = once(page.socket, 'close')
  await Promise.all([web.close('ended'), page.said('bye')])
  assert.equal((await closed)[0], CLOSE.ended)
})
