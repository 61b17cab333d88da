import type { Millis } from '../base/clock.js'
import { type AuthorId, isSigned } from '../log/format/author.js'
import { AHEAD_MS_MAX } from '../log/format/hybrid-clock.js'
import type { Message } from './kinds/message.js'
import { isAddress, isPlainName, shownAddress, shownName } from './shown-name.js'
import { looksLatin, skeletonOf } from './skeleton.js'

/** How the author of a message is shown. */
export interface Label {
  readonly text: string
  /** A notice about the author that is shown once: a shared name, or a clock that is ahead. */
  readonly notice: string | undefined
  /** In a change of name, how the author was shown before, if known. */
  readonly before?: string
}

/** A person who is present. Until a peer announces a name, its name is the address of its connection. */
interface PresentPerson {
  readonly author: AuthorId | undefined
  readonly name: string
}

/** Largest number of names that are remembered; authors of further names are shown with their key. */
const NAMES_MAX = 10_000

/** The first 8 digits of a key: enough for people to compare. */
export const shortKey = (author: AuthorId): string => author.slice(0, 8)

/** Marks a name that more than one key uses. */
const SHARED = 'shared'

/** Shortest time between two notices of one kind, because strangers can cause them at will. */
const NOTICE_MS: Millis = 60_000

/** The keys that names are bound to, by skeleton. */
export type PinnedNames = ReadonlyMap<string, AuthorId>

/**
 * Labels authors. A name is not an identity: if two keys use names that look alike, both are shown with their short
 * key, whoever came first. If the name is bound to one of the keys, only that key is shown by name alone. The user is
 * shown by name alone, and an author without a key as unsigned. A label depends on the people noted so far, not on
 * their order.
 */
export class DisplayNames {
  readonly #ourId: AuthorId
  readonly #users = new Map<string, AuthorId | typeof SHARED>()
  /** The name in each author's latest message. */
  readonly #latestNames = new Map<AuthorId, string>()
  readonly #reported = new Set<string>()
  /** When a notice of each kind was last returned. */
  readonly #noticedAt = new Map<string, Millis>()
  readonly #pinned: () => PinnedNames

  /** `me` is the user's name; anyone else who uses it is shown with their key. `pinned` returns the names that are bound to keys. */
  constructor(me: string, ourId: AuthorId, pinned: () => PinnedNames = () => new Map()) {
    this.#ourId = ourId
    this.#pinned = pinned
    this.#users.set(skeletonOf(me), ourId)
  }

