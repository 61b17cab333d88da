import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { nodePid } from '../helper/running-node.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { type TerminalOptions, TerminalWindow } from '../helper/terminal.js'

// The chat on real terminals (tmux), driven by keys and read as text.

const BOUND = { timeout: 300_000 }

interface Person {
  readonly me: string
  readonly listen: string
  readonly peers?: readonly string[]
  readonly data: string
  readonly options?: readonly string[]
}

function open(t: TestContext, { me, listen, peers = [], data, options = [] }: Person, terminal?: TerminalOptions) {
  const args = [me, ...peers, '--listen', listen, '--no-discovery', '--data', data, ...options]
  return TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, ...args], terminal)
}

/** The rows with messages, without their times. */
const said = (rows: readonly string[]): string[] =>
  rows.flatMap(row => /^\d\d:\d\d (?:[a-z]+\d+ )? *(.*?)(?: {2}✓.*)?$/.exec(row)?.[1] ?? [])

/** The row with the prompt. */
const prompt = (rows: readonly string[]): string => rows.findLast(row => /^\S+> ?/.test(row)) ?? ''

async function pair(t: TestContext, terminal?: TerminalOptions) {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const people = {
    alice: { me: 'alice', listen: a, peers: [b], data },
    bob: { me: 'bob', listen: b, peers: [a], data },
  }
  const alice = await open(t, people.alice, terminal)
  const bob = await open(t, people.bob, terminal)
  await alice.waitFor(/#lobby · 1 connected/)
  await bob.waitFor(/#lobby · 1 connected/)
  return { alice, bob, people }
}

test('keeps the line being written intact while messages arrive', BOUND, async t => {
  const { alice, bob } = await pair(t)
  await alice.enter('hello there')
  await bob.waitFor('alice │ hello there')
  await alice.waitFor(/hello there {2}✓ 1\/1$/)
  await alice.type('while I write this')
  await alice.waitFor('alice> while I write this')
  for (const line of ['one', 'two', 'three']) await bob.enter(line)
  const rows = await alice.waitFor('bob │ three')
  assert.equal(prompt(rows), 'alice> while I write this')
  await alice.type(', and on')
  await alice.press('Enter')
  const all = await bob.waitFor('alice │ while I write this, and on')
  assert.deepEqual(said(all), [
    'alice │ hello there',
    ...['one', 'two', 'three'].map(line => `bob │ ${line}`),
    'alice │ while I write this, and on',
  ])
})

test('delivers everything to a third person, and marks mentions', BOUND, async t => {
  const { alice, bob, people } = await pair(t)
  const [c = ''] = await localAddresses(1)
  await alice.enter('carol will join us')
  const carol = await open(t, { me: 'carol', listen: c, peers: [people.alice.listen], data: people.alice.data })
  await carol.waitFor('alice » carol will join us')
  await carol.enter('here I am')
  await bob.waitFor('carol │ here I am')
  await alice.waitFor(/#lobby · 2 connected/)
})

test('restores unread messages, the draft and earlier lines at the next start', BOUND, async t => {
  const { alice, bob, people } = await pair(t)
  await alice.enter('before')
  await bob.waitFor('alice │ before')
  await bob.enter('I go now')
  await alice.waitFor('bob │ I go now')
  await bob.type('half a sent')
  await bob.waitFor('bob> half a sent')
  await bob.press('C-c')
  assert.equal(await bob.ended(), 0)
  await alice.enter('you missed this')
  await alice.waitFor('you missed this')
  // The message has to arrive before the screen reads the logs.
  const again = await open(t, people.bob)
  await again.waitFor('alice │ you missed this')
  const rows = await again.waitFor('bob> half a sent')
  assert.deepEqual(said(rows), ['alice │ before', 'bob │ I go now', 'alice │ you missed this'])
  await again.press('C-u', 'Up')
  await again.waitFor('bob> I go now')
})

test('marks messages that arrived without a face at the next start, and none that a face has shown', BOUND, async t => {
  const { alice, bob, people } = await pair(t)
  await alice.enter('on the screen')
  await bob.waitFor('alice │ on the screen')
  await bob.press('C-c')
  await bob.ended()
  const lines = await open(t, { ...people.bob, options: ['--plain'] })
  await alice.enter('in lines')
  await lines.waitFor('alice> in lines')
  await lines.press('C-c')
  await lines.ended()
  const node = await open(t, { ...people.bob, options: ['--seed'] })
  await alice.waitFor(/#lobby · 1 connected/)
  await alice.enter('unseen')
  await alice.waitFor(/unseen {2}✓ 1\/1$/)
  await node.press('C-c')
  await node.ended()
  const again = await open(t, people.bob)
  const rows = await again.waitFor('alice │ unseen')
  const rule = rows.findIndex(row => /^── 1 new since you left on \d+ \w+ \d\d:\d\d ──$/.test(row))
  assert.ok(rows.findIndex(row => row.endsWith('│ in lines')) < rule, rows.join('\n'))
  assert.ok(rule < rows.findIndex(row => row.endsWith('│ unseen')), rows.join('\n'))
})

test('asks before leaving if the last line is undelivered', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const alice = await open(t, { me: 'alice', listen: a, data })
  await alice.waitFor('#lobby · alone')
  await alice.enter('is anybody there?')
  await alice.waitFor(/is anybody there\? {2}✓$/)
  await alice.press('C-c')
  await alice.waitFor('Your last line is not delivered')
  await alice.press('n')
  await alice.waitFor(rows => !rows.some(row => row.includes('Your last line is not')))
  await alice.press('C-c')
  await alice.waitFor('Your last line is not delivered')
  await alice.press('y')
  assert.equal(await alice.ended(), 0)
})

test('leaves without an answer when the last line is delivered after the question', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice = await open(t, { me: 'alice', listen: a, data })
  await alice.waitFor('#lobby · alone')
  await alice.enter('is anybody there?')
  await alice.waitFor(/is anybody there\? {2}✓$/)
  await alice.press('C-c')
  await alice.waitFor('the chat ends when it is')
  const bob = await open(t, { me: 'bob', listen: b, peers: [a], data })
  await bob.waitFor('alice │ is anybody there?')
  assert.equal(await alice.ended(), 0)
})

test('asks whether to send, split, edit or drop a paste of many lines', BOUND, async t => {
  const { alice, bob } = await pair(t)
  const pasted = 'first line\nsecond line\nthird line\n'
  await alice.paste(pasted)
  await alice.waitFor('You pasted 3 lines')
  await alice.press('Enter')
  assert.deepEqual(
    (await bob.waitFor('┊ third line')).filter(row => /first|second|third/.test(row)).map(row => row.trim().slice(-13)),
    ['e │ first line', '┊ second line', '┊ third line'].map(row => row.slice(-13)),
  )
  await alice.paste(pasted)
  await alice.waitFor('You pasted 3 lines')
  await alice.press('l')
  await bob.waitFor('alice │ third line')
  await alice.paste(pasted)
  await alice.waitFor('You pasted 3 lines')
  await alice.press('Escape')
  await alice.waitFor(rows => !rows.some(row => row.includes('You pasted')))
  await alice.paste('only one line\n')
  await alice.waitFor('alice> only one line')
  await alice.press('Enter')
  await bob.waitFor('alice │ only one line')
})

test('completes commands and names, and answers mistyped commands', BOUND, async t => {
  const { alice, bob } = await pair(t)
  await bob.enter('hello')
  await alice.waitFor('bob │ hello')
  await alice.type('/wh')
  await alice.press('Tab')
  await alice.waitFor('/who  /whois  /where')
  await alice.type('o')
  await alice.type('is b')
  await alice.press('Tab')
  await alice.waitFor('alice> /whois bob')
  await alice.press('Enter')
  await alice.waitFor(/bob: the key [0-9a-f]{20}/)
  await alice.type('bo')
  await alice.press('Tab')
  await alice.waitFor('alice> bob:')
  await alice.press('C-u')
  await alice.enter('/serch hello')
  await alice.waitFor('there is no command /serch: did you mean /search?')
  await alice.enter('//serch hello')
  await bob.waitFor('alice │ /serch hello')
})

test('sends names, topics and actions to everyone; hides people for one user only', BOUND, async t => {
  const { alice, bob, people } = await pair(t)
  await alice.enter('/topic lunch')
  await bob.waitFor('topic: lunch')
  await alice.enter('/me waves')
  await bob.waitFor('* alice waves')
  await alice.enter('/nick Al')
  await bob.waitFor('* alice is now called Al')
  await alice.enter('so')
  await bob.waitFor('Al │ so')
  await bob.enter('/hide Al')
  await bob.waitFor('Al is hidden from your view only')
  await alice.enter('unheard')
  await alice.waitFor(/unheard {2}✓ 1\/1/)
  await bob.enter('/unhide Al')
  await bob.waitFor('is shown again')
  await alice.enter('heard')
  assert.ok(!(await bob.waitFor('Al │ heard')).some(row => row.includes('unheard')))
  await alice.press('C-c')
  await alice.ended()
  const again = await open(t, people.alice)
  await again.waitFor('your name is Al: /nick alice changes it back')
  await again.waitFor('topic: lunch')
  await again.waitFor(/^Al>/)
})

test('shows who types and who is away until their next line', BOUND, async t => {
  const { alice, bob } = await pair(t)
  await bob.type('I am wri')
  await alice.waitFor('is typing')
  await bob.type('ting')
  await bob.press('Enter')
  await alice.waitFor('bob │ I am writing')
  await alice.waitFor(rows => !rows.some(row => row.includes('is typing')))
  await bob.enter('/away lunch')
  await bob.waitFor('you are away')
  await alice.waitFor('away: bob')
  await alice.enter('/who')
  await alice.waitFor(/connected: .*\(away: lunch\)/)
  await bob.enter('back again')
  await alice.waitFor(rows => !rows.some(row => row.startsWith('#') && row.includes('away')))
})

test('leaves nothing of the frame behind when the terminal is resized', BOUND, async t => {
  const { alice, bob } = await pair(t, { columns: 100 })
  await bob.enter('a line that is there')
  await alice.waitFor('bob │ a line that is there')
  await alice.type('a line that goes on and on until it is wider than the terminal will be when it is narrow')
  await alice.waitFor('narrow')
  for (const columns of [40, 100, 61, 50, 40, 80]) {
    await alice.resize(columns, 24)
    const rows = await alice.waitFor(rows => {
      const at = rows.findIndex(row => row.startsWith('#lobby'))
      return at !== -1 && (rows[at + 1] ?? '').startsWith('alice> a line') && rows.join('').includes('narrow')
    })
    assert.equal(rows.filter(row => row.startsWith('#lobby')).length, 1, rows.join('\n'))
    assert.equal(rows.filter(row => row.startsWith('alice> ')).length, 1, rows.join('\n'))
  }
  assert.equal((await alice.scrollback()).filter(row => row.includes('a line that is there')).length, 1)
})

test('keeps the scrollback of a terminal lower than the draft', BOUND, async t => {
  const { alice, bob } = await pair(t)
  for (let line = 1; line <= 30; line++) await bob.enter(`line ${line}`)
  await alice.waitFor('bob │ line 30')
  await alice.type('first')
  for (const row of ['second', 'third', 'fourth', 'fifth', 'sixth']) {
    await alice.press('M-Enter')
    await alice.type(row)
  }
  await alice.waitFor('sixth')
  for (const rows of [7, 5, 4, 24]) {
    await alice.resize(80, rows)
    await alice.waitFor(shown => shown.some(row => row.includes('sixth')) && shown.length <= rows)
  }
  const lines = (await alice.scrollback()).flatMap(row => /bob │ (line \d+)$/.exec(row)?.[1] ?? [])
  assert.deepEqual([...new Set(lines)].length, 30)
})

test('marks missed messages that arrive after the start', BOUND, async t => {
  const { alice, bob, people } = await pair(t)
  await alice.enter('seen')
  await bob.waitFor('alice │ seen')
  await bob.press('C-c')
  await bob.ended()
  await alice.enter('missed')
  await alice.waitFor('│ missed')
  await alice.press('C-c')
  await alice.press('y')
  await alice.ended()
  const again = await open(t, people.bob)
  await again.waitFor('#lobby · alone')
  await open(t, people.alice)
  const rows = await again.waitFor('alice │ missed')
  const rule = rows.findIndex(row => /^── 1 new since you left on \d+ \w+ \d\d:\d\d ──$/.test(row))
  assert.ok(rule !== -1 && rule < rows.findIndex(row => row.endsWith('│ missed')), rows.join('\n'))
})

test('shows and sends in two faces of one user, and continues when the first is left', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const alice: Person = { me: 'alice', listen: a, data: await temporaryDirectory(t) }
  const first = await open(t, alice)
  await first.waitFor('#lobby · alone')
  const second = await open(t, alice)
  await second.waitFor('alice is in the chat already')
  await first.enter('from the first')
  await second.waitFor('alice │ from the first')
  await second.enter('from the second')
  await first.waitFor('alice │ from the second')
  await first.press('C-c')
  assert.equal(await first.ended(), 0)
  await second.enter('still here')
  await second.waitFor(/alice │ still here {2}✓/)
  await second.press('C-c')
  await second.waitFor('Your last line is not delivered')
})

test("leaves the history in the terminal's scrollback", BOUND, async t => {
  const { alice, bob } = await pair(t, { rows: 12 })
  for (let line = 1; line <= 30; line++) await bob.enter(`line ${line}`)
  await alice.waitFor('bob │ line 30')
  await alice.press('C-c')
  assert.equal(await alice.ended(), 0)
  const lines = (await alice.scrollback()).flatMap(row => /bob │ (line \d+)$/.exec(row)?.[1] ?? [])
  assert.deepEqual(
    lines,
    Array.from({ length: 30 }, (_, index) => `line ${index + 1}`),
  )
  assert.equal(await alice.property('alternate_on'), '0')
})

test('clears the screen on Ctrl-L and keeps the draft', BOUND, async t => {
  const { alice } = await pair(t)
  await alice.enter('hello')
  await alice.waitFor(/hello {2}✓ 1\/1/)
  await alice.type('half a line')
  await alice.waitFor('alice> half a line')
  await alice.press('C-l')
  const rows = await alice.waitFor(rows => (rows[0] ?? '').startsWith('#lobby'))
  assert.equal(rows[1], 'alice> half a line')
})

test('returns to the shell on Ctrl-Z, and continues on fg', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const chat = `${process.execPath} ${CHAT_PROGRAM} alice --listen ${a} --no-discovery --data ${await temporaryDirectory(t)}`
  const shell = await TerminalWindow.open(t, ['bash', '--norc', '-i'], { columns: 150 })
  await shell.enter(chat)
  await shell.waitFor('#lobby · alone')
  await shell.type('half')
  await shell.waitFor('alice> half')
  await shell.press('C-z')
  await shell.waitFor('Stopped')
  await shell.enter('echo in the $0')
  await shell.waitFor('in the bash')
  await shell.enter('fg')
  await shell.waitFor('alice> half')
  await shell.enter(' a line')
  await shell.waitFor(/alice │ half a line {2}✓/)
})

