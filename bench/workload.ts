import type { ContestantName } from './contestant.js'
import type { Datasets } from './dataset.js'

/** Rates are better when higher, everything else when lower. */
type Unit = 'entries/s' | 'ms' | 'bytes' | 'MiB'

export interface Measure {
  readonly id: string
  /** Title in tables. */
  readonly what: string
  readonly unit: Unit
}

/** The amount of work. */
export interface Sizes {
  /** Entries of one author that are appended in bulk, read and fetched. */
  readonly entries: number
  readonly appends: number
  readonly singles: number
  readonly authors: number
  readonly latencies: number
  readonly flood: number
}

/** A task for every contestant. `run` resolves with one figure per measure, in order. */
export interface Workload {
  readonly name: string
  measures(sizes: Sizes): readonly Measure[]
  run(name: ContestantName, datasets: Datasets, sizes: Sizes): Promise<readonly number[]>
}

/** Sizes for a run with `entries`. The slow workloads are capped. */
export const sizesFor = (entries: number): Sizes => ({
  entries,
  appends: Math.min(1_000, entries),
  singles: Math.min(100_000, entries),
  authors: Math.min(100, Math.ceil(entries / 10)),
  latencies: Math.min(500, entries),
  flood: Math.min(50_000, entries),
})

/** Entries of each of several authors. */
export const entriesByAuthor = ({ entries, authors }: Sizes): number => Math.min(1_000, Math.ceil(entries / authors))

export const perSecond = (entries: number, ms: number): number => (entries / ms) * 1_000

/** A whole number with thousands separators. */
export const inWords = (count: number): string => count.toLocaleString('en')
