import type { ContestantName } from './contestant.js'
import type { Datasets } from './dataset.js'

/** Of rates more is better; of all else less is. */
export type Unit = 'entries/s' | 'ms' | 'bytes' | 'MiB'

export interface Measure {
  readonly id: string
  /** What is measured, in words. */
  readonly what: string
  readonly unit: Unit
}

/** How much of everything. */
export interface Sizes {
  /** Entries of one author that are appended in bulk, read and fetched. */
  readonly entries: number
  readonly appends: number
  readonly singles: number
  readonly authors: number
  readonly latencies: number
  readonly flood: number
}

/** Something that every contestant is put to; `run` gives a figure for each measure, in their order. */
export interface Workload {
  readonly name: string
  measures(sizes: Sizes): readonly Measure[]
  run(name: ContestantName, datasets: Datasets, sizes: Sizes): Promise<readonly number[]>
}

/** How much, where `entries` are asked for. All but the bulk ends somewhere: each of it takes its time. */
export const sizesFor = (entries: number): Sizes => ({
  entries,
  appends: Math.min(1_000, entries),
  singles: Math.min(100_000, entries),
  authors: Math.min(100, Math.ceil(entries / 10)),
  latencies: Math.min(500, entries),
  flood: Math.min(50_000, entries),
})

/** Entries that each of several authors wrote. */
export const entriesByAuthor = ({ entries, authors }: Sizes): number => Math.min(1_000, Math.ceil(entries / authors))

export const perSecond = (entries: number, ms: number): number => (entries / ms) * 1_000

/** A whole number, as people write it. */
export const inWords = (count: number): string => count.toLocaleString('en')
