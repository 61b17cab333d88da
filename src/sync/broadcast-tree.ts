import { RETRY_MS_MAX } from '../base/backoff.js'
import type { Cancel, Clock } from '../base/clock.js'
import { HEADS_MAX, NOTE_MS_MAX, STALL_MS_MAX } from '../base/limits.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { AUTHORS_MAX } from '../log/limits.js'

/** What can be said over a link about who is to send what. */
export interface ConnectionControl {
  /** What follows in this log is wanted here, now and from now on. */
  ask(author: AuthorId): void
  /** Of this log no more is wanted here, but to be told how far it goes. */
  stop(author: AuthorId): void
}

/** A log of which more is held elsewhere than here. */
interface Missing {
  /** How far it went here, and how much had come over the links that were asked, when it was looked at last. */
  held: Seq
  arrivals: number
  /** Since when it did not grow, in time that was waited. */
  idleMs: number
  waitMs: number
  cancel: Cancel
}

/**
 * Over which links the entries of each log come. Each peer tells what it holds, its author sends what is new in its own log,
 * and all else goes only to who asks for it: whoever lacks something asks one of those who told of it. So a tree grows for
 * each author, over which every peer gets each entry once; where a link ends or nothing comes, another is asked.
 * After Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees (SRDS 2007), grown by asking instead of flooding. PROTOCOL.md §5.5.
 */
export class BroadcastTree {
  readonly #clock: Clock
  readonly #held: (author: AuthorId) => Seq
  readonly #branches = new Set<TreeConnection>()
  readonly #missing = new Map<AuthorId, Missing>()

  /** `held` says how far a log goes here, with what is on its way to the disk. */
  constructor(clock: Clock, held: (author: AuthorId) => Seq) {
    this.#clock = clock
    this.#held = held
  }

  /**
   * A link opens. `peer` is the author at its other end, where that is proven: he sends his own entries unasked. A link to an
   * original has no `voice`: it brings what it brings.
   */
  open(peer: AuthorId | undefined, voice: ConnectionControl | undefined): TreeConnection {
    const branch = new TreeConnection(this, peer, voice)
    this.#branches.add(branch)
    return branch
  }

