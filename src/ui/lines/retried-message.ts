import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Millis } from '../../base/clock.js'
import { draftBeside } from '../../base/files/draft-file.js'
import { systemRandom } from '../../base/random.js'
import type { Seq } from '../../log/format/author.js'

/** A `--message` that is in the log, but that no peer was known to have stored when its time was up. */
interface Undelivered {
  readonly message: string
  /** Where it is in the own log. */
  readonly seq: Seq
  readonly at: Millis
}

/** How long the same message counts as a retry, and not as another one with the same words. */
const RETRY_MS = 60 * 60 * 1_000

/** Remembers the last undelivered message beside the database, so that a script that tries again does not say it twice. */
export class RetriedMessage {
  readonly #file: string

  constructor(database: string) {
    this.#file = `${database}.message`
  }

  /** Whether `message` was said before, is the last own entry still, and has not been delivered. */
  isRetry(message: string, ownHead: Seq, now: Millis): boolean {
    const before = this.#read()
    return before?.message === message && before.seq === ownHead && now >= before.at && now - before.at < RETRY_MS
  }

  async failed(message: string, seq: Seq, at: Millis): Promise<void> {
    if (this.#read()?.seq === seq) return // the hour counts from the first time
    try {
      const draft = await draftBeside(this.#file, JSON.stringify({ message, seq, at }), systemRandom)
      await draft.replace(this.#file).catch(() => draft.discard())
    } catch {
      // A convenience: where it cannot be kept, a retry says the message again.
    }
  }

  async delivered(): Promise<void> {
    await rm(this.#file, { force: true }).catch(() => {})
  }

  #read(): Undelivered | undefined {
    try {
      const { message, seq, at } = JSON.parse(readFileSync(this.#file, 'utf8')) as Partial<Undelivered>
      return typeof message === 'string' && typeof seq === 'number' && typeof at === 'number'
        ? { message, seq, at }
        : undefined
    } catch {
      return undefined // there is none
    }
  }
}
