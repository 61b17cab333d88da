import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { TerminalWindow } from '../helper/terminal.js'

const BOUND = { timeout: 300_000 }
const LISTEN = ['--listen', '127.0.0.1:0']

const inTerminal = (t: TestContext, ...args: readonly string[]): Promise<TerminalWindow> =>
  TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, 'flood', ...LISTEN, ...args])

/** The address that a client reports to listen on. */
async function addressOf(window: TerminalWindow): Promise<string> {
  const rows = await window.waitFor('info> your address is')
  await window.waitFor(/^>/)
  return addressIn(rows.find(row => row.includes('your address is')) ?? '')
}

const addressIn = (line: string): string => /127\.0\.0\.1:\d+/.exec(line)?.[0] ?? ''

/** The rows below the address: printed texts and typed lines, without notices. */
async function texts(window: TerminalWindow): Promise<string[]> {
  const rows = await window.screen()
  return rows
    .slice(rows.findIndex(row => row.includes('your address is')) + 1)
    .filter(row => !/^(info>|warn>|> ?$)/.test(row))
}

test(
  'three clients exchange texts: one was given an invalid address, one is killed, one joins later',
  BOUND,
  async t => {
    const first = await inTerminal(t)
    await first.waitFor('address of a peer')
    await first.enter('no address at all')
    await first.waitFor('info> "no address at all" is not an address; starting a new network')
    const address = await addressOf(first)

    const second = await inTerminal(t)
    await second.waitFor('address of a peer')
    await second.enter(address.replace(':', ' '))
    await second.waitFor(`info> connected to ${address}`)
    const third = await inTerminal(t, address)
    await third.waitFor(`info> connected to ${address}`)
    const [, ofThird] = [await addressOf(second), await addressOf(third)]

    await second.type('not yet sen')
    await third.enter('hello from the third')
    await first.waitFor(/^hello from the third$/)
    const rows = await second.waitFor(/^hello from the third$/)
    assert.equal(rows.at(-1), '> not yet sen', 'what is being typed stays below')
    await second.enter('t')
    for (const window of [first, second, third]) await window.waitFor(/^not yet sent$/)
    assert.deepEqual(await texts(first), ['hello from the third', 'not yet sent'])
    await first.enter('hello from the third')
    await first.waitFor(rows => rows.at(-1) === '>')

    process.kill(Number(await third.property('pane_pid')), 'SIGKILL')
    await first.waitFor('info> a connection was closed; 1 left')
    const late = await inTerminal(t, ofThird)
    await late.waitFor(`info> no answer from ${ofThird}; starting a new network`)
    await late.press('C-d')
    assert.equal(await late.ended(), 0)

    const later = await inTerminal(t, await addressOf(second))
    await addressOf(later)
    await later.enter('\u202edeen')
    for (const window of [first, second, later]) await window.waitFor(/^‹U\+202E›deen$/)
    assert.deepEqual(await texts(later), ['> ‮deen', '‹U+202E›deen'])
    await first.press('C-c')
    assert.equal(await first.ended(), 0)
    await second.waitFor('info> a connection was closed; 1 left')
  },
)

test('prints many pasted lines at every client', BOUND, async t => {
  const first = await inTerminal(t, 'x')
  const second = await inTerminal(t, await addressOf(first))
  await addressOf(second)
  await second.paste(['one', '', 'two', 'three', 'zwölf', ''].join('\n'))
  // The pasting client shows them as typed lines, the first behind the prompt, and as texts.
  for (const [window, count] of [
    [first, 4],
    [second, 7],
  ] as const)
    await window.waitFor(rows => rows.filter(row => /^(one|two|three|zwölf)$/.test(row)).length === count)
})

test('in pipes, reads the address from the first line and prints only texts on stdout', BOUND, async t => {
  const start = (...args: readonly string[]): Child => startChat(t, ['flood', ...LISTEN, ...args])
  const first = start()
  await first.waitForLine('address of a peer', { stream: 'stderr' })
  first.type('')
  await first.waitForLine('no address given; starting a new network', { stream: 'stderr' })
  const second = start()
  second.type(addressIn(await first.waitForLine('your address is', { stream: 'stderr' })))
  await second.waitForLine('connected to', { stream: 'stderr' })
  for (let line = 0; line < 5_000; line++) second.type(`line ${line}`)
  second.endInput()
  await first.waitForLine('line 4999')
  first.type('from the other')
  await second.waitForLine('from the other')
  assert.deepEqual(second.stdout, [...Array.from({ length: 5_000 }, (_, line) => `line ${line}`), 'from the other'])
  assert.deepEqual(first.stdout, second.stdout)
  assert.deepEqual([await first.stop('SIGINT'), await second.stop()], [0, 0])
})
