import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { Seq } from '../format/author.js'
import type { Members } from '../format/entry.js'
import type { SignedHead } from '../format/heads.js'
import type { Frontier } from '../frontier.js'
import { type Doubt, endsDoubt } from '../mark/doubt.js'
import type { OwnLog } from '../own/own-log.js'
import type { CommitQueue } from '../store/commit-queue.js'
import type { SegmentStore } from '../store/segment-store.js'
import type { Store } from '../store/store.js'
import { forgetRetracted, retract, retracted } from './retraction.js'

/** Claims of peers that are remembered while the end of the log is in doubt. */
const CLAIMS_MAX = 64

/** How long a peer that claims more of the own log may take to send it. */
const RESTORE_MS_MAX: Millis = 5_000

export interface RestorationParts {
  readonly clock: Clock
  readonly store: Store
  readonly queue: CommitQueue
  readonly segments: SegmentStore
  readonly ledger: Frontier
  readonly own: OwnLog
  readonly onWarning: (line: string) => void
  /** Own entries from a place on, with these lines, are taken back. */
  readonly onTakenBack: (from: Seq, lines: readonly Members[]) => void
}

/** What nothing is appended before: the end of a claim, or of a doubt. */
interface Wait {
  /** The log is awaited up to here. */
  to: Seq
  readonly done: Promise<void>
  /** Why it is not sure that this disk holds all of the log; undefined where only a peer claims that it does not. */
  readonly doubt: Doubt | undefined
  /** How far peers said that they hold the log, and did not send it yet. */
  readonly claims: Set<Seq>
  /** A claim has 5 s, and 5 s more after each piece that came. */
  readonly prolong: () => void
  readonly finish: () => void
}

/** The own log on its way back from peers: meanwhile nothing is appended, so that its author never forks. PROTOCOL.md §4.5. */
export class Restoration {
  readonly #parts: RestorationParts
  #current: Wait | undefined
  /** Whether own lines that were taken back wait to be said again; at first it is not known. */
  #hasRetracted = true
  #retractions = 0
  #takingBack: Promise<boolean> | undefined
  /** The doubt of which it was told that lines wait for its end. */
  #toldOf: Doubt | undefined

  constructor(parts: RestorationParts) {
    this.#parts = parts
  }

  get isOn(): boolean {
    return this.#current !== undefined
  }

  /** Why nothing is appended until a peer has said how far it holds the own log, if that is so. */
  get inDoubt(): Doubt | undefined {
    return this.#current?.doubt
  }

  /**
   * A peer says that it holds the own log up to `seq`, 0 for nothing of it. Where that is more than is here, it has 5 s to
   * send it; in a doubt, as long as it takes. Where it is not more, it may end a doubt.
   */
  heard(seq: Seq): void {
    const { own, onWarning } = this.#parts
    const end = own.head?.seq ?? 0
    const current = this.#current
    if (current === undefined) {
      if (seq <= own.offered) return
      onWarning(`a peer holds more of your own log than this disk: entries up to ${seq} are fetched back first`)
      this.#begin(seq, undefined).prolong()
      return
    }
    if (seq > end) {
      if (current.claims.size < CLAIMS_MAX) current.claims.add(seq)
      // Anybody can claim anything: words put off no deadline.
      if (current.doubt === undefined) current.to = Math.max(current.to, seq)
      return
    }
    if (current.doubt !== undefined && endsDoubt(current.doubt, end, seq)) this.#trust()
  }

  /** It is not sure that this disk holds all of the own log: nothing is appended before a peer, or the author, has said so. */
  doubt(doubt: Doubt): void {
    this.#parts.onWarning(`${wordsOf(doubt, this.#parts.own.head?.seq ?? 0)}: nothing is stored until ${WHAT_NOW}`)
    this.#begin(doubt.to, doubt)
  }

