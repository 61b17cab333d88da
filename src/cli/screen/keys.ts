import { EventEmitter } from 'node:events'
import { emitKeypressEvents, type Interface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** A key that was pressed. `text` is what it types, if anything. */
export interface Key {
  readonly name: string
  readonly text: string
  readonly ctrl: boolean
  readonly alt: boolean
}

interface KeyEvents {
  key: [Key]
  /** Text that was not typed but pasted, as it is. */
  paste: [string]
}

/** Asks the terminal to say where a paste begins and ends (xterm, "bracketed paste mode"), and not to any more. */
export const PASTE_MODE_ON = '\u001b[?2004h'
export const PASTE_MODE_OFF = '\u001b[?2004l'
const PASTE_START = '\u001b[200~'
const PASTE_END = '\u001b[201~'

/** Characters of one paste; what is beyond them is left out. */
const PASTE_LENGTH_MAX = 1024 * 1024

/** How long after an escape the rest of a key's sequence is waited for. */
const ESCAPE_MS = 50

/** What a terminal sends, as keys and pastes. */
export class Keys extends EventEmitter<KeyEvents> {
  readonly #decoder = new StringDecoder('utf8')
  readonly #typed = new PassThrough({ encoding: 'utf8' })
  /** What came of a paste that has not ended. */
  #paste: string | undefined
  /** The beginning of a paste's mark, perhaps. */
  #held = ''

  constructor() {
    super()
    // Of the interface nothing but this time is used.
    emitKeypressEvents(this.#typed, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface)
    this.#typed.on('keypress', (text: string | undefined, key: RawKey) => this.emit('key', keyOf(text, key)))
  }

  /** Bytes from the terminal. */
  write(bytes: Uint8Array): void {
    let rest = this.#held + this.#decoder.write(Buffer.from(bytes))
    this.#held = ''
    while (rest !== '') {
      const mark = this.#paste === undefined ? PASTE_START : PASTE_END
      const at = rest.indexOf(mark)
      if (at === -1) {
        this.#held = partOf(mark, rest)
        this.#take(rest.slice(0, rest.length - this.#held.length))
        return
      }
      this.#take(rest.slice(0, at))
      if (this.#paste !== undefined) this.emit('paste', this.#paste)
      this.#paste = this.#paste === undefined ? '' : undefined
      rest = rest.slice(at + mark.length)
    }
  }

  #take(text: string): void {
    if (text === '') return
    if (this.#paste !== undefined) this.#paste = (this.#paste + text).slice(0, PASTE_LENGTH_MAX)
    else this.#typed.write(text)
  }
}

interface RawKey {
  readonly name?: string | undefined
  readonly sequence: string
  readonly ctrl: boolean
  readonly meta: boolean
}

function keyOf(text: string | undefined, { name, ctrl, meta, sequence }: RawKey): Key {
  const isText = text !== undefined && !ctrl && !meta && !/^[\u0000-\u001f\u007f]/.test(sequence)
  return { name: name ?? '', text: isText ? text : '', ctrl, alt: meta }
}

/** The end of `text` that is the beginning of `mark`, if it is more than the escape that is also a key. */
function partOf(mark: string, text: string): string {
  for (let length = Math.min(mark.length - 1, text.length); length > 1; length--)
    if (text.endsWith(mark.slice(0, length))) return text.slice(-length)
  return ''
}
