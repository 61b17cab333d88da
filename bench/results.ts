import type { ContestantName } from './contestant.js'
import type { Machine } from './machine.js'
import { median } from './median.js'
import type { Measure, Sizes } from './workload.js'

type Figures<T> = Readonly<Partial<Record<ContestantName, T>>>

/** The figures of one measure. */
export interface Row extends Measure {
  readonly better: 'more' | 'less'
  readonly medians: Figures<number>
  /** Our median divided by the median of each other contestant. */
  readonly ratios: Figures<number>
  readonly runs: Figures<readonly number[]>
}

/** The results of one benchmark run, as saved in bench/results. */
export interface Results {
  /** End of the run, in ISO 8601. */
  readonly time: string
  readonly commit: string
  readonly versions: Figures<string>
  readonly machine: Machine
  readonly sizes: Sizes
  readonly rows: readonly Row[]
}

/** Significant digits of a figure; the rest is noise. */
const DIGITS = 5

/** Collects the figures of all runs by measure and contestant. */
export class Tally {
  readonly #measures = new Map<string, Measure>()
  readonly #runs = new Map<string, Map<ContestantName, number[]>>()

  note(measure: Measure, name: ContestantName, figure: number): void {
    this.#measures.set(measure.id, measure)
    const runs = this.#runs.get(measure.id) ?? new Map<ContestantName, number[]>()
    runs.set(name, [...(runs.get(name) ?? []), Number(figure.toPrecision(DIGITS))])
    this.#runs.set(measure.id, runs)
  }

  get rows(): Row[] {
    return [...this.#measures.values()].map(measure => {
      const runs = [...(this.#runs.get(measure.id) ?? [])]
      const medians = runs.map(([name, figures]) => [name, median(figures)] as const)
      const ours = medians.find(([name]) => name === 'ours')?.[1] ?? Number.NaN
      const ratios = medians.flatMap(([name, other]) =>
        name === 'ours' ? [] : [[name, Number((ours / other).toPrecision(DIGITS))]],
      )
      return {
        ...measure,
        better: measure.unit === 'entries/s' ? 'more' : 'less',
        medians: Object.fromEntries(medians),
        ratios: Object.fromEntries(ratios),
        runs: Object.fromEntries(runs),
      }
    })
  }
}
