import assert from 'node:assert/strict'
import path from 'node:path'
import { writeArchive } from '../attack/room-archive.js'
import { speeds } from '../attack/speeds.js'
import { storedOf, until, victim } from '../attack/victims.js'
import { openChat, startChat } from '../helper/chat-process.js'
import type { Cleanup } from '../helper/child.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { cleanedUp, type LongRun } from './long-run.js'

const AUTHORS = 100
const LINES = 200
const LINE_CHARS = 10_000
const FAST_LINES = 1_000_000
const RATIO_MAX = 1.2
const WAIT_MS = 900_000

/** Checks at full size that the limits on strangers cost nothing to strangers who follow the protocol. */
export const honestStrangers: LongRun = {
  name: 'honest-strangers',
  shows: 'a newcomer gets all 200 MB of 100 authors, and a million lines of a stranger come at full speed',
  cycles: 2,
  async run({ cycles, seed }) {
    const texts: string[] = []
    const seconds = await cleanedUp(newcomer).catch(error => {
      texts.push(String(error))
      return 0
    })
    const times = await cleanedUp(cleanup => speeds(cleanup, { lines: FAST_LINES, rounds: cycles }))
    const ratio = times.stranger / times.known
    if (ratio > RATIO_MAX) texts.push(`lines of a stranger took ${ratio.toFixed(2)} times as long`)
    return {
      figures: {
        'MB for the newcomer': (AUTHORS * LINES * LINE_CHARS) / 1_000_000,
        'seconds until the newcomer had them': Math.round(seconds),
        lines: FAST_LINES,
        'ms of a known person': Math.round(times.known),
        'ms of a stranger': Math.round(times.stranger),
      },
      faults: texts.map(text => ({ seed, cycles, text })),
    }
  },
}

/** alice's process has the logs of many authors; bob, whom she did not name, dials her. Resolves with the time in seconds. */
async function newcomer(cleanup: Cleanup): Promise<number> {
  const data = await temporaryDirectory(cleanup)
  const file = path.join(data, 'room.logs')
  const authors = await writeArchive(file, { authors: AUTHORS, lines: LINES, lineChars: LINE_CHARS })
  const imported = await startChat(cleanup, ['import', 'alice', file, '--data', data]).exited
  assert.equal(imported.code, 0)
  const chat = await openChat(cleanup, {
    me: 'alice',
    data,
    listen: '127.0.0.1:0',
    peers: ['127.0.0.1:9'],
    options: ['--last', '1'],
  })
  const listening = await chat.waitForLine(/listening on \S+:\d+/, { stream: 'stderr' })
  const from = performance.now()
  const bob = await victim(cleanup, 'bob', { peers: [/listening on (\S+:\d+)/.exec(listening)?.[1] ?? ''] })
  const hasAll = (): boolean => authors.every(({ keys }) => storedOf(bob.room, keys.hex) === LINES)
  const ended = chat.exited.then(({ code, signal }) =>
    assert.fail(`alice ended with ${code ?? signal}\n${chat.transcript().slice(-2_000)}`),
  )
  const isWhole = await Promise.race([until(bob.room, hasAll, WAIT_MS), ended])
  assert.ok(isWhole, `the newcomer has ${bob.room.heads.length} logs`)
  return (performance.now() - from) / 1000
}
