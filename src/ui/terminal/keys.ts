import { EventEmitter } from 'node:events'
import { emitKeypressEvents, type Interface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** A pressed key. `text` is what it types, if anything. */
export interface Key {
  readonly name: string
  readonly text: string
  readonly ctrl: boolean
  readonly alt: boolean
}

interface KeyEvents {
  key: [Key]
  /** Pasted text, unchanged. */
  paste: [string]
}

/** Bracketed paste mode (xterm): the terminal marks where a paste begins and ends. */
export const PASTE_MODE_ON = '\u001b[?2004h'
export const PASTE_MODE_OFF = '\u001b[?2004l'
const PASTE_START = '\u001b[200~'
const PASTE_END = '\u001b[201~'

/** Maximum length of one paste. The rest is dropped. */
const PASTE_LENGTH_MAX = 1024 * 1024

/**
 * Silence after which a paste counts as ended, because its end mark can be lost with a connection. Shorter after Ctrl-C,
 * Ctrl-D or Ctrl-Z: the user wants to leave, unless more of the paste follows at once.
 */
const PASTE_SILENCE_MS = 1_000
const PASTE_LEAVING_MS = 100
const LEAVING = /[\u0003\u0004\u001a]/

/** Longest pause within an escape sequence. */
const ESCAPE_MS = 50

/** Parses the bytes from a terminal into keys and pastes. */
export class Keys extends EventEmitter<KeyEvents> {
  readonly #decoder = new StringDecoder('utf8')
  readonly #typed = new PassThrough({ encoding: 'utf8' })
  /** The text of the current paste, so far. */
  #paste: string | undefined
  /** The end of the input so far, if it may be the beginning of a mark. */
  #partialMark = ''
  /** Ends an unfinished paste. */
  #silence: NodeJS.Timeout | undefined
  /** The latest input as text: a paste that has reached its maximum length no longer collects it. */
  #last = ''
  /**
   * Whether nothing was read yet. Input typed before raw mode has line feeds for Enter, which would be taken as line breaks within one
   * message, so that a command after the first line would be sent as text.
   */
  #isFirst = true
  /** Whether a paste was ended by silence, and its end mark may follow. */
  #isEndMissing = false

  constructor() {
    super()
    // Node reads only this member of the interface.
    emitKeypressEvents(this.#typed, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface)
    this.#typed.on('keypress', (text: string | undefined, key: RawKey) => this.emit('key', keyOf(text, key)))
  }

  /** Parses bytes from the terminal. */
  write(bytes: Uint8Array): void {
    clearTimeout(this.#silence)
    this.#last = this.#decoder.write(Buffer.from(bytes))
    if (this.#isFirst && !this.#last.includes('\u001b')) this.#last = this.#last.replaceAll('\n', '\r')
    this.#isFirst = false
    this.#read(this.#partialMark + this.#last)
    if (this.#paste === undefined) return
    const isLeaving = LEAVING.test(this.#last)
    this.#silence = setTimeout(() => this.endPaste(), isLeaving ? PASTE_LEAVING_MS : PASTE_SILENCE_MS)
  }

  /**
   * Ends a paste whose end mark is missing. A Ctrl-C, Ctrl-D or Ctrl-Z in it, and all input after that, counts as typed.
   */
  endPaste(): void {
    clearTimeout(this.#silence)
    if (this.#paste === undefined) return
    const text = this.#paste + this.#partialMark
    const end = text.search(LEAVING)
    const isFull = this.#paste.length === PASTE_LENGTH_MAX
    const keys = end !== -1 ? text.slice(end) : isFull ? this.#last.slice(this.#last.search(LEAVING)) : ''
    this.#paste = undefined
    this.#partialMark = ''
    this.#isEndMissing = true
    if (end !== 0) this.emit('paste', end === -1 ? text : text.slice(0, end))
    if (LEAVING.test(keys)) this.#typed.write(keys)
  }

  #read(text: string): void {
    let rest = text
    this.#partialMark = ''
    if (this.#isEndMissing && this.#paste === undefined) {
      // The rest of a paste that paused. It is not read as keys, because an Enter in it would send a line.
      const end = rest.indexOf(PASTE_END)
      const start = rest.indexOf(PASTE_START)
      if (end !== -1 && (start === -1 || end < start)) this.#paste = ''
    }
    while (rest !== '') {
      const mark = this.#paste === undefined ? PASTE_START : PASTE_END
      const at = rest.indexOf(mark)
      if (at === -1) {
        this.#partialMark = beginningOf(mark, rest)
        this.#pass(rest.slice(0, rest.length - this.#partialMark.length))
        return
      }
      this.#pass(rest.slice(0, at))
      if (this.#paste !== undefined) {
        this.#isEndMissing = false
        this.emit('paste', this.#paste)
      }
      this.#paste = this.#paste === undefined ? '' : undefined
      rest = rest.slice(at + mark.length)
    }
  }

  #pass(text: string): void {
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

/** The longest suffix of `text` that is a prefix of `mark`; empty if that is the escape character alone, which is also a key. */
function beginningOf(mark: string, text: string): string {
  for (let length = Math.min(mark.length - 1, text.length); length > 1; length--)
    if (text.endsWith(mark.slice(0, length))) return text.slice(-length)
  return ''
}
