import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openChat } from '../helper/chat-process.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { speeds } from './speeds.js'
import { until, victim } from './victims.js'

// The controls of every bound of strangers: what those who follow the protocol need not notice of it.

const TIMEOUT = { timeout: 120_000 }
const PIPED_LINES = 3_000
const LINE_CHARS = 500
const FAST_LINES = 20_000
const ROUNDS = 3
/** How much longer lines of a stranger may take than those of a known person. */
const RATIO_MAX = 2

test('a pipe of a stranger is never cut off while there is room', TIMEOUT, async t => {
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
