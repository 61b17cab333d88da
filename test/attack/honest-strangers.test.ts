import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { writeArchive } from './room-archive.js'
import { speeds } from './speeds.js'
import { storedOf, until, victim } from './victims.js'

// Controls for the limits on strangers: a stranger who follows the protocol does not notice them.

const TIMEOUT = { timeout: 120_000 }
const PIPED_LINES = 3_000
const LINE_CHARS = 500
const FAST_LINES = 20_000
const ROUNDS = 3
const HISTORY = { authors: 20, lines: 100, lineChars: 10_000 }
/** Largest ratio of the time for lines of a stranger to the time for lines of a known person. */
const RATIO_MAX = 2

test('lines that a stranger pipes in are stored in full while there is space', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const ci = await openChat(t, { me: 'ci', data: await temporaryDirectory(t), peers: [alice.room.address] })
  for (let line = 1; line <= PIPED_LINES; line++) ci.type(`${line} ${'x'.repeat(LINE_CHARS)}`)
  const lines = (): number => Math.max(0, ...alice.room.heads.map(({ seq }) => seq))
  assert.ok(await until(alice.room, () => lines() >= PIPED_LINES, 90_000), `${lines()} lines`)
  const texts: string[] = []
  for await (const { message } of alice.room.messages()) texts.push(message.split(' ')[0] ?? '')
  assert.deepEqual(
    texts,
    Array.from({ length: PIPED_LINES }, (_, index) => String(index + 1)),
  )
  assert.ok(!alice.events.some(({ kind }) => kind === 'log-stopped'))
})

test('lines of a stranger arrive as fast as those of a known person', TIMEOUT, async t => {
  const times = await speeds(t, { lines: FAST_LINES, rounds: ROUNDS })
  const ratio = times.stranger / times.known
  t.diagnostic(`${FAST_LINES} lines: known ${times.known.toFixed(0)} ms, stranger ${times.stranger.toFixed(0)} ms`)
  assert.ok(ratio < RATIO_MAX, `${ratio.toFixed(2)} times as long`)
})

test('a piped chat outlives a pause of its reader, and loses nothing', TIMEOUT, async t => {
  const data = await temporaryDirectory(t)
  const file = path.join(data, 'room.logs')
  const authors = await writeArchive(file, HISTORY)
  assert.equal((await startChat(t, ['import', 'alice', file, '--data', data]).exited).code, 0)
  const args = ['alice', '127.0.0.1:9', '--data', data, '--listen', '127.0.0.1:0', '--no-discovery']
  const chat = spawn(process.execPath, [CHAT_PROGRAM, ...args])
  t.after(() => chat.kill('SIGKILL'))
  const exited = once(chat, 'exit')
  let notices = ''
  const listening = new Promise<string>(resolve =>
    chat.stderr.on('data', chunk => {
      notices += chunk
      const [, address] = /listening on (\S+:\d+)\n/.exec(notices) ?? []
      if (address !== undefined) resolve(address)
    }),
  )
  // The reader pauses, while bob fetches the whole room.
  const bob = await victim(t, 'bob', { peers: [await listening] })
  const hasAll = (): boolean => authors.every(({ keys }) => storedOf(bob.room, keys.hex) === HISTORY.lines)
  assert.ok(await until(bob.room, hasAll, 60_000))
  assert.equal(chat.exitCode, null, notices)
  let lines = 0
  for await (const chunk of chat.stdout) {
    for (const byte of chunk) if (byte === 10) lines++
    if (lines === HISTORY.authors * HISTORY.lines) break
  }
  assert.equal(lines, HISTORY.authors * HISTORY.lines)
  // Control: leaving the loop closes the pipe. This ends a chat that still has lines to print.
  await bob.room.say('a last line')
  assert.deepEqual(await exited, [0, null], notices)
})