  /** The other end of a link holds more of a log than it did. */
  told(branch: TreeConnection, author: AuthorId): void {
    if (branch.held(author) <= this.#held(author)) return
    const missing = this.#missing.get(author)
    if (missing === undefined && this.#missing.size >= AUTHORS_MAX) return
    // Who only tells of it is not about to send it: if nobody else is, he is asked.
    if (!this.#isFed(author, branch) && !branch.isAsked(author)) branch.ask(author)
    if (missing === undefined) this.#missing.set(author, this.#watched(author))
    else if (missing.waitMs > NOTE_MS_MAX) this.#wait(author, missing, NOTE_MS_MAX)
  }

  /** Entries up to `last` came over a link. What is held already, and comes over another link too, is not wanted twice. */
  brought(branch: TreeConnection, author: AuthorId, last: Seq): void {
    if (last <= this.#held(author) && this.#isFed(author, branch)) branch.stop(author)
  }

  /** A link is gone: what it was to bring is asked of another. */
  close(branch: TreeConnection): void {
    this.#branches.delete(branch)
    for (const author of this.#missing.keys())
      if (branch.feeds(author) && !this.#isFed(author, branch)) this.#askNext(author)
  }

  /** Whether any other link is to bring what is new in a log. */
  #isFed(author: AuthorId, except: TreeConnection): boolean {
    for (const branch of this.#branches) if (branch !== except && branch.feeds(author)) return true
    return false
  }

  #watched(author: AuthorId): Missing {
    const held = this.#held(author)
    const cancel = this.#clock.after(NOTE_MS_MAX, () => this.#look(author))
    return { held, arrivals: this.#arrivals(author), idleMs: 0, waitMs: NOTE_MS_MAX, cancel }
  }

  #wait(author: AuthorId, missing: Missing, waitMs: number): void {
    missing.cancel()
    missing.waitMs = waitMs
    missing.cancel = this.#clock.after(waitMs, () => this.#look(author))
  }

  /** Looks whether what was told of is here, or is coming; else the next one is asked, after longer and longer waits. */
  #look(author: AuthorId): void {
    const missing = this.#missing.get(author)
    if (missing === undefined) return
    if (this.#tellers(author).length === 0) {
      this.#missing.delete(author)
      return
    }
    const [held, arrivals] = [this.#held(author), this.#arrivals(author)]
    missing.idleMs = held > missing.held ? 0 : missing.idleMs + missing.waitMs
    const isStalled = missing.idleMs >= STALL_MS_MAX
    const isComing = held > missing.held || (arrivals > missing.arrivals && !isStalled)
    if (!isComing) this.#askNext(author, isStalled)
    missing.held = held
    missing.arrivals = arrivals
    this.#wait(author, missing, isComing ? NOTE_MS_MAX : Math.min(RETRY_MS_MAX, missing.waitMs * 2))
  }

  /** Asks one of those who told of more and were not asked; where all were, and in vain, they are asked again in turn. */
  #askNext(author: AuthorId, isStalled = false): void {
    const tellers = this.#tellers(author)
    if (isStalled && tellers.every(branch => branch.isAsked(author)))
      for (const branch of tellers) branch.forget(author)
    tellers.find(branch => !branch.isAsked(author))?.ask(author)
  }

  /** The links over which it was told that more of a log is held than here. */
  #tellers(author: AuthorId): TreeConnection[] {
    const held = this.#held(author)
    return [...this.#branches].filter(branch => branch.held(author) > held)
  }

  #arrivals(author: AuthorId): number {
    return this.#tellers(author).reduce((sum, branch) => sum + (branch.isAsked(author) ? branch.arrivals : 0), 0)
  }
}

/** One link, as the tree sees it. */
export class TreeConnection {
  readonly #tree: BroadcastTree
  readonly #peer: AuthorId | undefined
  readonly #voice: ConnectionControl | undefined
  /** How far the other end told that it holds logs. */
  readonly #told = new Map<AuthorId, Seq>()
  /** What is to come over this link: asked for, or brought by an original. */
  readonly #fed = new Set<AuthorId>()
  #isPeerStopped = false
  #arrivals = 0

  constructor(tree: BroadcastTree, peer: AuthorId | undefined, voice: ConnectionControl | undefined) {
    this.#tree = tree
    this.#peer = peer
    this.#voice = voice
  }

  /** How often something came over this link. */
  get arrivals(): number {
    return this.#arrivals
  }

  /** How far the other end told that it holds a log. */
  held(author: AuthorId): Seq {
    return this.#told.get(author) ?? 0
  }

  isAsked(author: AuthorId): boolean {
    return this.#fed.has(author)
  }

  /** Whether what is new in a log is to come over this link. */
  feeds(author: AuthorId): boolean {
    return this.#fed.has(author) || (author === this.#peer && !this.#isPeerStopped)
  }

  /** The other end told how far it holds logs durably. */
  told(heads: readonly Digest[]): void {
    if (this.#voice === undefined) return
    for (const { author, seq } of heads) {
      const before = this.#told.get(author)
      if (before === undefined && this.#told.size >= HEADS_MAX) continue
      this.#told.set(author, seq)
      if (seq > (before ?? 0)) this.#tree.told(this, author)
    }
  }

  /** Entries up to `last` came over this link. */
  brought(author: AuthorId, last: Seq): void {
    this.#arrivals += 1
    if (this.#voice === undefined) {
      if (this.#fed.size < HEADS_MAX) this.#fed.add(author)
    } else this.#tree.brought(this, author, last)
  }

  ask(author: AuthorId): void {
    this.#fed.add(author)
    if (author === this.#peer) this.#isPeerStopped = false
    this.#voice?.ask(author)
  }

  stop(author: AuthorId): void {
    if (!this.feeds(author)) return
    this.forget(author)
    if (author === this.#peer) this.#isPeerStopped = true
    this.#voice?.stop(author)
  }

  /** It was asked for in vain: it may be asked for again. */
  forget(author: AuthorId): void {
    this.#fed.delete(author)
  }

  close(): void {
    this.#tree.close(this)
  }
}
