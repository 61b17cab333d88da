import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, openChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { draftStored } from '../helper/stored-draft.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { type TerminalOptions, TerminalWindow } from '../helper/terminal.js'
import { writeLines } from '../helper/written-log.js'

// The history as seen by newcomers and by people who return.

const BOUND = { timeout: 300_000 }
const HOUR_MS = 3_600_000

interface Person {
  readonly me: string
  readonly listen: string
  readonly peers?: readonly string[]
  readonly data: string
}

const open = (t: TestContext, { me, listen, peers = [], data }: Person, terminal?: TerminalOptions) =>
  TerminalWindow.open(
    t,
    [process.execPath, CHAT_PROGRAM, me, ...peers, '--listen', listen, '--no-discovery', '--data', data],
    terminal,
  )

const lines = (name: string, count: number, agoMs: number) =>
  Array.from({ length: count }, (_, index) => ({ message: `${name} ${index + 1}`, agoMs: agoMs - index * 60_000 }))

const rules = (rows: readonly string[]): string[] =>
  rows.filter(row => row.startsWith('── ') && !/20\d\d ──$/.test(row)).map(row => row.replace(/ on .*/, ''))

test('shows a newcomer the history below one marker, with no late lines', BOUND, async t => {
  const [a = '', b = '', c = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  // Two logs that were written in turns and arrive one after the other.
  await writeLines(data, 'alice', lines('alice', 4, 2 * HOUR_MS))
  await writeLines(data, 'bob', lines('bob', 4, 2 * HOUR_MS - 30_000))
  await openChat(t, { me: 'alice', listen: a, data })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await bob.waitForLine('alice> alice 4')
  const carol = await open(t, { me: 'carol', listen: c, peers: [b], data })
  await carol.waitFor('bob │ bob 4')
  await carol.enter('hello, all')
  const rows = await carol.waitFor(/carol │ hello, all {2}✓ 1/)
  assert.ok(!rows.some(row => row.includes('late')), rows.join('\n'))
  assert.deepEqual(rules(rows), ['── 8 new, from before you joined ──'], rows.join('\n'))
  const said = rows.flatMap(row => /^\d\d:\d\d .*│ ((?:alice|bob) \d)$/.exec(row)?.[1] ?? [])
  assert.deepEqual(
    said,
    [1, 2, 3, 4].flatMap(number => [`alice ${number}`, `bob ${number}`]),
  )
  const bars = rows.filter(row => row.includes('│')).map(row => row.indexOf('│'))
  assert.deepEqual([...new Set(bars)], [23])
})

test('shows lines of a returning person as late, with their date', BOUND, async t => {
  const [a = '', b = '', c = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  await writeLines(data, 'alice', lines('alice', 2, HOUR_MS))
  await writeLines(data, 'carol', lines('carol', 2, 50 * HOUR_MS))
  const alice = await open(t, { me: 'alice', listen: a, data })
  await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await alice.waitFor('1 connected')
  await openChat(t, { me: 'carol', listen: c, peers: [a], data })
  await alice.waitFor('carol │ carol 2')
  await alice.enter('there you are')
  const rows = await alice.waitFor(/alice │ there you are/)
  assert.equal(rows.filter(row => /^── late \d+ \w+ \d\d:\d\d ──$/.test(row)).length, 1, rows.join('\n'))
  const bars = rows.filter(row => row.includes('│')).map(row => row.indexOf('│'))
  assert.deepEqual([...new Set(bars)], [23])
})

test('looks up and hides people who have not written yet', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice = await open(t, { me: 'alice', listen: a, data })
  await alice.waitFor('/help lists the commands')
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await alice.waitFor('1 connected: bob')
  await alice.enter('/whois bob')
  await alice.waitFor(/bob: the key [0-9a-f]{20}/)
  await alice.enter('/hide bob')
  await alice.waitFor('bob is hidden from your view')
  bob.type('unheard')
  const isHere = (rows: readonly string[]): boolean => rows.some(row => row.includes('1 of their entries is here'))
  while (!isHere(await alice.screen())) {
    await alice.enter('/whois bob')
    await alice.waitFor(rows => rows.at(-1) === 'alice>')
  }
  await alice.enter('/unhide bob')
  await alice.waitFor('is shown again')
  bob.type('heard')
  assert.ok(!(await alice.waitFor('bob │ heard')).some(row => row.includes('unheard')))
})

test('shows where to find help on F1 and on ? in an empty line', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const alice = await open(t, { me: 'alice', listen: a, data: await temporaryDirectory(t) })
  const below = (rows: readonly string[]): string[] => rows.slice(rows.findIndex(row => row.startsWith('#lobby')))
  const isHinted = (rows: readonly string[]): boolean => below(rows).some(row => row.includes('/help lists'))
  await alice.waitFor('#lobby · alone')
  await alice.press('?')
  await alice.waitFor(rows => isHinted(rows) && rows.includes('alice> ?'))
  await alice.type('x')
  await alice.waitFor(rows => !isHinted(rows) && rows.includes('alice> ?x'))
  await alice.press('F1')
  await alice.waitFor(isHinted)
})

test('starts a second face without the draft of the first, which keeps it', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const person: Person = { me: 'alice', listen: a, data: await temporaryDirectory(t) }
  const first = await open(t, person)
  await first.waitFor('#lobby · alone')
  await first.type('half a line')
  await first.waitFor('alice> half a line')
  await draftStored(person.data, 'alice', 'half a line')
  const second = await open(t, person)
  const rows = await second.waitFor('alice is in the chat already')
  assert.ok(!(await second.waitFor(/^alice>$/)).some(row => row.includes('half')), rows.join('\n'))
  await first.press('C-c')
  await first.ended()
  await second.press('C-c')
  await second.ended()
  const third = await open(t, person)
  await third.waitFor('alice> half a line')
})
