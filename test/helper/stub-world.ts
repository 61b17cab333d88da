import { type LogId, logOfKey } from '../../src/log/format/author.js'
import { stubsOf } from '../../src/log/format/chain.js'
import type { Entry } from '../../src/log/format/entry.js'
import type { SignedRun } from '../../src/log/format/segment-plan.js'
import type { Log } from '../../src/log/log.js'
import type { ReadOptions } from '../../src/log/options.js'
import type { WrittenLog } from './signed-world.js'

export const idOf = (written: WrittenLog): LogId => logOfKey(written.keys.publicKey, written.name.run)

/** A run in which the entries at these seqs are stubs. */
export function withStubs(
  { first, entries, signature, before }: SignedRun,
  isStub: (seq: number) => boolean,
): SignedRun {
  const stubs = stubsOf(entries)
  return {
    first,
    signature,
    entries: entries.map((entry, index) => (isStub(first + index) ? (stubs[index] as Uint8Array) : entry)),
    ...(before !== undefined && { before }),
  }
}

/** What a reader is shown: seqs, and places without content as text. */
export const shownAs = ({ seq, gap }: Entry): string =>
  gap === undefined ? `${seq}` : `${seq}+${gap.count} ${gap.state}`

export async function read(log: Log, options: ReadOptions = {}): Promise<string[]> {
  const shown: string[] = []
  for await (const entries of log.read(options)) shown.push(...entries.map(shownAs))
  return shown
}
