import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import { outcomesOf } from '../helper/command-lines.js'
import { freePorts, localAddresses } from '../helper/ports.js'
import { nodePid } from '../helper/running-node.js'
import { Stopwatch } from '../helper/stopwatch.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { unresponsivePort } from '../helper/unresponsive-server.js'

// Errors at the start are reported in one line, with what to do next.

const BOUND = { timeout: 300_000 }
const [FAILED, WRONG_USAGE] = [1, 2]

/** Runs to the end. Returns the exit code and the lines on stderr. */
async function complaintOf(t: TestContext, args: readonly string[]) {
  const child = startChat(t, args)
  const { code } = await child.exited
  assert.deepEqual(child.stdout, [], child.transcript())
  return { code, lines: child.stderr }
}

const USAGE: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['nothing at all', [], /your name is missing\. Try: persisted-chat alice bob/],
  ['a name with a slash', ['../alice'], /the name "\.\.\/alice" must not contain a dot/],
  ['a name with a space', ['alice smith'], /must not contain a space/],
  ['an empty name', [''], /is empty/],
  ['a name that turns text round', ['ali\u202ece'], /must not contain U\+202E/],
  ['a name of 33 letters', ['a'.repeat(33)], /longer than 32 characters/],
  ['a peer’s name with a dot', ['alice', 'bob.smith'], /the peer name "bob\.smith" must not contain a dot/],
  ['an address without a port', ['alice', 'localhost:'], /has no port from 1 to 65535/],
  ['a port that is none', ['alice', 'localhost:99999'], /localhost:99999 has no port from 1 to 65535/],
  ['IPv6 without brackets', ['alice', 'fd00::2:4000'], /is not an address.*\[fd00::2\]:4000/],
  ['a peer that is oneself', ['alice', 'alice'], /the peer alice is yourself/],
  ['a peer at the own address', ['alice', 'localhost:4000', '--listen', 'localhost:4000'], /is yourself/],
  ['a port to listen on that is none', ['alice', '--listen', '65536'], /has no port from 0 to 65535/],
  ['a place to listen that is none', ['alice', '--listen', 'here'], /has no port|is not an address/],
  ['--last with a word', ['alice', '--last', 'x'], /'--last <n>'.*whole number/],
  ['--last with a negative number', ['alice', '--last', '-1'], /whole number|argument/],
  ['--last that is empty', ['alice', '--last', ''], /whole number from 0 to 999999999/],
  ['--last as 0x10', ['alice', '--last', '0x10'], /whole number/],
  ['--last as 1e309', ['alice', '--last', '1e309'], /whole number/],
  ['--last as NaN', ['alice', '--last', 'NaN'], /whole number/],
  ['--last with more digits than are counted', ['alice', '--last', '9'.repeat(30)], /from 0 to 999999999/],
  ['--timeout longer than a timer', ['alice', '--message', 'hi', '--timeout', '2147484'], /from 0 to 2147483/],
  ['--timeout as Infinity', ['alice', '--message', 'hi', '--timeout', 'Infinity'], /from 0 to 2147483/],
  ['an empty --message', ['alice', '--message', ''], /the --message is empty/],
  ['a blank --message', ['alice', '--message', ' \t\n '], /the --message is empty/],
  ['an invisible --message', ['alice', '--message', '\u200b\u2800\u202e\u3164'], /the --message is empty/],
  ['--direct with a word that is none', ['alice', '--direct', 'friends'], /Expected one of anyone, known, nobody/],
  ['--direct of a node', ['node', 'alice', '--direct', ''], /'--direct <who>'.*Expected one of anyone, known, nobody/],
  ['a day that is none', ['log', 'alice', '--since', '2026-02-30'], /'--since <time>'.*Expected a time, as in/],
  ['a host without its port', ['alice', 'bob.example'], /bob\.example:4000/],
  ['oneself in other letters', ['alice', 'ALICE.local'], /the peer ALICE\.local is yourself/],
  ['a simulated number that is none', ['simulate', 'chat', '--peers', '1e309'], /whole number from 2 to 2000/],
  ['a simulated number that is negative', ['simulate', 'chat', '--minutes=-1'], /whole number from 1 to 1440/],
  ['an option without its value', ['alice', '--data'], /argument missing/],
  ['an unknown option', ['alice', '--frobnicate'], /unknown option '--frobnicate'/],
  ['an option that is nearly one', ['alice', '--plan'], /unknown option '--plan'.*Did you mean --plain\?/],
  ['a room’s name with a slash', ['alice', '--room', 'a/b'], /the room name "a\/b" must not contain \//],
]

