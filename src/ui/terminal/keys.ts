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

/** Characters of one paste; any more are dropped. */
const PASTE_LENGTH_MAX = 1024 * 1024

/**
 * How long a paste may be silent before it is taken to have ended: its end mark can be lost with a connection. Shorter
 * where the last that came holds Ctrl-C, Ctrl-D or Ctrl-Z: a person wants to leave, unless more of the paste follows at once.
 */
const PASTE_SILENCE_MS = 1_000
const PASTE_LEAVING_MS = 100
const LEAVING = /[\u0003\u0004\u001a]/

/** How long after an escape the rest of a key's sequence is waited for. */
const ESCAPE_MS = 50

/** What a terminal sends, as keys and pastes. */
export class Keys extends EventEmitter<KeyEvents> {
  readonly #decoder = new StringDecoder('utf8')
  readonly #typed = new PassThrough({ encoding: 'utf8' })
  /** The text so far of a paste that has not ended. */
  #paste: string | undefined
  /** The last that came, which may be the beginning of a mark. */
  #held = ''
  /** Until an unfinished paste is taken to have ended. */
  #silence: NodeJS.Timeout | undefined
  /** The last bytes as text: a paste that is full already drops what it gets. */
  #last = ''
  /** Whether a paste was taken to have ended, and its end mark may come yet. */
  #isEndMissing = false

  constructor() {
    super()
    // Of the interface nothing but this time is used.
    emitKeypressEvents(this.#typed, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface)
    this.#typed.on('keypress', (text: string | undefined, key: RawKey) => this.emit('key', keyOf(text, key)))
  }

  /** Bytes from the terminal. */
  write(bytes: Uint8Array): void {
    clearTimeout(this.#silence)
    this.#last = this.#decoder.write(Buffer.from(bytes))
    this.#read(this.#held + this.#last)
    if (this.#paste === undefined) return
    const isLeaving = LEAVING.test(this.#last)
    this.#silence = setTimeout(() => this.endPaste(), isLeaving ? PASTE_LEAVING_MS : PASTE_SILENCE_MS)
  }

  /**
   * Ends a paste whose end mark has not come: what came of it is the paste, up to a Ctrl-C, Ctrl-D or Ctrl-Z, which is a key like
   * all that follows it.
   */
  endPaste(): void {
    clearTimeout(this.#silence)
    if (this.#paste === undefined) return
    const text = this.#paste + this.#held
    const end = text.search(LEAVING)
    const isFull = this.#paste.length === PASTE_LENGTH_MAX
    const keys = end !== -1 ? text.slice(end) : isFull ? this.#last.slice(this.#last.search(LEAVING)) : ''
    this.#paste = undefined
    this.#held = ''
    this.#isEndMissing = true
    if (end !== 0) this.emit('paste', end === -1 ? text : text.slice(0, end))
    if (LEAVING.test(keys)) this.#typed.write(keys)
  }

  #read(text: string): void {
    let rest = text
    this.#held = ''
    if (this.#isEndMissing && this.#paste === undefined) {
      // The rest of a paste that paused: not keys, for an Enter in it would send something.
      const end = rest.indexOf(PASTE_END)
      const start = rest.indexOf(PASTE_START)
      if (end !== -1 && (start === -1 || end < start)) this.#paste = ''
    }
    while (rest !== '') {
      const mark = this.#paste === undefined ? PASTE_START : PASTE_END
      const at = rest.indexOf(mark)
      if (at === -1) {
        this.#held = partOf(mark, rest)
        this.#take(rest.slice(0, rest.length - this.#held.length))
        return
      }
      this.#take(rest.slice(0, at))
      if (this.#paste !== undefined) {
        this.#isEndMissing = false
        this.emit('paste', this.#paste)
      }
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
