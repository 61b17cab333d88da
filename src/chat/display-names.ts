import type { Millis } from '../base/clock.js'
import { type AuthorId, isSigned } from '../log/format/author.js'
import { AHEAD_MS_MAX } from '../log/format/hybrid-clock.js'
import type { Message } from './kinds/message.js'
import { isPlace, isPlainName, shownName, shownPlace } from './shown-name.js'
import { skeletonOf } from './skeleton.js'

/** How a message's author is shown, and what is to be reported about them, once. */
export interface Label {
  readonly text: string
  readonly news: string | undefined
  /** Of a change of name: how the author was shown before, where that is known. */
  readonly before?: string
}

/** Somebody who is here. A connection whose peer has not said its name yet is called by its address. */
interface Called {
  readonly author: AuthorId | undefined
  readonly name: string
}

/** Names remembered; authors of further ones are shown with their key. */
const NAMES_MAX = 10_000

/** The first 8 digits of a key: enough for people to compare. */
export const shortKey = (author: AuthorId): string => author.slice(0, 8)

/** More than one key uses a name. */
const SHARED = 'shared'

/**
 * Who is shown by their name alone. A name is not an identity: where two keys use names that look alike, both are shown with
 * the short key, whoever was there first. The user's own key is always shown by the name alone, an author without a key as
 * unsigned. A label depends on the people noted so far, not on their order.
 */
export class DisplayNames {
  readonly #own: AuthorId
  readonly #users = new Map<string, AuthorId | typeof SHARED>()
  /** The name that each author's last message had. */
  readonly #called = new Map<AuthorId, string>()
  readonly #reported = new Set<string>()

  /** `me` is the own name, which is nobody else's. */
  constructor(me: string, own: AuthorId) {
    this.#own = own
    this.#users.set(skeletonOf(me), own)
  }

  /** Somebody uses a name. */
  note(author: AuthorId, name: string): void {
    if (!isSigned(author)) return
    const skeleton = skeletonOf(name)
    const user = this.#users.get(skeleton)
    if (user === undefined && this.#users.size < NAMES_MAX) this.#users.set(skeleton, author)
    else if (user !== undefined && user !== author) this.#users.set(skeleton, SHARED)
  }

  /**
   * Several people who are here at once use one name. A single one who has written nothing does not count: a program may
   * connect with another key than it writes with.
   */
  notePresent(people: Iterable<Called>): void {
    const first = new Map<string, AuthorId>()
    for (const { author, name } of people) {
      if (author === undefined || isPlace(name)) continue
      const other = first.get(skeletonOf(name))
      if (other === undefined) first.set(skeletonOf(name), author)
      else if (other !== author) {
        this.note(other, name)
        this.note(author, name)
      }
    }
  }

  /** Somebody who is here, as they are shown: with the key where the name is another's. */
  presentName({ author, name }: Called): string {
    if (author === undefined || isPlace(name)) return shownPlace(name)
    return this.#shown(author, name)
  }

  /** Somebody as they are shown under a name that they use. */
  nameOf(author: AuthorId, name: string): string {
    this.note(author, name)
    if (!isSigned(author)) return `${shownName(name)} (unsigned)`
    // Beyond NAMES_MAX names nobody is known to be alone.
    return this.#users.has(skeletonOf(name)) ? this.#shown(author, name) : `${shownName(name)} (${shortKey(author)})`
  }

  #shown(author: AuthorId, name: string): string {
    const isAlone = (this.#users.get(skeletonOf(name)) ?? author) === author || author === this.#own
    return isAlone && isPlainName(name) ? name : `${shownName(name)} (${shortKey(author)})`
  }

  labelOf(message: Message, now: Millis): Label {
    const { author, username, timeMs, isForked } = message
    const called = message.kind === 'nick' ? (this.#called.get(author) ?? message.before) : undefined
    const before = called === undefined ? undefined : this.nameOf(author, called)
    const name = this.nameOf(author, username)
    const isAhead = timeMs > now + AHEAD_MS_MAX
    if (this.#called.size < NAMES_MAX || this.#called.has(author)) this.#called.set(author, username)
    const marks = isSigned(author) ? `${isAhead ? ' (clock ahead)' : ''}${isForked ? ' (disputed)' : ''}` : ''
    const news = this.#sharingOf(author, username) ?? this.#aheadOf(author, name, isAhead)
    return { text: `${name}${marks}`, news, ...(before !== undefined && { before }) }
  }

  /** Whether another person's name begins so, or looks as if it did: the beginning alone tells the two apart no more. */
  hasOtherBeginning(author: AuthorId, beginning: string): boolean {
    const skeleton = skeletonOf(beginning)
    for (const [name, user] of this.#users) if (user !== author && name.startsWith(skeleton)) return true
    return false
  }

  #sharingOf(author: AuthorId, username: string): string | undefined {
    const skeleton = skeletonOf(username)
    if (!isSigned(author) || author === this.#own || this.#users.get(skeleton) !== SHARED) return undefined
    return this.#once(
      `name ${skeleton}`,
      `more than one person is called ${shownName(username)}: each is shown with the first digits of their key`,
    )
  }

  #aheadOf(author: AuthorId, name: string, isAhead: boolean): string | undefined {
    if (!isAhead) return undefined
    return this.#once(`clock ${author}`, `the clock of ${name} is far ahead: those lines are sorted last`)
  }

  #once(what: string, line: string): string | undefined {
    if (this.#reported.has(what)) return undefined
    if (this.#reported.size < NAMES_MAX) this.#reported.add(what)
    return line
  }
}