test('accepts help and version, and rejects mistyped commands before it creates anything', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const options = ['--data', data, '--no-discovery']
  const run = async (args: readonly string[]) => {
    const child = startChat(t, args)
    const { code } = await child.exited
    return { code, stdout: child.stdout, stderr: child.stderr }
  }
  const [help, version] = [await run(['help']), await run(['version'])]
  assert.deepEqual([help.code, help.stderr, help.stdout], [0, [], (await run(['--help'])).stdout])
  assert.deepEqual([version.code, version.stderr, version.stdout], [0, [], (await run(['--version'])).stdout])
  assert.deepEqual((await run(['help', 'log'])).stdout, (await run(['log', '--help'])).stdout)
  for (const [word, complaint] of [
    ['loog', /there is no command loog; did you mean log\? .*persisted-chat chat loog$/],
    ['jion', /did you mean join\?/],
    ['completion', /completion is not a command of this version\. .*persisted-chat chat completion$/],
  ] as const) {
    for (const args of [
      [word, ...options],
      [...options, word, 'alice'],
      [word, 'alice', '--unknown-option'],
    ]) {
      const { code, stdout, stderr } = await run(args)
      assert.deepEqual([code, stdout, stderr.length], [WRONG_USAGE, [], 1], args.join(' '))
      assert.match(stderr[0] ?? '', complaint)
    }
  }
  assert.deepEqual(await readdir(data), [])
  const [a = ''] = await localAddresses(1)
  const named = startChat(t, ['chat', 'help', '--listen', a, ...options])
  await named.waitForLine('info> listening on', { stream: 'stderr' })
  assert.equal(await named.stop(), 0, 'control: as a name it is still to be had')
  assert.deepEqual(await readdir(data), ['help'])
})

test('reports wrong usage in one line', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const commandLines = USAGE.map(([, args]) => [...(args.at(-1) === '--data' ? [] : ['--data', data]), ...args])
  const outcomes = await outcomesOf(t, commandLines)
  for (const [index, [what, , complaint]] of USAGE.entries())
    await t.test(what, () => {
      const { code, stdout, stderr } = outcomes[index] ?? assert.fail('it did not end')
      assert.deepEqual([code, stdout, stderr.length], [WRONG_USAGE, [], 1], stderr.join('\n'))
      assert.match(stderr[0] ?? '', /^persisted-chat: [^⏎]+$/)
      assert.match(stderr[0] ?? '', complaint)
    })
  const [, args, complaint] = USAGE[1] ?? assert.fail()
  const alone = await complaintOf(t, args)
  assert.equal(alone.code, WRONG_USAGE, 'control: the process ends with that code')
  assert.match(alone.lines.join('\n'), complaint)
})

test('reports a port in use in one line', BOUND, async t => {
  const server = net.createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  const data = await temporaryDirectory(t)
  const { code, lines } = await complaintOf(t, [
    'alice',
    '--no-discovery',
    '--listen',
    `127.0.0.1:${port}`,
    '--data',
    data,
  ])
  assert.deepEqual(lines, [
    `persisted-chat: 127.0.0.1:${port} is in use by another program. ` +
      'Is this name already running here? Otherwise choose another port with --listen.',
  ])
  assert.equal(code, FAILED)
})

