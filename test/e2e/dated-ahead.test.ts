import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, connectedTo, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'
import { writeLines } from '../helper/written-log.js'

// Lines that are dated years ahead, to occupy the end of the history.

const BOUND = { timeout: 300_000 }
const HOUR_MS = 3_600_000

const lines = (name: string, count: number, agoMs: number) =>
  Array.from({ length: count }, (_, index) => ({ message: `${name} ${index + 1}`, agoMs: agoMs - index * 1_000 }))

/** Alice stores eight lines of bob, and twenty of mallory that were dated `agoMs` before they were written. */
async function flooded(t: TestContext, agoMs: number) {
  const [a = '', b = '', c = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  await writeLines(data, 'bob', lines('bob', 8, HOUR_MS))
  await writeLines(data, 'mallory', lines('mallory', 20, agoMs))
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  for (const [me, listen] of [
    ['bob', b],
    ['mallory', c],
  ] as const) {
    const peer = await openChat(t, { me, listen, peers: [a], data })
    await connectedTo(peer, a)
    await alice.waitForLine(new RegExp(`${me}.*> ${me} ${me === 'bob' ? 8 : 20}$`))
    await peer.stop()
  }
  alice.type('mine')
  await alice.waitForLine('alice> mine')
  await alice.stop()
  const stored = async (...options: string[]): Promise<string[]> => {
    const log = startChat(t, ['log', 'alice', '--data', data, '--last', '4', ...options])
    assert.equal((await log.exited).code, 0, log.transcript())
    return log.stdout
  }
  return { a, data, stored, arrived: alice.stdout }
}

test('shows lines that are dated ahead after all others, marked, and beside the last ones', BOUND, async t => {
  const { a, data, stored, arrived } = await flooded(t, -10 * 365 * 24 * HOUR_MS)
  assert.equal(arrived.at(-1), 'alice> mine', 'a live face prints lines in the order of their arrival')
  const last = ['bob> bob 6', 'bob> bob 7', 'bob> bob 8', 'alice> mine', 'mallory (clock ahead)> mallory 20']
  assert.deepEqual(await stored(), last)
  const again = await openChat(t, { me: 'alice', listen: a, data, options: ['--json', '--last', '4'] })
  await again.waitForLine('mallory 20')
  await again.stop()
  const messages = again.stdout.map(line => JSON.parse(line) as { message: string; ahead?: boolean })
  assert.deepEqual(
    messages.map(({ message, ahead }) => [message, ahead]),
    [
      ['bob 6', undefined],
      ['bob 7', undefined],
      ['bob 8', undefined],
      ['mine', undefined],
      ['mallory 20', true],
    ],
  )
  const command = [CHAT_PROGRAM, 'alice', '--listen', a, '--no-discovery', '--data', data, '--last', '8']
  const screen = await TerminalWindow.open(t, [process.execPath, ...command])
  const rows = (await screen.waitFor('mallory 20')).map(row => row.trimEnd())
  const block = rows.indexOf("── dated ahead of this computer's clock ──")
  assert.ok(block > rows.findIndex(row => row.endsWith('│ mine')), rows.join('\n'))
  assert.deepEqual(
    rows.slice(block).flatMap(row => /│ (mallory \d+)$/.exec(row)?.[1] ?? []),
    ['mallory 19', 'mallory 20'],
  )
})

test('shows the same lines in their place when they are dated now (control)', BOUND, async t => {
  const { stored } = await flooded(t, 60_000)
  assert.deepEqual(await stored(), ['mallory> mallory 18', 'mallory> mallory 19', 'mallory> mallory 20', 'alice> mine'])
})