test('restores the terminal on exit', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const chat = `${process.execPath} ${CHAT_PROGRAM} alice --listen ${a} --no-discovery --data ${await temporaryDirectory(t)}`
  const shell = await TerminalWindow.open(t, ['sh', '-c', `${chat}; stty -a; echo left; exec cat`])
  await shell.waitFor('#lobby · alone')
  await shell.press('C-d')
  const rows = await shell.waitFor('left')
  assert.ok(rows.some(row => /(^| )icanon( |$)/.test(row)))
  assert.equal(await shell.property('cursor_flag'), '1')
})

/** Messages with escape sequences. */
const NASTY = [
  '\u001b]0;owned\u0007',
  '\u001b]52;c;b3duZWQ=\u0007',
  '\u001b[2J\u001b[H',
  '\u001b[?25l',
  '\u001b[31mred',
  '\u009b31mred',
  '\u001b[?1049h',
  '\u001bc',
  'a\rb\bc',
  '\u0007\u0007',
]

/** Properties of a terminal that escape sequences could change. */
const stateOf = async (terminal: TerminalWindow) => ({
  title: await terminal.property('pane_title'),
  cursor: await terminal.property('cursor_flag'),
  screen: await terminal.property('alternate_on'),
  clipboards: await terminal.clipboards(),
})

