import { InvalidArgumentError, Option } from 'commander'
import { systemRandom } from '../../base/random.js'
import { wholeNumber } from '../option-values.js'

/** The options that all simulations share, as given on the command line. */
export interface SimulationFlags {
  readonly seed?: number | undefined
  readonly delay: { readonly min: number; readonly max: number }
  readonly json?: boolean | undefined
}

export const seedOption = (): Option =>
  new Option('--seed <n>', 'the same seed gives the same run (default: a new one each time)').argParser(wholeNumber)

/** The option for the delay of a `what`, of at least `min` milliseconds. */
export const delayOption = (what: string, example: string, min: number): Option =>
  new Option('--delay <ms>', `delay of a ${what}, as ${example} or 1-30`)
    .argParser(text => {
      const [, first = '', second = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? []
      const isRange =
        first !== '' && Number(first) >= min && Number(second) >= Number(first) && Number(second) <= 60_000
      if (!isRange) throw new InvalidArgumentError(`Expected milliseconds, as in 5 or 1-30, from ${min} to 60000.`)
      return { min: Number(first), max: Number(second) }
    })
    .default({ min: 1, max: 30 }, '1-30')

export const simulationOptionsOf = ({ seed, delay, json }: SimulationFlags) => ({
  seed: seed ?? Math.floor(systemRandom.number() * 1_000_000),
  delayMsMin: delay.min,
  delayMsMax: delay.max,
  isJson: json ?? false,
})
