import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Duplex } from 'node:stream'

/** One of the programs that are compared: the same few things asked of each. */
export interface Contestant {
  /** Calls back when the entry is stored, as the program understands that. */
  append(text: string, done: () => void): void
  /** All that is there already, one call an entry. */
  readAll(onEntry: () => void): Promise<void>
  /** One side of a replication. */
  replicate(): Duplex
  /** Called for each entry that others wrote and that is stored here. */
  onStored(listener: (count: number) => void): void
  close(): Promise<void>
}

export type OpenContestant = (directory: string) => Promise<Contestant>

const WORDS =
  'after again all and any are back because been before boat book but call came can come day did does done down each even find first from get give good great hand has have he help her here him his home how if in is it its just keep know last late like line little long look made make many me men more most much must my name new no not now of off old on one only or other our out over own part people place put read right road said same saw say see she should show side small so some soon still such take tell than that the them then there these they thing think this time to too two under up us very wait want was way we well went were what when where which who will wind with word work would year yes you your'.split(
    ' ',
  )

/** A line of a chat, alike in every run: with its JSON about 120 bytes. */
export function entryText(index: number): string {
  let state = (index + 1) * 2_654_435_761
  let text = String(index)
  while (text.length < 66) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    text += ` ${WORDS[(state >>> 8) % WORDS.length]}`
  }
  return text
}

export function bytesOnDisk(directory: string): number {
  let bytes = 0
  for (const name of readdirSync(directory)) {
    const status = statSync(path.join(directory, name))
    bytes += status.isDirectory() ? bytesOnDisk(path.join(directory, name)) : status.size
  }
  return bytes
}
