import { textOf, utf8 } from '../../base/wire/bytes.js'
import { LINE_BYTES_MAX } from './limits.js'
import { LineReader } from './line-reader.js'
import { SentMessages } from './sent-messages.js'

/** A connection, in either direction. */
export type ConnectionId = number

export type Effect =
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'send'; readonly to: ConnectionId; readonly line: Uint8Array }
  | { readonly kind: 'close'; readonly connection: ConnectionId; readonly reason: string }
  /** The set of sent messages is full: the client must exit. */
  | { readonly kind: 'full' }

/** A client of the flooding network, without IO: methods return the effects to perform. */
export class Flood {
  readonly #sent: SentMessages
  readonly #readers = new Map<ConnectionId, LineReader>()
  #isFull = false

  constructor(sent: SentMessages = new SentMessages()) {
    this.#sent = sent
  }

  connected(connection: ConnectionId): void {
    this.#readers.set(connection, new LineReader(LINE_BYTES_MAX))
  }

  disconnected(connection: ConnectionId): void {
    this.#readers.delete(connection)
  }

  /** A line of at most LINE_BYTES_MAX bytes, without its end. */
  typed(line: string): Effect[] {
    return this.#handle(textOf(utf8(line)) ?? '')
  }

  received(connection: ConnectionId, bytes: Uint8Array): Effect[] {
    const reader = this.#readers.get(connection)
    if (reader === undefined) return []
    const { lines, isTooLong } = reader.push(bytes)
    const effects: Effect[] = []
    for (const line of lines) {
      const text = textOf(line)
      if (text === undefined) return [...effects, ...this.#close(connection, 'it sent invalid UTF-8')]
      for (const effect of this.#handle(text)) effects.push(effect)
    }
    if (isTooLong) effects.push(...this.#close(connection, `it sent a line of over ${LINE_BYTES_MAX} bytes`))
    return effects
  }

  /** Handles a typed or received line: a new one is remembered, printed and sent on all connections. */
  #handle(line: string): Effect[] {
    // Removes all trailing carriage returns: if each client removed one, clients would print different texts.
    const text = line.replace(/\r+$/, '')
    if (text === '' || this.#isFull || this.#sent.has(text)) return []
    if (!this.#sent.add(text)) {
      this.#isFull = true
      return [{ kind: 'full' }]
    }
    const bytes = utf8(`${text}\n`)
    return [
      { kind: 'print', text },
      ...[...this.#readers.keys()].map((to): Effect => ({ kind: 'send', to, line: bytes })),
    ]
  }

  #close(connection: ConnectionId, reason: string): Effect[] {
    this.disconnected(connection)
    return [{ kind: 'close', connection, reason }]
  }
}
