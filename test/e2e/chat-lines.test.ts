import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, connectedTo, openChat } from '../helper/chat-process.js'
import { Child, type Cleanup } from '../helper/child.js'
import { freePorts, localAddresses } from '../helper/ports.js'
import { crash } from '../helper/running-node.js'
import { Stopwatch } from '../helper/stopwatch.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Input and output as lines.

const BOUND = { timeout: 300_000 }

/** alice and bob, connected: bob names alice. */
async function pair(t: Cleanup) {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await Promise.all([connectedTo(alice, b), connectedTo(bob, a)])
  return { alice, bob, a, b, data }
}

/** A pair that several tests use, one after the other. */
const lasting = await pair(test)

/** Another face of alice or bob of that pair, with --json. */
const jsonFace = (t: TestContext, me: 'alice' | 'bob'): Promise<Child> =>
  openChat(t, { me, data: lasting.data, options: ['--json'] })

test('prints messages to stdout and prefixed notices to stderr', BOUND, async t => {
  const { alice, bob } = await pair(t)
  bob.type('hello')
  await alice.waitForLine('bob> hello')
  await bob.stop()
  await alice.waitForLine('info> bob left', { stream: 'stderr' })
  alice.type('bye')
  await alice.waitForLine('alice> bye')
  assert.equal(await alice.stop(), 0)
  assert.deepEqual(alice.stdout, ['bob> hello', 'alice> bye'])
  for (const line of [...alice.stderr, ...bob.stderr]) assert.match(line, /^(info|warn)> \S/)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`exits cleanly with 0 on ${signal}`, BOUND, async t => {
    const { alice, bob } = await pair(t)
    const stopwatch = new Stopwatch()
    assert.equal(await alice.stop(signal), 0)
    assert.ok(stopwatch.ms < 3_000)
    await bob.waitForLine('info> alice left', { stream: 'stderr' })
  })
}

test('keeps receiving and relaying after the end of stdin', BOUND, async t => {
  const { alice, bob, a, data } = await pair(t)
  alice.type('that is all from me')
  alice.endInput()
  await bob.waitForLine('alice> that is all from me')
  bob.type('still there?')
  await alice.waitForLine('bob> still there?')
  const [c = ''] = await localAddresses(1)
  const carol = await openChat(t, { me: 'carol', listen: c, peers: [a], data })
  await carol.waitForLine('bob> still there?')
  assert.equal(await alice.stop(), 0)
})

test('shows the keys of two people with one name from the first line on', BOUND, async t => {
  const [h = '', a = '', b = '', z = ''] = await localAddresses(4)
  const data = await temporaryDirectory(t)
  const hub = await openChat(t, { me: 'hub', listen: h, data })
  for (const [listen, text] of [
    [a, 'I am A'],
    [b, 'I am B'],
  ] as const) {
    const ann = await openChat(t, { me: 'ann', listen, peers: [h], data: await temporaryDirectory(t) })
    ann.type(text)
    await hub.waitForLine(text)
    await ann.stop()
  }
  const zed = await openChat(t, { me: 'zed', listen: z, peers: [h], data })
  await zed.waitForLine('I am A')
  await zed.waitForLine('I am B')
  for (const line of zed.stdout) assert.match(line, /^ann \([0-9a-f]{8}\)> I am [AB]$/)
})

const HOSTILE = '\u001b[31mred\u001b[0m\u0007 \u202egnp.exe\u202c a\u200bb \u2028next'

test('shows control characters as text', BOUND, async () => {
  const { alice, bob } = lasting
  bob.type(HOSTILE)
  const line = await alice.waitForLine('bob> ')
  assert.equal(line, 'bob> ␛[31mred␛[0m␇ ‹U+202E›gnp.exe‹U+202C› a‹U+200B›b ‹U+2028›next')
})

test('prints JSON objects with control characters escaped', BOUND, async t => {
  const { bob } = lasting
  const alice = await jsonFace(t, 'alice')
  bob.type('before')
  const previous = await alice.waitForLine('"before"')
  const before = Date.now()
  const from = alice.stdout.length
  bob.type(HOSTILE)
  const line = await alice.waitForLine('username', { from })
  assert.match(line, /^[\x20-\x7e]*$/)
  const { author, seq, label, username, message, at, time, verified, live, ...more } = JSON.parse(line)
  const expected = { seq: JSON.parse(previous).seq + 1, username: 'bob', message: HOSTILE, verified: true }
  assert.deepEqual({ seq, username, message, verified }, expected)
  assert.match(author, /^[0-9a-f]{64}$/)
  assert.ok(/^[a-z]+(\d+)$/.exec(label)?.[1] === String(seq), label)
  assert.match(at, /^\d{13}\.\d{4}$/)
  assert.ok(new Date(time).toISOString() === time && Date.parse(time) >= before - 1_000)
  assert.equal(live, true)
  assert.deepEqual(more, {})
})

