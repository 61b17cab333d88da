// Gossip nodes as processes on ports of this machine, over HTTP and JSON.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import test, { type TestContext } from 'node:test'
import { startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { freePorts } from '../helper/ports.js'

const BOUND = { timeout: 300_000 }
const UUID = '0b6ad4f1-7a4d-4e2f-9c1e-0a5f5d8f2b11'
const MESSAGE = { uuid: UUID, origin: 7_999, version: 1, ttl: 5, payload: { book: 'Dune, by Frank Herbert' } }

async function startNode(t: TestContext, args: readonly (string | number)[]): Promise<Child> {
  const child = startChat(t, ['gossip', ...args.map(String), '--json'])
  await child.waitForLine('"event":"listening"')
  return child
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: http.IncomingHttpHeaders
}

function ask(port: number, path: string, body?: string, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const request = http.request(
      { host: '127.0.0.1', port, path, method, headers: { ...type, ...headers } },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

const tell = (port: number, body: unknown): Promise<Answer> => ask(port, '/gossip/', JSON.stringify(body))

test('three nodes learn all books, also after one is killed and restarted', BOUND, async t => {
  const [a = 0, b = 0, c = 0] = await freePorts(3)
  const often = ['--every', 0.5, '--pull', 1]
  const first = await startNode(t, ['-p', a, ...often])
  const second = await startNode(t, ['-p', b, '-b', a, ...often])
  const third = await startNode(t, ['-p', c, '-b', b, ...often])
  for (const node of [first, second, third])
    for (const origin of [a, b, c]) await node.waitForLine(`"origin":${origin},`)
  // Versions of an origin only rise.
  for (const node of [first, second]) {
    const versions = node.stdout.flatMap(line => (line.includes(`"origin":${c},`) ? [JSON.parse(line).version] : []))
    assert.deepEqual(
      versions,
      versions.toSorted((x, y) => x - y),
    )
  }
  await third.stop('SIGKILL')
  await first.waitForLine('"peers":1,', { from: first.stdout.length })
  const mark = [first.stdout.length, second.stdout.length] as const
  await first.waitForLine(`"origin":${b},`, { from: mark[0] })
  const again = await startNode(t, ['-p', c, '-b', a, ...often])
  // The version of the new run is above that of the old one; otherwise the others would ignore it.
  await first.waitForLine(`"origin":${c},`, { from: mark[0] })
  await second.waitForLine(`"origin":${c},`, { from: mark[1] })
  await again.waitForLine(`"origin":${b},`)
  assert.equal(await again.stop('SIGTERM'), 0)
})

test('answers requests for peers and messages that curl sends', BOUND, async t => {
  const [port = 0, other = 0] = await freePorts(2)
  const node = await startNode(t, ['-p', port])
  assert.deepEqual(JSON.parse((await ask(port, '/peers/')).text), { port, peers: [] })
  assert.deepEqual(JSON.parse((await tell(port, MESSAGE)).text), { accepted: 1, messages: [] })
  await node.waitForLine('"book":"Dune, by Frank Herbert"')
  assert.deepEqual(JSON.parse((await tell(port, MESSAGE)).text), { accepted: 0, messages: [] })
  await startNode(t, ['-p', other, '-b', port])
  await node.waitForLine('"peers":1,')
  assert.deepEqual(JSON.parse((await ask(port, '/peers')).text), { port, peers: [other] })
  const pulled = JSON.parse((await tell(port, { known: [[port, 1_000]] })).text)
  assert.ok(pulled.messages.some(({ uuid }: { uuid: string }) => uuid === UUID))
})

test('rejects malformed bodies with 400 and a reason', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  const node = await startNode(t, ['-p', port])
  const before = node.stdout.length
  const bad: readonly string[] = [
    '{',
    '',
    'null',
    '[]',
    '7',
    '{}',
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    `{"messages":[{"__proto__":{"uuid":"${UUID}"}}]}`,
    JSON.stringify({ ...MESSAGE, ttl: 1_000_000_000 }),
    JSON.stringify({ ...MESSAGE, ttl: -1 }),
    JSON.stringify({ ...MESSAGE, version: -1 }),
    JSON.stringify({ ...MESSAGE, version: 0 }),
    JSON.stringify({ ...MESSAGE, version: 1.5 }),
    JSON.stringify({ ...MESSAGE, version: '1' }),
    JSON.stringify({ ...MESSAGE, origin: 0 }),
    JSON.stringify({ ...MESSAGE, origin: 65_536 }),
    JSON.stringify({ ...MESSAGE, origin: '7001' }),
    JSON.stringify({ ...MESSAGE, uuid: 'no' }),
    JSON.stringify({ ...MESSAGE, payload: 'Dune' }),
    JSON.stringify({ ...MESSAGE, payload: { book: '' } }),
    JSON.stringify({ ...MESSAGE, payload: { book: 'x'.repeat(301) } }),
    JSON.stringify({ ...MESSAGE, payload: { book: 'Dune', more: 1 } }),
    JSON.stringify({ ...MESSAGE, more: 1 }),
    JSON.stringify({ messages: new Array(65).fill(MESSAGE) }),
    JSON.stringify({ messages: 'x' }),
    JSON.stringify({ known: [[port, -1]] }),
    JSON.stringify({ known: [[port, 1, 1]] }),
    '['.repeat(60_000),
    '9'.repeat(100_000),
    JSON.stringify({ ...MESSAGE, payload: { book: 'x'.repeat(200_000) } }),
  ]
  for (const body of bad) {
    const { status, text } = await ask(port, '/gossip/', body)
    assert.equal(status, 400, `${body.slice(0, 80)}: ${status} ${text}`)
    const { error, ...rest } = JSON.parse(text)
    assert.ok(typeof error === 'string' && error.length > 0 && error.length < 300, text)
    assert.deepEqual(rest, {})
  }
  assert.deepEqual(
    node.stdout.slice(before).filter(line => line.includes('"event":"book"') && !line.includes(`"origin":${port},`)),
    [],
  )
  // Control: a valid body is accepted.
  assert.equal((await tell(port, MESSAGE)).status, 200)
})

test('rejects requests from pages of other sites', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  await startNode(t, ['-p', port])
  const body = JSON.stringify(MESSAGE)
  const strange: readonly (readonly [http.OutgoingHttpHeaders, number])[] = [
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ host: `evil.example:${port}` }, 403],
    [{ host: `evil.example:${port}`, origin: `http://evil.example:${port}` }, 403],
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ]
  for (const [headers, expected] of strange)
    assert.equal((await ask(port, '/gossip/', body, headers)).status, expected, JSON.stringify(headers))
  assert.equal((await ask(port, '/peers/', undefined, { host: `evil.example:${port}` })).status, 403)
  assert.equal((await ask(port, '/peers/')).headers['access-control-allow-origin'], undefined)
  // Controls: the node's own page, and curl.
  const own = { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' }
  assert.equal((await ask(port, '/gossip/', body, own)).status, 200)
  assert.equal((await ask(port, '/gossip/', body, { host: `localhost:${port}` })).status, 200)
})

