import type { Clock, Millis } from '../../base/clock.js'
import type { LogContents } from '../../log/content/log-contents.js'
import type { LogId, Seq } from '../../log/format/author.js'
import { isStub } from '../../log/format/packed.js'
import type { PlaceRange, Places } from '../../log/format/places.js'
import type { Log } from '../../log/log.js'

/** How many lines are fetched before others are dropped. Who lacks a fraction f of them passes with a probability of (1 - f)⁸. */
const SAMPLE = 8
/** How long to wait for them, without any that arrives. */
const SILENCE_MS: Millis = 10_000

interface ServedSampleParts {
  readonly log: Pick<Log, 'on' | 'off'> & {
    readonly contents: Pick<LogContents, 'read' | 'add' | 'dropAll' | 'restore'>
  }
  readonly clock: Clock
  /** At least 0, and below 1. Unpredictable to peers: otherwise one could store the sample only. */
  readonly random: () => number
}

/** Checks that peers serve the lines that they say they have: drops a few of these lines, and fetches them back. */
export class ServedSample {
  readonly #parts: ServedSampleParts
  #isClosed = false
  #endWait = (): void => {}

  constructor(parts: ServedSampleParts) {
    this.#parts = parts
  }

  /** Ends the wait for lines. */
  close(): void {
    this.#isClosed = true
    this.#endWait()
  }

  /** Whether peers serve random lines of a log among `places`. If not, the lines are stored here again. */
  async isServed(log: LogId, places: Places): Promise<boolean> {
    const { contents } = this.#parts.log
    const sample = this.#sampleOf(places)
    const kept = await Promise.all(sample.map(range => contents.read(log, range)))
    await contents.dropAll(log, sample, 'kept-out')
    await contents.restore(log, sample, 'kept-out')
    try {
      return await this.#arrive(log, sample)
    } finally {
      for (const [index, { from }] of sample.entries())
        if (await this.#isMissing(log, from)) await contents.add(log, { first: from, entries: kept[index] ?? [] })
    }
  }

  #sampleOf(places: Places): readonly PlaceRange[] {
    const sample = new Map<Seq, PlaceRange>()
    for (let draw = 0; draw < SAMPLE; draw++) {
      let left = Math.floor(this.#parts.random() * places.count)
      for (const { from, to } of places.ranges) {
        if (left < to - from) {
          sample.set(from + left, { from: from + left, to: from + left + 1 })
          break
        }
        left -= to - from
      }
    }
    return [...sample.values()].sort((a, b) => a.from - b.from)
  }

  /** Resolves with true when all lines of the sample have arrived; with false when none has for SILENCE_MS. */
  async #arrive(log: LogId, sample: readonly PlaceRange[]): Promise<boolean> {
    while (!this.#isClosed) {
      const { arrived, end } = this.#nextArrival()
      const isMissing = await Promise.all(sample.map(({ from }) => this.#isMissing(log, from)))
      if (!isMissing.includes(true)) {
        end()
        return true
      }
      if (!(await arrived)) return false
    }
    return false
  }

  /** Resolves with whether contents arrived within SILENCE_MS. */
  #nextArrival(): { readonly arrived: Promise<boolean>; readonly end: () => void } {
    const { log, clock } = this.#parts
    let end = (): void => {}
    const arrived = new Promise<boolean>(resolve => {
      const ended = (hasArrived: boolean): void => {
        cancel()
        log.off('filled', onFilled)
        resolve(hasArrived)
      }
      const onFilled = (): void => ended(true)
      end = () => ended(false)
      const cancel = clock.after(SILENCE_MS, end)
      log.on('filled', onFilled)
    })
    this.#endWait = end
    return { arrived, end }
  }

  async #isMissing(log: LogId, seq: Seq): Promise<boolean> {
    const [entry] = await this.#parts.log.contents.read(log, { from: seq, to: seq + 1 })
    return entry === undefined || isStub(entry)
  }
}
