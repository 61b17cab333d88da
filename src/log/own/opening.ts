import type { Random } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { Run, Seq } from '../format/author.js'
import { CHAIN_PREFIX_BYTES } from '../format/heads.js'
import type { Hlc } from '../format/hybrid-clock.js'
import { RUNS_MAX } from '../limits.js'

// Our log continues in a new run whenever its end is in doubt. docs/protocol/logs.md §3.1, §3.6.

const GENERATION_MAX = 255
const CHANCE_BYTES = 3

/** How far an earlier run extends on this disk. */
export interface EarlierRun {
  readonly run: Run
  readonly seq: Seq
  readonly chain: Uint8Array
}

/** The generation of a run: higher than that of every run that its author knew. */
export const generationOf = (run: Run): number => run >>> (8 * CHANCE_BYTES)

/**
 * The number of a new run, higher than the known ones. Two machines that choose at the same time almost certainly choose different numbers.
 */
export function newRun(known: readonly Run[], random: Pick<Random, 'bytes'>): Run {
  const generation = Math.min(GENERATION_MAX, 1 + Math.max(0, ...known.map(generationOf)))
  const chance = Buffer.from(random.bytes(CHANCE_BYTES)).readUIntBE(0, CHANCE_BYTES)
  return generation * 2 ** (8 * CHANCE_BYTES) + chance
}

/** The text of the first entry of a run: a control entry. `admission` readmitted its author to a private room. */
export function openingText(at: Hlc, earlier: readonly EarlierRun[], admission?: string): string {
  const runs = earlier
    .toSorted((a, b) => a.run - b.run)
    .slice(0, RUNS_MAX)
    .map(({ run, seq, chain }) => [run, seq, hexOf(chain.subarray(0, CHAIN_PREFIX_BYTES))])
  const admitted = admission === undefined ? '' : `"admission":"${admission}",`
  return `{"at":"${at}","type":"open","runs":${JSON.stringify(runs)},${admitted}"username":"","message":""}`
}