  /** A line waits: told once for each doubt, for its author sees nothing of it until it is stored. */
  hold(): void {
    const { doubt } = this.#current ?? {}
    if (doubt === undefined || doubt === this.#toldOf) return
    this.#toldOf = doubt
    this.#parts.onWarning(`what you say is not stored until ${WHAT_NOW}`)
  }

  /** The author says that nobody has more of the log than this disk. */
  async trustThisDisk(): Promise<void> {
    await this.#parts.own.forgetOffer()
    this.finish()
    await this.#parts.own.level()
  }

  /** More of the own log came back. */
  came(head: SignedHead | undefined): void {
    const { own, onWarning } = this.#parts
    const seq = head?.seq ?? 0
    own.reset(head, Math.max(own.offered, seq))
    const current = this.#current
    if (current === undefined) return
    const isSent = seq >= current.to || [...current.claims].some(claim => claim <= seq)
    const isAll = isSent && seq >= (current.doubt?.told ?? 0)
    if (!isAll) {
      if (current.doubt === undefined) current.prolong()
      return
    }
    onWarning(`your own log is back: it goes up to entry ${seq}`)
    this.#trust()
  }

  finish(): void {
    this.#current?.finish()
  }

  /** Resolves when the log may go on. */
  async wait(): Promise<void> {
    while (this.#current !== undefined) await this.#current.done
  }

  /** How often own lines were taken back: what was read of the own log before is no longer held. */
  get retractions(): number {
    return this.#retractions
  }

  /** Resolves when none are being taken back. */
  async takenBack(): Promise<void> {
    await this.#takingBack
  }

  /** Takes back own lines that nobody was told of; false where there are none. They wait for `sayAgain`. */
  takeBack(): Promise<boolean> {
    // Of two who ask at the same time the second would take back what came in their place.
    this.#takingBack ??= this.#takeBack().finally(() => {
      this.#takingBack = undefined
    })
    return this.#takingBack
  }

  async #takeBack(): Promise<boolean> {
    const { own, ledger, queue, segments, onTakenBack, onWarning } = this.#parts
    const { head, offered } = own
    if (head === undefined || head.seq <= offered) return false
    this.#retractions++
    const { writes, head: rest, lines } = await retract(segments, own, head)
    await queue.write(writes)
    own.reset(rest, offered)
    // What comes back from peers stands at the same places, and nobody here was shown it.
    ledger.put(own.author, rest, rest?.seq)
    onTakenBack(offered + 1, lines)
    onWarning(
      `entries ${offered + 1} to ${head.seq} of your log were on this disk only, and peers hold others there: yours get new numbers behind those`,
    )
    this.#hasRetracted = true
    await own.level()
    return true
  }

  /** Appends again what was taken back, by this run or by one before it. */
  async sayAgain(append: (members: Members) => Promise<unknown>): Promise<void> {
    if (!this.#hasRetracted) return
    this.#hasRetracted = false
    const retractions = this.#retractions
    try {
      const { own, store, segments } = this.#parts
      const lines = await retracted(store, segments, own)
      if (lines === undefined) return
      await Promise.all(lines.map(append))
      // Taken back once more meanwhile: then they wait again.
      if (retractions === this.#retractions) await this.#parts.queue.write([forgetRetracted(own.author)])
    } catch (error) {
      this.#hasRetracted = true
      throw error
    }
  }

  /** The log goes on where it ends here. */
  #trust(): void {
    this.finish()
    void this.#parts.own.level()
  }

  #begin(to: Seq, doubt: Doubt | undefined): Wait {
    this.#current?.finish()
    let release = (): void => {}
    const done = new Promise<void>(resolve => {
      release = resolve
    })
    const giveUp = (): void => {
      this.#parts.onWarning(
        'a peer claims more of your log than this disk holds, but did not send it: it is not waited for',
      )
      this.finish()
    }
    let cancel: Cancel = () => {}
    const wait: Wait = {
      to,
      done,
      doubt,
      claims: new Set(),
      prolong: () => {
        cancel()
        cancel = this.#parts.clock.after(RESTORE_MS_MAX, giveUp)
      },
      finish: () => {
        cancel()
        this.#current = undefined
        release()
      },
    }
    this.#current = wait
    return wait
  }
}

const WHAT_NOW =
  'a peer that has your log connects; if there is none, run `persisted-chat repair <your name> --nobody-has-more`'

function wordsOf({ reason, to }: Doubt, seq: Seq): string {
  switch (reason) {
    case 'behind':
      return `entries ${seq + 1} to ${to} of your own log are missing on this disk`
    case 'other-history':
      return `entry ${seq} of your own log is not the one that was stored last`
    case 'moved':
      return 'your data was copied or restored from elsewhere, and may be older than what peers hold of your log'
    case 'no-mark':
      return 'the mark of where your own log ends is missing or damaged'
  }
}
