import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { authorOf } from '../../src/log/format/author.js'
import { openChat } from '../helper/chat-process.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { Author } from './author.js'
import { headsFrame, segmentsFrame } from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { storedOf, until, victim } from './victims.js'

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
  const times = { known: Number.POSITIVE_INFINITY, stranger: Number.POSITIVE_INFINITY }
  for (let round = 0; round < ROUNDS; round++)
    for (const kind of ['known', 'stranger'] as const)
      times[kind] = Math.min(times[kind], await timeOf(t, kind === 'known'))
  const ratio = times.stranger / times.known
  t.diagnostic(`${FAST_LINES} lines: known ${times.known.toFixed(0)} ms, stranger ${times.stranger.toFixed(0)} ms`)
  assert.ok(ratio < RATIO_MAX, `${ratio.toFixed(2)} times as long`)
})

/** How long many lines of one author take to be stored. */
async function timeOf(t: TestContext, isKnown: boolean): Promise<number> {
  const alice = await victim(t, 'alice')
  const peer = await HostilePeer.dial(alice.port)
  t.after(() => peer.end())
  peer.send(headsFrame([]))
  const author = new Author(peer.room, peer.keys)
  if (isKnown) alice.room.addressed(authorOf(peer.keys.hex) ?? assert.fail())
  const frames = author.lines('bob', FAST_LINES).map(segment => segmentsFrame([segment]))
  const from = performance.now()
  await peer.sendAll(frames)
  assert.ok(await until(alice.room, () => storedOf(alice.room, peer.keys.hex) === FAST_LINES, 60_000))
  const ms = performance.now() - from
  peer.end()
  await alice.room.close()
  return ms
}
