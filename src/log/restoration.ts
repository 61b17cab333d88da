import type { Cancel, Clock, Millis } from '../base/clock.js'
import type { Seq } from './author.js'
import type { CommitQueue } from './commit-queue.js'
import type { Members } from './entry.js'
import type { SignedHead } from './head.js'
import type { Ledger } from './ledger.js'
import type { OwnLog } from './own-log.js'
import { forgetRetracted, retract, retracted } from './retraction.js'
import type { SegmentLogs } from './segment-logs.js'
import type { Store } from './store.js'

/** How long a peer that claims more of the own log may take to send it. */
const RESTORE_MS_MAX: Millis = 5_000

export interface RestorationParts {
  readonly clock: Clock
  readonly store: Store
  readonly queue: CommitQueue
  readonly segments: SegmentLogs
  readonly ledger: Ledger
  readonly own: OwnLog
  readonly onWarning: (line: string) => void
}

/** What is awaited, and for how long. */
interface Wait {
  to: Seq
  readonly done: Promise<void>
  /** Begins the 5 s of a claim anew; nothing where this disk knows itself that it lost something. */
  readonly prolong: (() => void) | undefined
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

  constructor(parts: RestorationParts) {
    this.#parts = parts
  }

  get isOn(): boolean {
    return this.#current !== undefined
  }

  /** The place up to which the log is awaited; 0 where it is not. */
  get to(): Seq {
    return this.#current?.to ?? 0
  }

  /** A peer claims to hold the own log up to `to`: it has 5 s to send it, and 5 s more after each piece that came. */
  claimed(to: Seq): void {
    const current = this.#current
    if (current !== undefined) {
      // Anybody can claim anything: words put off no deadline, and make nobody forget what he lost.
      if (current.prolong !== undefined) current.to = Math.max(current.to, to)
      return
    }
    this.#parts.onWarning(
      `a peer holds more of your own log than this disk: entries up to ${to} are fetched back first`,
    )
    this.#begin(to, RESTORE_MS_MAX)
  }

  /** This disk has lost what peers were told of: there is no going on before it is back, however long that takes. */
  lost(from: Seq, to: Seq): void {
    this.#parts.onWarning(
      `entries ${from} to ${to} of your own log are missing here: nothing is written until a peer brings them back, or \`renew\` makes a new key`,
    )
    this.#begin(to, undefined)
  }

  /** More of the own log came back. */
  came(head: SignedHead | undefined): void {
    const { own, onWarning } = this.#parts
    const seq = head?.seq ?? 0
    own.reset(head, Math.max(own.offered, seq))
    if (this.#current === undefined) return
    if (seq < this.#current.to) {
      this.#current.prolong?.()
      return
    }
    onWarning(`your own log is back: it goes up to entry ${seq}`)
    this.finish()
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
    const { own, ledger, queue, segments } = this.#parts
    const { head, offered } = own
    if (head === undefined || head.seq <= offered) return false
    this.#retractions++
    const { writes, head: rest } = await retract(segments, own, head)
    await queue.write(writes)
    own.reset(rest, offered)
    ledger.put(own.author, rest)
    this.#hasRetracted = true
    return true
  }

  /** Appends again what was taken back, by this run or by one before it. */
  async sayAgain(append: (members: Members) => Promise<unknown>): Promise<void> {
    if (!this.#hasRetracted) return
    this.#hasRetracted = false
    const retractions = this.#retractions
    try {
      const lines = await retracted(this.#parts.store)
      await Promise.all(lines.map(append))
      // Taken back once more meanwhile: then they wait again.
      if (lines.length > 0 && retractions === this.#retractions) await this.#parts.queue.write([forgetRetracted])
    } catch (error) {
      this.#hasRetracted = true
      throw error
    }
  }

  #begin(to: Seq, withinMs: Millis | undefined): void {
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
    const prolong = (): void => {
      cancel()
      if (withinMs !== undefined) cancel = this.#parts.clock.after(withinMs, giveUp)
    }
    prolong()
    this.#current = {
      to,
      done,
      prolong: withinMs === undefined ? undefined : prolong,
      finish: () => {
        cancel()
        this.#current = undefined
        release()
      },
    }
  }
}