test('reports an address of another machine in one line', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const { code, lines } = await complaintOf(t, [
    'alice',
    '--no-discovery',
    '--listen',
    '198.51.100.7:4000',
    '--data',
    data,
  ])
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^persisted-chat: 198\.51\.100\.7:4000 cannot be listened on: .*--listen\.$/)
  assert.equal(code, FAILED)
})

test('names the process that has the logs open and serves no face', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  const node = await nodePid({ me: 'alice', data })
  await rm(join(data, 'alice/node.sock'))
  const { code, lines } = await complaintOf(t, ['alice', '--no-discovery', '--listen', b, '--data', data])
  assert.deepEqual(lines, [
    `persisted-chat: the logs in ${join(data, 'alice')} are open in another process (pid ${node}). ` +
      'Wait until it has ended, or stop it.',
  ])
  assert.equal(code, FAILED)
  alice.type('still here')
  await alice.waitForLine('alice> still here')
})

test('reports an unusable data directory in one line', BOUND, async t => {
  const file = join(await temporaryDirectory(t), 'file')
  await writeFile(file, '')
  for (const data of [file, join(file, 'below'), '/proc/persisted-chat', '/dev/null']) {
    const { code, lines } = await complaintOf(t, ['alice', '--no-discovery', '--data', data])
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', /^persisted-chat: the data directory .* cannot be used: .*--data\.$/)
    assert.equal(code, FAILED)
  }
})

test('reports a malformed key in one line, and leaves it unchanged', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  await (await openChat(t, { me: 'alice', listen: a, data })).stop()
  const file = join(data, 'alice/key')
  const key = await readFile(file, 'latin1')
  const damaged = `${key[0] === 'a' ? 'b' : 'a'}${key.slice(1)}`
  for (const [text, told] of [
    ['no key', /alice\/key contains no key\. Restore it/],
    [damaged, /alice\/key is damaged: .*\. Restore it/],
  ] as const) {
    await writeFile(file, text)
    const { code, lines } = await complaintOf(t, ['alice', '--no-discovery', '--listen', a, '--data', data])
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', told)
    assert.equal(code, FAILED)
    assert.equal(await readFile(file, 'latin1'), text)
  }
})

test('reports once that a peer is this process itself', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: String(port), peers: [`127.0.0.1:${port}`], data })
  await alice.waitForLine(
    `warn> 127.0.0.1:${port} (127.0.0.1:${port}) is this process itself; trying again now and then`,
    {
      stream: 'stderr',
    },
  )
  alice.type('nobody but me')
  await alice.waitForLine('alice> nobody but me')
  assert.equal(await alice.stop(), 0)
  assert.equal(alice.stderr.filter(line => line.includes('is this process itself')).length, 1, alice.transcript())
})

test('stops at once while a peer does not answer', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const port = await unresponsivePort(t)
  const alice = await openChat(t, {
    me: 'alice',
    listen: a,
    peers: [`127.0.0.1:${port}`],
    data: await temporaryDirectory(t),
  })
  const stopwatch = new Stopwatch()
  assert.equal(await alice.stop('SIGINT'), 0)
  assert.ok(stopwatch.ms < 4_000)
})

test('prints help and version to stdout and exits with 0', BOUND, async t => {
  const help = startChat(t, ['--help'])
  assert.equal((await help.exited).code, 0)
  assert.match(help.stdout.join('\n'), /Usage: persisted-chat .*\[peer\.\.\.\]/)
  assert.deepEqual(help.stderr, [])
  const version = startChat(t, ['--version'])
  assert.equal((await version.exited).code, 0)
  assert.match(version.stdout.join('\n'), /^\d+\.\d+\.\d+$/)
})

test('lets a name that is also a command chat', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const child = startChat(t, ['chat', 'log', '--no-discovery', '--listen', a, '--data', data])
  child.type('hello')
  await child.waitForLine('log> hello')
  assert.equal(await child.stop(), 0)
})
