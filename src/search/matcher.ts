import { bufferOf } from '../base/wire/bytes.js'
import type { Message } from '../chat/kinds/message.js'
import type { AuthorId } from '../log/format/author.js'
import type { Phrase, Query } from './query.js'
import { fold, wordsOf } from './words.js'

/** Shortest beginning of a key that identifies somebody. */
const KEY_DIGITS_MIN = 4
const ASCII_WORD = /^[a-z0-9]+$/

/** Decides which lines match a query. */
export class Matcher {
  readonly #query: Query
  /** The keys that the user has bound to the names in `from:`. */
  readonly #named: ReadonlySet<AuthorId>
  /** ASCII words of the query: an entry in ASCII whose bytes lack one of them cannot match. */
  readonly #needles: readonly string[]

  constructor(query: Query, keysNamed: (name: string) => readonly AuthorId[]) {
    this.#query = query
    this.#named = new Set(query.from.flatMap(keysNamed))
    this.#needles = query.phrases.flatMap(({ words }) => words).filter(word => ASCII_WORD.test(word))
  }

  /** Whether an entry is worth decoding: false only if its text cannot have the words. */
  mayMatch(entry: Uint8Array): boolean {
    if (this.#needles.length === 0) return true
    const bytes = bufferOf(entry).toString('latin1')
    const text = bytes.toLowerCase()
    if (this.#needles.every(needle => text.includes(needle))) return true
    // Accents and width are folded too, so every entry with non-ASCII characters is decoded.
    return bytes.includes('\\u') || /[\x80-\xff]/.test(bytes)
  }

  /** Whether the author and the time of a line match the query. */
  isFrom({ author, username, timeMs }: Message): boolean {
    const { from, sinceMs, beforeMs } = this.#query
    if (sinceMs !== undefined && timeMs < sinceMs) return false
    if (beforeMs !== undefined && timeMs >= beforeMs) return false
    return from.length === 0 || this.mayBeOf(author) || from.includes(fold(username))
  }

  /**
   * Whether `from:` matches an author, by a name that the user has bound to the author's key or by the beginning of the
   * key.
   */
  mayBeOf(author: AuthorId): boolean {
    return (
      this.#named.has(author) || this.#query.from.some(name => name.length >= KEY_DIGITS_MIN && author.startsWith(name))
    )
  }

  /** Whether a text matches the phrases of the query. */
  hasText(text: string): boolean {
    const { phrases, excluded } = this.#query
    if (phrases.length === 0 && excluded.length === 0) return true
    const words = wordsOf(text)
    return phrases.every(phrase => isIn(phrase, words)) && !excluded.some(phrase => isIn(phrase, words))
  }
}

function isIn({ words, isPrefix }: Phrase, text: readonly string[]): boolean {
  const last = words.length - 1
  for (let start = 0; start + last < text.length; start++)
    if (
      words.every((word, index) => {
        const found = text[start + index]
        return index === last && isPrefix ? found?.startsWith(word) === true : found === word
      })
    )
      return true
  return false
}
