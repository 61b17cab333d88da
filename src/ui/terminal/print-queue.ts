import type { Millis } from '../../base/clock.js'
import type { Message } from '../../chat/kinds/message.js'
import type { PendingLines } from './pending-lines.js'
import type { Preview } from './preview/preview.js'
import type { Printed, Transcript } from './transcript.js'

type NoticeKind = 'info' | 'alarm'

/**
 * Orders messages and notices for printing. Notices wait until the history is printed, and lines wait while an earlier one is
 * pending.
 */
export class PrintQueue {
  readonly #transcript: Transcript
  readonly #pending: PendingLines
  #lines: string[] = []
  /** Notices from before the history was complete; undefined afterwards. */
  #early: string[] | undefined = []

  constructor(transcript: Transcript, pending: PendingLines) {
    this.#transcript = transcript
    this.#pending = pending
  }

  get isHistoryPrinted(): boolean {
    return this.#early === undefined
  }

  /** Appends a rule above the history. */
  title(text: string): void {
    this.#lines.push(this.#transcript.rule(text))
  }

  history(message: Message, now: Millis, title: string | undefined): void {
    if (title !== undefined) this.#lines.push(this.#transcript.rule(title))
    this.#lines.push(this.#transcript.message(message, now, 'history').text)
  }

  endHistory(hint: string | undefined): void {
    this.#lines.push(...(this.#early ?? []))
    if (hint !== undefined) this.#lines.push(this.#transcript.notice(hint))
    this.#early = undefined
  }

  /** Appends a message that has arrived. */
  message(message: Message, now: Millis, origin: 'missed' | 'live'): Printed {
    const printed = this.#transcript.message(message, now, origin)
    this.#pending.push(printed)
    return printed
  }

  notice(line: string, kind: NoticeKind): void {
    const text = this.#transcript.notice(line, kind)
    if (this.#early !== undefined) this.#early.push(text)
    else this.#pending.push({ text })
  }

  rule(title: string): void {
    this.#pending.push({ text: this.#transcript.rule(title) })
  }

  list(row: string): void {
    this.#pending.push({ text: this.#transcript.listed(row) })
  }

  /** Appends a picture. */
  picture(preview: Preview): void {
    this.#pending.push(preview)
  }

  /** Appends old messages. A separate transcript lays them out, so that they do not affect which new lines are late. */
  quote(transcript: Transcript, title: string, messages: readonly Message[], end: string, now: Millis): void {
    this.rule(title)
    for (const message of messages) this.#pending.push({ text: transcript.message(message, now, 'history').text })
    this.rule(end)
  }

  /** The texts below the printed ones: they change as peers store the user's lines. */
  get pendingTexts(): readonly string[] {
    return this.#pending.texts
  }

  /** Removes the lines to print, and leaves at most `rowsMax` rows pending. */
  take(rowsMax: number, rowsOf: (text: string) => number): string[] {
    return [...this.#lines.splice(0), ...this.#pending.take(rowsMax, rowsOf)]
  }

  takeAll(): string[] {
    return [...this.#lines.splice(0), ...this.#pending.takeAll()]
  }
}
