import assert from 'node:assert/strict'
import { authorOf } from '../../src/log/format/author.js'
import type { Cleanup } from '../helper/child.js'
import { Author } from './author.js'
import { headsFrame, segmentsFrame } from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { storedOf, until, victim } from './victims.js'

/** Shortest times in which many lines of a known person and of a stranger are stored, measured in turns. */
export async function speeds(
  cleanup: Cleanup,
  { lines, rounds }: { readonly lines: number; readonly rounds: number },
): Promise<{ readonly known: number; readonly stranger: number }> {
  const times = { known: Number.POSITIVE_INFINITY, stranger: Number.POSITIVE_INFINITY }
  for (let round = 0; round < rounds; round++)
    for (const kind of ['known', 'stranger'] as const)
      times[kind] = Math.min(times[kind], await timeOf(cleanup, lines, kind === 'known'))
  return times
}

/** How long many lines of one author take to be stored. */
async function timeOf(cleanup: Cleanup, lines: number, isKnown: boolean): Promise<number> {
  const alice = await victim(cleanup, 'alice')
  const peer = await HostilePeer.dial(alice.port)
  cleanup.after(async () => peer.end())
  peer.send(headsFrame([]))
  const author = new Author(peer.room, peer.keys)
  if (isKnown) alice.room.addressed(authorOf(peer.keys.hex) ?? assert.fail())
  const frames = author.lines('bob', lines).map(segment => segmentsFrame([segment]))
  const from = performance.now()
  await peer.sendAll(frames)
  assert.ok(await until(alice.room, () => storedOf(alice.room, peer.keys.hex) === lines, 600_000), 'not all arrived')
  const ms = performance.now() - from
  peer.end()
  await alice.room.close()
  return ms
}
