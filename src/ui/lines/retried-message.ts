import { rm } from 'node:fs/promises'
import type { Millis } from '../../base/clock.js'
import type { Seq } from '../../log/format/author.js'
import { loadFields, saveFields } from '../../session/saved-json.js'

/** A `--message` that is in the log, but was not delivered before its timeout. */
interface Undelivered {
  readonly message: string
  /** Its position in our log. */
  readonly seq: Seq
  readonly at: Millis
}

/** Time within which sending the same text again is a retry. */
const RETRY_MS = 60 * 60 * 1_000

/** Remembers the last undelivered message beside the database, so that a script can retry without sending it twice. */
export class RetriedMessage {
  readonly #file: string

  constructor(database: string) {
    this.#file = `${database}.message`
  }

  /** Whether `message` is our latest entry, and is undelivered. */
  isRetry(message: string, ownHead: Seq, now: Millis): boolean {
    const before = this.#read()
    return before?.message === message && before.seq === ownHead && now >= before.at && now - before.at < RETRY_MS
  }

  async failed(message: string, seq: Seq, at: Millis): Promise<void> {
    if (this.#read()?.seq === seq) return // RETRY_MS is counted from the first attempt
    await saveFields(this.#file, { message, seq, at }).catch(() => {}) // without the file, a retry sends the message again
  }

  async delivered(): Promise<void> {
    await rm(this.#file, { force: true }).catch(() => {})
  }

  #read(): Undelivered | undefined {
    const { message, seq, at } = loadFields(this.#file)
    return typeof message === 'string' && typeof seq === 'number' && typeof at === 'number'
      ? { message, seq, at }
      : undefined
  }
}