test('serves a page that loads only its own files', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  await startNode(t, ['-p', port])
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.css', 'text/css'],
    ['/page.js', 'text/javascript'],
  ] as const) {
    const { status, text, headers } = await ask(port, path)
    assert.equal(status, 200, path)
    assert.match(String(headers['content-type']), new RegExp(`^${type}; charset=utf-8`))
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    )
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.doesNotMatch(text, /https?:(?!\/\/www\.w3\.org\/2000\/svg)|@import|url\(|innerHTML/, path)
  }
  const { text } = await ask(port, '/')
  for (const [, target = ''] of text.matchAll(/(?:src|href)="([^"]*)"/g))
    assert.ok(['data:,', 'page.css', 'page.js'].includes(target), target)
})

test('reports invalid options in one line', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  await startNode(t, ['-p', port])
  const table: readonly (readonly [readonly (string | number)[], number, RegExp])[] = [
    [[], 2, /the port is missing\. Try: persisted-chat gossip -p 7001 -b 7000/],
    [['-p', 'x'], 2, /whole number from 1 to 65535/],
    [['-p', 70_000], 2, /whole number from 1 to 65535/],
    [['-p', 7_001, '-b', 7_001], 2, /cannot learn its peers from itself/],
    [['-p', 7_001, '--ttl', 65], 2, /whole number from 1 to 64/],
    [['-p', 7_001, '--fanout', 0], 2, /whole number from 1 to 1000/],
    [['-p', 7_001, '--every', 0], 2, /number from 0\.1/],
    [['-p', 7_001, '--host', 'example.org'], 2, /an address of this machine/],
    [['-p', port], 1, /port \d+ is in use\. Is another node running there\?/],
    [['-p', port, '--host', '192.0.2.1'], 1, /cannot listen on 192\.0\.2\.1:\d+ \(EADDRNOTAVAIL\)/],
  ]
  const check = async ([args, expected, complaint]: (typeof table)[number]): Promise<void> => {
    const child = startChat(t, ['gossip', ...args.map(String)])
    assert.deepEqual(await child.exited, { code: expected, signal: null }, child.transcript())
    assert.equal(child.stderr.length, 1, child.transcript())
    assert.match(child.stderr[0] ?? '', complaint)
  }
  await Promise.all(table.map(check))
})

test('ships at least 200 distinct books', async () => {
  const books = (await readFile('data/books.txt', 'utf8')).trimEnd().split('\n')
  assert.ok(books.length >= 200)
  assert.equal(new Set(books).size, books.length)
  for (const book of books) assert.match(book, /^\S.*, by \S.*\S$/)
})
