import { ChatError, reasonOf } from '../base/errors.js'
import { type Draft, draftOf, entryFieldsOf, plainTextOf } from '../chat/kinds/kinds.js'
import { ENTRY_BYTES_MAX } from '../log/limits.js'
import { UNACKNOWLEDGED_MAX } from './limits.js'

/** How much of a line an error message quotes. */
const NAMED_LENGTH = 40

/** Sends requests to a node. */
export interface RequestSender {
  say(number: number, acknowledged: number, draft: Draft): void
  acknowledge(acknowledged: number): void
}

interface Line {
  readonly draft: Draft
  readonly onStored: () => void
  readonly onRefused: (error: Error) => void
}

/**
 * Lines of one face on their way to the log, in order. A line without an answer is sent again to the next node; its number ensures
 * that it is stored once.
 */
export class Outbox {
  /** By number, in order. */
  readonly #lines = new Map<number, Line>()
  #sender: RequestSender | undefined
  /** The last number that was assigned, and the last that was sent over this connection. */
  #last = 0
  #sent = 0
  #refused = 0
  #firstRefused: string | undefined
  #onEmpty: (() => void)[] = []

  /** How many lines are unanswered. */
  get size(): number {
    return this.#lines.size
  }

  get unstored(): number {
    return this.#lines.size + this.#refused
  }

  get firstUnstored(): string | undefined {
    if (this.#firstRefused !== undefined) return this.#firstRefused
    for (const { draft } of this.#lines.values()) return plainTextOf(draft)
    return undefined
  }

  /** Resolves when the node has stored the line, and rejects when the node has rejected it. */
  add(said: Draft | string): Promise<void> {
    const draft = draftOf(said)
    return new Promise((onStored, onRefused) => {
      const line = { draft, onStored, onRefused }
      // A node closes a connection that sends a larger frame. Frames and entries escape a text in the same way.
      if (Buffer.byteLength(JSON.stringify(entryFieldsOf(draft))) > ENTRY_BYTES_MAX)
        return this.#refuse(line, new ChatError('BAD_MESSAGE', 'the message is longer than an entry may be'))
      this.#last++
      this.#lines.set(this.#last, line)
      this.#send()
    })
  }

  /** Resolves when every line is answered. */
  async emptied(): Promise<void> {
    if (this.#lines.size > 0) await new Promise<void>(resolve => void this.#onEmpty.push(resolve))
  }

  /** Sends lines to this node, starting with the first unanswered one. */
  connected(sender: RequestSender): void {
    this.#sender = sender
    this.#sent = this.#acknowledged
    this.#send()
  }

  disconnected(): void {
    this.#sender = undefined
  }

  answered(number: number, error: Error | undefined): void {
    const line = this.#lines.get(number)
    if (line === undefined) return // answered before
    this.#lines.delete(number)
    if (error === undefined) line.onStored()
    else this.#refuse(line, error)
    this.#send()
    if (this.#lines.size > 0) return
    this.#sender?.acknowledge(this.#last)
    for (const wake of this.#onEmpty.splice(0)) wake()
  }

  #refuse({ draft, onRefused }: Line, error: Error): void {
    const message = plainTextOf(draft)
    this.#refused++
    this.#firstRefused ??= message
    const code = error instanceof ChatError ? error.code : 'LOG_WRITE_FAILED'
    const reason = error instanceof ChatError ? error.toLine() : reasonOf(error)
    onRefused(new ChatError(code, `${reason} It began: ${message.slice(0, NAMED_LENGTH)}`, { cause: error }))
  }

  /** Every request up to this number is answered. */
  get #acknowledged(): number {
    for (const number of this.#lines.keys()) return number - 1
    return this.#last
  }

  #send(): void {
    const acknowledged = this.#acknowledged
    while (this.#sender !== undefined && this.#sent < Math.min(this.#last, acknowledged + UNACKNOWLEDGED_MAX)) {
      this.#sent++
      const line = this.#lines.get(this.#sent)
      if (line !== undefined) this.#sender.say(this.#sent, acknowledged, line.draft)
    }
  }
}
