import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, connectedTo, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

// --plain on a terminal: lines for screen readers, with all commands.

const BOUND = { timeout: 300_000 }

/** alice with --plain on a terminal, connected to bob. */
async function pair(t: TestContext, { columns = 100, options = [] as readonly string[] } = {}) {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const args = ['alice', '--plain', '--listen', a, '--no-discovery', '--data', data, ...options]
  const alice = await TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, ...args], { columns, rows: 50 })
  await alice.waitFor('info> listening on')
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await connectedTo(bob, a)
  await alice.waitFor('info> connected to')
  return { alice, bob, data }
}

test('runs commands without sending them', BOUND, async t => {
  const { alice, bob, data } = await pair(t)
  bob.type('hello')
  await alice.waitFor(/^\d\d:\d\d [a-z]+1 bob> hello$/)
  await alice.enter('/who')
  await alice.waitFor(/^info> connected: bob \(stranger\)$/)
  await alice.enter('/whois bob')
  await alice.waitFor(/^info> bob: the key [0-9a-f]{64}$/)
  await alice.enter('/nick Al')
  await bob.waitForLine('* alice is now called Al')
  await alice.enter('/me waves')
  await bob.waitForLine('* Al waves')
  await alice.enter('/topic tea')
  await bob.waitForLine('* Al set the topic: tea')
  await alice.enter('/topic')
  await alice.waitFor(/^info> the topic is: tea$/)
  await alice.enter('/search hello')
  await alice.waitFor(/^info> \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [a-z]+1 bob> hello$/)
  await alice.enter('/away lunch')
  await alice.waitFor('info> you are away')
  await alice.enter('/exti')
  await alice.waitFor(/^warn> there is no command \/exti/)
  await alice.enter('/names')
  await alice.waitFor(rows => rows.filter(row => row === 'info> connected: bob (stranger)').length === 2)
  await alice.enter('//who')
  await bob.waitForLine('Al> /who')
  await alice.enter('/hide bob')
  await alice.waitFor(/bob is hidden from your view/)
  bob.type('not to be seen')
  await bob.waitForLine('not to be seen')
  await alice.enter('/help')
  await alice.waitFor(/^info> \/\/text says \/text\.$/)
  await alice.enter('/exit')
  assert.equal(await alice.ended(), 0)
  const rows = await alice.scrollback()
  assert.ok(!rows.some(row => row.includes('not to be seen')))
  assert.ok(!bob.stdout.some(line => /> \/(nick|me|topic|search|away|exti|names|hide|help|exit)/.test(line)))
  const log = startChat(t, ['log', 'alice', '--time', '--data', data])
  await log.exited
  for (const line of log.stdout) assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\* )?(bob|alice|Al)/)
})

test('hides a single line, and names the lines that the terminal has echoed', BOUND, async t => {
  const { alice, bob, data } = await pair(t)
  bob.type('too much')
  const row = (await alice.waitFor(/bob> too much$/)).find(each => each.endsWith('bob> too much')) ?? ''
  const [, label = ''] = row.split(' ')
  await alice.enter(`/hide ${label}`)
  await alice.waitFor(`info> ${label} is hidden from your view only`)
  await alice.enter('mine')
  await alice.waitFor(/^info> [a-z]+\d+: last line delivered to 1 stranger$/)
  await alice.enter('/quit')
  assert.equal(await alice.ended(), 0)
  const args = ['alice', '--plain', '--no-discovery', '--data', data, '--listen', '127.0.0.1:0']
  const again = await TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, ...args], { columns: 100, rows: 50 })
  const rows = await again.waitFor(/alice> mine$/)
  assert.ok(!rows.some(each => each.includes('too much')), rows.join('\n'))
  await again.enter('/hide')
  await again.waitFor(`info> hidden lines: ${label}`)
  await again.enter(`/show ${label}`)
  await again.waitFor(/bob> too much$/)
})

test('looks up and hides people who have not written yet', BOUND, async t => {
  const { alice, bob } = await pair(t)
  // The connection is reported a moment before the presence of the peer arrives.
  const answers = (rows: readonly string[]): string[] => rows.filter(row => /bob: the key|known as BOB/.test(row))
  const isKnown = (rows: readonly string[]): boolean => rows.some(row => /^info> bob: the key [0-9a-f]{64}$/.test(row))
  for (let rows: string[] = [], asked = 1; !isKnown(rows); asked = rows.length + 1) {
    await alice.enter('/whois BOB')
    rows = answers(await alice.waitFor(each => answers(each).length >= asked))
  }
  await alice.enter('/hide bob')
  await alice.waitFor(/bob is hidden from your view/)
  bob.type('not to be seen')
  await bob.waitForLine('not to be seen')
  await alice.enter('/whois zed')
  const rows = await alice.waitFor('no one here is known as zed')
  assert.ok(!rows.some(row => row.includes('not to be seen')))
})

test('does not print lines again that the terminal has echoed', BOUND, async t => {
  const { alice, bob } = await pair(t)
  await alice.enter('only once')
  await bob.waitForLine('alice> only once')
  await alice.enter('same')
  await alice.enter('same')
  await bob.waitForLine('alice> same')
  bob.type('done')
  await alice.waitFor(/bob> done$/)
  const rows = await alice.scrollback()
  assert.equal(rows.filter(row => row.includes('only once')).length, 1, rows.join('\n'))
  assert.equal(rows.filter(row => row.includes('same')).length, 2)
})

test('indents rows that continue a line', BOUND, async t => {
  const { alice, bob } = await pair(t, { columns: 40 })
  bob.type(`${'x'.repeat(24)} bob> yes ${' '.repeat(60)}info> connected to carol`)
  const rows = await alice.waitFor('connected to carol')
  for (const row of rows) assert.ok(!/^(bob> yes|info> connected to carol)/.test(row), row)
})

test('prints no times in a pipe by default, and our lines once', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--time'] })
  alice.type('hello')
  await alice.waitForLine(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d alice> hello$/)
  await alice.stop()
  const again = await openChat(t, { me: 'alice', listen: a, data })
  again.type('/who')
  await again.waitForLine('alice> /who')
  assert.deepEqual(again.stdout, ['alice> hello', 'alice> /who'])
})
