import type { Millis } from '../base/clock.js'
import { sanitise } from '../base/sanitise.js'
import type { At } from '../log/at.js'
import { isAhead } from '../log/at.js'
import { type AuthorId, isSigned } from '../log/author.js'
import type { Message } from './message.js'

/** How a message's author is shown, and what is to be said aloud about him, once. */
export interface Label {
  readonly text: string
  readonly news: string | undefined
}

/** Names remembered; more come and go without being remembered, and are then shown with their key. */
const NAMES_MAX = 10_000

/** The first 8 digits of a key: enough for people to compare. */
export const shortKey = (author: AuthorId): string => author.slice(0, 8)

/**
 * Who may be shown by his name alone. A name is not an identity: the first key that is seen with a name has it, another
 * one with the same name is shown with its short key, and an author without a key as unsigned.
 */
export class Names {
  readonly #owners = new Map<string, AuthorId>()
  readonly #told = new Set<string>()

  /** `me` is the own name, which is nobody else's. */
  constructor(me: string, own: AuthorId) {
    this.#owners.set(fold(me), own)
  }

  labelOf({ author, username, at, isDisputed }: Message, now: Millis): Label {
    const name = sanitise(username)
    const ahead = this.#aheadOf(author, name, at, now)
    if (!isSigned(author)) return { text: `${name} (unsigned)`, news: ahead || undefined }
    const folded = fold(name)
    if (!this.#owners.has(folded) && this.#owners.size < NAMES_MAX) this.#owners.set(folded, author)
    const isOwner = this.#owners.get(folded) === author
    const mark = `${ahead === undefined ? '' : ' (clock ahead)'}${isDisputed ? ' (disputed)' : ''}`
    if (isOwner) return { text: `${name}${mark}`, news: ahead || undefined }
    const news = this.#once(
      `key ${author} ${folded}`,
      `another ${name}, with the key ${shortKey(author)}…, is not the ${name} known before`,
    )
    return { text: `${name} (${shortKey(author)})${mark}`, news: news ?? (ahead || undefined) }
  }

  #aheadOf(author: AuthorId, name: string, at: At, now: Millis): string | undefined {
    if (!isAhead(at, now)) return undefined
    return this.#once(`clock ${author}`, `the clock of ${name} is far ahead: those lines stand at the end`) ?? ''
  }

  #once(what: string, line: string): string | undefined {
    if (this.#told.has(what)) return undefined
    if (this.#told.size < NAMES_MAX) this.#told.add(what)
    return line
  }
}

/** Names that look alike are one name. */
const fold = (name: string): string => name.normalize('NFKC').toLowerCase()
