import assert from 'node:assert/strict'
import test from 'node:test'
import { CHAT_PROGRAM, startChat } from '../helper/chat-process.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

// Searches in two rooms, from a terminal and from the command line.

const BOUND = { timeout: 300_000 }

test('finds lines of all rooms, and goes to them', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const alice = await TerminalWindow.open(t, [
    ...[process.execPath, CHAT_PROGRAM, 'alice', '--listen', '127.0.0.1:0', '--no-discovery', '--data', data],
  ])
  const search = async (...words: readonly string[]): Promise<Record<string, unknown>[]> => {
    const found = startChat(t, ['search', 'alice', ...words, '--json', '--data', data])
    assert.equal((await found.exited).code, 0, found.stderr.join('\n'))
    return found.stdout.map(line => JSON.parse(line))
  }
  const textsOf = (found: readonly Record<string, unknown>[]): string[] =>
    found.map(({ room, message }) => `${String(room)}: ${String(message)}`)
  const say = async (...lines: readonly string[]): Promise<void> => {
    for (const line of lines) {
      await alice.enter(line)
      await alice.waitFor(`│ ${line}`)
    }
  }
  await alice.waitFor(/#lobby/)
  await say('an apple for Zoë', 'a pear', 'two figs')
  await alice.enter('/join ops')
  await alice.waitFor(/#ops, 1 #lobby/)
  await say('the apple server', 'it is down')

  assert.deepEqual(textsOf(await search('APPLE')), ['lobby: an apple for Zoë', 'ops: the apple server'])
  assert.deepEqual(textsOf(await search('zoe -pear in:lobby')), ['lobby: an apple for Zoë'])
  assert.deepEqual(textsOf(await search('from:bob apple')), [])
  const wrong = startChat(t, ['search', 'alice', 'form:bob', '--data', data])
  assert.equal((await wrong.exited).code, 2)
  assert.match(wrong.stderr.join('\n'), /^persisted-chat: there is no search operator form:\. The operators are from:/)

  await alice.enter('/search apple')
  await alice.waitFor(/1 line found for apple/)
  await alice.enter('/search in:all apple')
  const rows = await alice.waitFor(/2 lines found for in:all apple/)
  assert.ok(
    rows.some(row => /── found in #lobby ──/.test(row)),
    rows.join('\n'),
  )
  await alice.enter('/next')
  await alice.waitFor(/── around a?\w+ ──/)
  await alice.enter('/next')
  const around = await alice.waitFor(/#lobby, 2 #ops/)
  assert.ok(around.length > 0)
  const shown = await alice.waitFor(/── around \w+ ──/)
  const from = shown.findLastIndex(row => /── around/.test(row))
  assert.match(shown.slice(from).join('\n'), /an apple for Zoë[\s\S]*a pear[\s\S]*two figs/)

  // Another query, so that its answer is not taken for that of the one before.
  await alice.enter('/search in:all from:alice apple')
  await alice.waitFor(/2 lines found for in:all from:alice/)
  await alice.enter('/next')
  await alice.waitFor(/#ops, 1 #lobby/)
  await alice.waitFor(/the apple server/)
  await alice.enter('/next')
  await alice.waitFor(/#lobby, 2 #ops/)

  await alice.enter('/edit -1 three figs')
  await alice.waitFor(/\* alice edits/)
  assert.deepEqual(textsOf(await search('two figs')), [])
  assert.deepEqual(
    (await search('figs')).map(({ message, edited }) => [message, edited]),
    [['three figs', true]],
  )
  await alice.enter('/delete -1')
  await alice.waitFor(/was deleted here/)
  assert.deepEqual(textsOf(await search('figs')), [])
  await alice.press('C-c')
  await alice.press('y')
  await alice.ended()
  assert.deepEqual(
    textsOf(await search('apple')),
    ['lobby: an apple for Zoë', 'ops: the apple server'],
    'without a node',
  )
  assert.deepEqual(textsOf(await search('--room', 'ops', 'since:1h')), ['ops: the apple server', 'ops: it is down'])
})