test('accepts JSON lines and plain lines on stdin with --json', BOUND, async t => {
  const { alice } = lasting
  const bob = await jsonFace(t, 'bob')
  const from = alice.stdout.length
  const lines = ['{"message":"an object"}', '"a string"', 'a plain line', '{"no":"message"}', '{"message":5}', '17', '']
  for (const line of lines) bob.type(line)
  bob.type('{"message":"two\\nlines"}')
  await alice.waitForLine('two', { from })
  assert.deepEqual(alice.stdout.slice(from), [
    'bob> an object',
    'bob> a string',
    'bob> a plain line',
    'bob> {"no":"message"}',
    'bob> {"message":5}',
    'bob> 17',
    'bob> two⏎lines',
  ])
})

test('splits the message of a long JSON line into entries', BOUND, async t => {
  const { alice } = lasting
  const bob = await jsonFace(t, 'bob')
  const from = alice.stdout.length
  const message = `${'é😀 long '.repeat(5_000)}end`
  bob.type(JSON.stringify({ message }))
  await alice.waitForLine(/end$/, { from })
  const pieces = alice.stdout.slice(from)
  assert.equal(pieces.map(line => line.replace('bob> ', '')).join(''), message)
})

test('shows the last n messages first with --last, then every new one', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const history: string[] = []
  for (const [options, shown] of [
    [[], 0],
    [['--last', '2'], 2],
    [['--last', '0'], 0],
    [['--last', '99'], 99],
    [['--last', '2', '--all'], 99],
  ] as const) {
    const alice = await openChat(t, { me: 'alice', listen: a, data, options })
    for (const line of ['one', 'two', 'three']) alice.type(`${line} after ${history.length}`)
    await alice.waitForLine(`three after ${history.length}`)
    const news = ['one', 'two', 'three'].map(line => `alice> ${line} after ${history.length}`)
    assert.deepEqual(alice.stdout, [...(shown === 0 ? [] : history.slice(-shown)), ...news], options.join(' '))
    history.push(...news)
    assert.equal(await alice.stop(), 0)
  }
})

test('exits with 0 when the reader of stdout is gone', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  const data = await temporaryDirectory(t)
  const program = `"${process.execPath}" "${CHAT_PROGRAM}" alice --no-discovery --listen localhost:${port} --data "${data}"`
  for (const line of [
    `{ ${program}; echo "exit $?" >&2; } | head -1`,
    `{ ${program} 2>&1; echo "exit $?" >&3; } 3>&2 | head -1`,
  ]) {
    const shell = new Child(t, 'sh', { args: ['-c', line] })
    await shell.waitForLine(/listening|logs in/, { stream: line.includes('>&3') ? 'stdout' : 'stderr' })
    shell.type('one')
    if (!line.includes('>&3')) await shell.waitForLine('alice> one')
    shell.type('two')
    await shell.waitForLine('exit 0', { stream: 'stderr' })
    await shell.exited
  }
})

test('splits a line longer than an entry between characters', BOUND, async () => {
  const { alice, bob } = lasting
  const from = alice.stdout.length
  const line = `${'é😀 long '.repeat(5_000)}end`
  bob.type(line)
  await alice.waitForLine(/end$/, { from })
  const pieces = alice.stdout.slice(from)
  assert.ok(pieces.length > 3)
  assert.equal(pieces.map(piece => piece.replace('bob> ', '')).join(''), line)
})

test('delivers 2,000 lines from a pipe in order', BOUND, async () => {
  const { alice, bob } = lasting
  const from = alice.stdout.length
  const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i}`)
  bob.type(lines.join('\n'))
  bob.endInput()
  await alice.waitForLine(/line 1999$/, { from })
  assert.deepEqual(
    alice.stdout.slice(from),
    lines.map(line => `bob> ${line}`),
  )
})

test('stores the lines it has read when stopped in the middle of a pipe', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  alice.type(Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join('\n'))
  await alice.waitForLine('line 0')
  assert.equal(await alice.stop(), 0)
  assert.deepEqual(
    alice.stderr.filter(line => line.startsWith('warn>')),
    [],
  )
  const again = await openChat(t, { me: 'alice', listen: a, data })
  await again.waitForLine(alice.stdout.at(-1) ?? 'line')
  for (const [i, line] of again.stdout.entries()) assert.equal(line, `alice> line ${i}`)
})

test('has every line it showed on disk, once and in order, after kill -9', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  alice.type(Array.from({ length: 50_000 }, (_, i) => `line ${i}`).join('\n'))
  await alice.waitForLine('line 500')
  await crash(alice, { me: 'alice', data })
  const shown = alice.stdout.filter(line => /^alice> line \d+$/.test(line))
  const again = await openChat(t, { me: 'alice', listen: a, data })
  again.type('after the crash')
  await again.waitForLine('after the crash')
  const history = again.stdout.slice(0, -1)
  assert.ok(history.length >= shown.length - 1, `${history.length} of ${shown.length}`)
  for (const [i, line] of history.entries()) assert.equal(line, `alice> line ${i}`)
})