test('does not let messages change title, cursor or clipboard of a real terminal', BOUND, async t => {
  const [a = '', m = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice = await open(t, { me: 'alice', listen: a, data })
  await alice.waitFor('#lobby · alone')
  const before = await stateOf(alice)
  const mallory = startChat(t, ['mallory', a, '--listen', m, '--no-discovery', '--data', data, '--json'])
  for (const message of NASTY) mallory.type(JSON.stringify({ message }))
  mallory.type(JSON.stringify({ message: 'that was all' }))
  const rows = await alice.waitFor('mallory │ that was all')
  assert.ok(rows.some(row => row.includes('␛]0;owned␇')))
  assert.ok(rows.some(row => row.includes('red')))
  assert.deepEqual(await stateOf(alice), before)
  await alice.type('still here')
  await alice.waitFor('alice> still here')
})

test('control: such messages change the terminal when printed raw', BOUND, async t => {
  const printed = JSON.stringify(NASTY.slice(0, 2).join(''))
  const show = `process.stdin.on('data', () => process.stdout.write(${printed} + 'done'))`
  const terminal = await TerminalWindow.open(t, [process.execPath, '-e', show])
  const before = await stateOf(terminal)
  await terminal.press('Enter')
  await terminal.waitFor('done')
  assert.notDeepEqual(await stateOf(terminal), before)
})

test('works without colours and with 40 columns', BOUND, async t => {
  const { alice, bob } = await pair(t, { columns: 40, env: { NO_COLOR: '1' } })
  await bob.enter('你好 👨‍👩‍👧 שלום e\u0301')
  await alice.waitFor(/bob: 你好/)
  await alice.enter('ok')
  await bob.waitFor(/alice: ok/)
})

test('keeps a message in the editor while the node does not answer', BOUND, async t => {
  const { alice, bob, people } = await pair(t)
  const node = (await nodePid(people.alice)) ?? assert.fail('no node runs')
  process.kill(node, 'SIGSTOP')
  await alice.waitFor(/has not answered since/)
  await alice.enter('said once')
  const rows = await alice.waitFor(/not sent, because the node/)
  assert.equal(prompt(rows), 'alice> said once')
  process.kill(node, 'SIGCONT')
  await alice.waitFor('the node answers again')
  await alice.press('Enter')
  assert.deepEqual(said(await bob.waitFor('alice │ said once')), ['alice │ said once'])
})
