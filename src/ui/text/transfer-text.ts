import type { Millis } from '../../base/clock.js'
import { sizeText } from '../../chat/size-text.js'
import type { FileProgress } from '../../node/files/download.js'

/** Over how much time the rate is measured. */
const RATE_MS: Millis = 5_000

interface Sample {
  readonly at: Millis
  readonly bytes: number
}

/** The progress of a file in words, with its rate and the remaining time. */
export class TransferText {
  readonly #now: () => Millis
  #samples: readonly Sample[] = []

  constructor(now: () => Millis) {
    this.#now = now
  }

  /** `3.4 MB of 1.2 GB, 8.1 MB/s, 2 min left`. */
  of({ bytes, of }: FileProgress): string {
    const at = this.#now()
    // Keeps the newest sample that is old enough, to compare with.
    const old = this.#samples.filter(sample => at - sample.at > RATE_MS).slice(-1)
    this.#samples = [...old, ...this.#samples.filter(sample => at - sample.at <= RATE_MS), { at, bytes }]
    const [first] = this.#samples
    const done = `${sizeText(bytes)} of ${sizeText(of)}`
    const ms = first === undefined ? 0 : at - first.at
    if (first === undefined || ms < 500 || bytes <= first.bytes) return done
    const perSecond = ((bytes - first.bytes) * 1_000) / ms
    return `${done}, ${sizeText(Math.round(perSecond))}/s, ${leftText((of - bytes) / perSecond)}`
  }
}

/** `40 s left`, `12 min left`, `3 h left`. */
function leftText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s left`
  return seconds < 5_400 ? `${Math.ceil(seconds / 60)} min left` : `${Math.ceil(seconds / 3_600)} h left`
}