  /** Notes that an author uses a name. */
  note(author: AuthorId, name: string): void {
    if (!isSigned(author)) return
    const skeleton = skeletonOf(name)
    const user = this.#users.get(skeleton)
    if (user === undefined && this.#users.size < NAMES_MAX) this.#users.set(skeleton, author)
    else if (user !== undefined && user !== author) this.#users.set(skeleton, SHARED)
  }

  /**
   * Notes names that several present people share. A name that only one of them uses is noted once they write, because a
   * program may connect with one key and write with another.
   */
  notePresent(people: Iterable<PresentPerson>): void {
    const first = new Map<string, AuthorId>()
    for (const { author, name } of people) {
      if (author === undefined || isAddress(name)) continue
      this.suggest(author, name)
      const other = first.get(skeletonOf(name))
      if (other === undefined) first.set(skeletonOf(name), author)
      else if (other !== author) {
        this.note(other, name)
        this.note(author, name)
      }
    }
  }

  /** Notes the name of an author from a source other than their messages, which may all be deleted. */
  suggest(author: AuthorId, name: string): void {
    if (isSigned(author) && !this.#latestNames.has(author) && this.#latestNames.size < NAMES_MAX)
      this.#latestNames.set(author, name)
  }

  /** How a present person is shown: with the key if someone else uses the name. */
  presentName({ author, name }: PresentPerson): string {
    if (author === undefined || isAddress(name)) return shownAddress(name)
    return this.#shown(author, name)
  }

  /** How an author is shown under a name that they use. */
  nameOf(author: AuthorId, name: string): string {
    this.note(author, name)
    if (!isSigned(author)) return `${shownName(name)} (unsigned)`
    // When more than NAMES_MAX names are known, other users of the name may be forgotten.
    const isRemembered = this.#users.has(skeletonOf(name)) || this.#pinned().get(skeletonOf(name)) === author
    return isRemembered ? this.#shown(author, name) : `${shownName(name)} (${shortKey(author)})`
  }

  #shown(author: AuthorId, name: string): string {
    const isTheirs = author === this.#ourId || this.#owner(skeletonOf(name), author) === author
    return isTheirs && isPlainName(name) && (!looksLatin(name) || author === this.#ourId)
      ? name
      : `${shownName(name)} (${shortKey(author)})`
  }

  /**
   * The author who is shown by name alone: the user, the key that the name is bound to, or the only author who uses the
   * name.
   */
  #owner(skeleton: string, author: AuthorId): AuthorId | typeof SHARED {
    const user = this.#users.get(skeleton)
    if (user === this.#ourId) return user
    return this.#pinned().get(skeleton) ?? user ?? author
  }

  labelOf(message: Message, now: Millis): Label {
    const { author, timeMs } = message
    const username = message.kind === 'delete' ? this.#latestNames.get(author) : message.username
    // A deletion contains no name. An author whose name is unknown is shown by the key alone.
    if (username === undefined) return { text: shortKey(author), notice: undefined }
    const former = message.kind === 'nick' ? (this.#latestNames.get(author) ?? message.before) : undefined
    const before = former === undefined ? undefined : this.nameOf(author, former)
    const name = this.nameOf(author, username)
    const isClockAhead = timeMs > now + AHEAD_MS_MAX
    if (this.#latestNames.size < NAMES_MAX || this.#latestNames.has(author)) this.#latestNames.set(author, username)
    const mark = isClockAhead ? ' (clock ahead)' : message.isAhead ? ' (dated ahead)' : ''
    const shown = isPlainName(username) ? name : shortKey(author)
    const notice =
      this.#sharedNameNotice(author, username, now) ?? (mark === '' ? undefined : this.#aheadNotice(author, shown, now))
    return { text: `${name}${isSigned(author) ? mark : ''}`, notice, ...(before !== undefined && { before }) }
  }

  /** Whether another author's name starts with `beginning`, or looks like it, so that a truncated name would be ambiguous. */
  hasOtherBeginning(author: AuthorId, beginning: string): boolean {
    const skeleton = skeletonOf(beginning)
    for (const [name, user] of this.#users) if (user !== author && name.startsWith(skeleton)) return true
    return false
  }

  #sharedNameNotice(author: AuthorId, username: string, now: Millis): string | undefined {
    const skeleton = skeletonOf(username)
    if (!isSigned(author) || author === this.#ourId || this.#users.get(skeleton) !== SHARED) return undefined
    const pinned = this.#pinned().get(skeleton)
    if (pinned === author) return undefined
    const name = isPlainName(username) ? `the name ${username}` : 'one name'
    const line =
      pinned === undefined
        ? `several people use ${name}: each is shown with the first digits of their key`
        : `somebody other than the person you know uses ${name}, and is shown as ${this.#shown(author, username)}`
    return this.#once('name', skeleton, line, now)
  }

  #aheadNotice(author: AuthorId, name: string, now: Millis): string | undefined {
    const line = `lines of ${name} are dated ahead of this computer's clock: they sort last`
    return this.#once('clock', author, line, now)
  }

  /**
   * Returns each notice once, and at most one of a kind per NOTICE_MS. A suppressed notice may be returned for a later
   * line.
   */
  #once(kind: string, about: string, line: string, now: Millis): string | undefined {
    const key = `${kind} ${about}`
    const before = this.#noticedAt.get(kind)
    if (this.#reported.has(key) || (before !== undefined && Math.abs(now - before) < NOTICE_MS)) return undefined
    if (this.#reported.size < NAMES_MAX) this.#reported.add(key)
    this.#noticedAt.set(kind, now)
    return line
  }
}
