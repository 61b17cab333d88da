import { ChatError, reasonOf } from '../../base/errors.js'
import { type Draft, draftOf, plainTextOf } from '../../chat/kinds/kinds.js'
import { LINES_BYTES_MAX, LINES_MAX, UNACKNOWLEDGED_MAX, UNANSWERED_BYTES_MAX } from '../protocol/limits.js'

/** How much of a line an error message quotes. */
const NAMED_LENGTH = 40

/** Sends requests to a node. */
export interface RequestSender {
  /** Drafts as JSON, numbered from `first`. */
  say(first: number, acknowledged: number, drafts: readonly string[]): void
  acknowledge(acknowledged: number): void
}

interface Line {
  readonly draft: Draft
  readonly json: string
  readonly bytes: number
  readonly onStored: () => void
  readonly onRefused: (error: Error) => void
}

/**
 * The lines of one face that the node has not answered yet, in order. An unanswered line is sent again to the next
 * node; its request number ensures that it is stored once.
 */
export class FaceOutbox {
  /** Unanswered lines by request number, in order. */
  readonly #lines = new Map<number, Line>()
  #sender: RequestSender | undefined
  /** The last number that was assigned, and the last that was sent over this connection. */
  #last = 0
  #sent = 0
  /** Bytes of the lines that were sent over this connection and are unanswered. */
  #unanswered = 0
  #isSendingSoon = false
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
    const json = JSON.stringify(said)
    const bytes = Buffer.byteLength(json)
    return new Promise((onStored, onRefused) => {
      const line = { draft, json, bytes, onStored, onRefused }
      // A line above this limit is also too long for an entry, because both escape text in the same way. A larger frame
      // would end the connection.
      if (bytes > LINES_BYTES_MAX)
        return this.#refuse(line, new ChatError('BAD_MESSAGE', 'the message is longer than an entry may be'))
      this.#last++
      this.#lines.set(this.#last, line)
      if (this.#last - this.#sent < LINES_MAX) this.#sendSoon()
      else this.#send()
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
    this.#unanswered = 0
    this.#send()
  }

  disconnected(): void {
    this.#sender = undefined
  }

  /** The lines from `first` to `last` are stored, or were rejected with an error. */
  answered(first: number, last: number, error?: Error): void {
    for (let number = first; number <= Math.min(last, this.#last); number++) {
      const line = this.#lines.get(number)
      if (line === undefined) continue // answered before
      this.#lines.delete(number)
      this.#unanswered -= line.bytes
      if (error === undefined) line.onStored()
      else this.#refuse(line, error)
    }
    this.#sendSoon()
    if (this.#lines.size === 0) for (const wake of this.#onEmpty.splice(0)) wake()
  }

  /** Acknowledges all answers. Needed only if no more lines follow, because lines carry the acknowledgement. */
  acknowledge(): void {
    this.#sender?.acknowledge(this.#acknowledged)
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

  /** Sends the lines of one turn of the event loop in one frame. */
  #sendSoon(): void {
    if (this.#isSendingSoon) return
    this.#isSendingSoon = true
    process.nextTick(() => {
      this.#isSendingSoon = false
      this.#send()
    })
  }

  #send(): void {
    const acknowledged = this.#acknowledged
    const end = Math.min(this.#last, acknowledged + UNACKNOWLEDGED_MAX)
    while (this.#sender !== undefined && this.#sent < end && this.#unanswered < UNANSWERED_BYTES_MAX) {
      const first = this.#sent + 1
      const drafts = this.#framed(first, end)
      this.#sent += Math.max(1, drafts.length)
      if (drafts.length > 0) this.#sender.say(first, acknowledged, drafts)
    }
  }

  /** The unanswered lines from `first` on that fit into one frame. */
  #framed(first: number, end: number): string[] {
    const drafts: string[] = []
    let bytes = 0
    for (let number = first; number <= Math.min(end, this.#sent + LINES_MAX); number++) {
      const line = this.#lines.get(number)
      if (line === undefined || bytes + line.bytes > LINES_BYTES_MAX) break
      bytes += line.bytes
      drafts.push(line.json)
    }
    this.#unanswered += bytes
    return drafts
  }
}
