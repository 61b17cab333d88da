import type { Cancel, Millis } from '../../base/clock.js'
import type { LogCore } from '../core.js'
import { runOf, type Seq } from '../format/author.js'
import type { SignedHead } from '../format/heads.js'
import { Retraction } from './retraction.js'

/** Largest number of claims that are remembered while the log is restored. */
const CLAIMS_MAX = 64

/** How long a peer that claims more of our log may take until it sends the first, or further, entries of it. */
const RESTORE_MS_MAX: Millis = 5_000

/** Blocks appends until a state ends. */
interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

/** The state of the repair; README.md shows the transitions. Nothing is appended in a state with a gate. */
type State =
  | { readonly kind: 'opening' }
  | { readonly kind: 'ready' }
  /** A peer claims more of our log than this disk has. It must send entries up to `to` before the deadline. */
  | { readonly kind: 'restoring'; readonly gate: Gate; to: Seq; readonly claims: Set<Seq>; cancelDeadline: Cancel }

/** Decides when our log may be extended, so that it never forks. docs/protocol/storage.md §4.5. */
export class OwnLogRepair {
  readonly retraction: Retraction
  readonly #core: LogCore
  #current: State = { kind: 'opening' }

  constructor(core: LogCore) {
    this.#core = core
    this.retraction = new Retraction(core)
  }

  /** Whether appends have to wait for this repair. */
  get isBlocking(): boolean {
    return 'gate' in this.#current
  }

  /** Resolves when appends no longer have to wait. */
  async settled(): Promise<void> {
    while ('gate' in this.#current) await this.#current.gate.opened
  }

  /** The database was read: our log may be extended unless a doubt follows. */
  opened(): void {
    if (this.#current.kind === 'opening') this.#current = { kind: 'ready' }
  }

  /** A peer announces the last seq of our log that it has, 0 if none. */
  announced(seq: Seq): void {
    const state = this.#current
    switch (state.kind) {
      case 'ready':
      case 'opening':
        if (this.#core.own.doubt === undefined && seq > this.#core.own.publishedUpTo) this.#startRestoring(seq)
        return
      case 'restoring':
        // Anyone can claim anything: a claim does not extend the deadline.
        if (seq > this.#end) {
          addClaim(state.claims, seq)
          state.to = Math.max(state.to, seq)
        }
    }
  }

  /** Entries of our log were restored from a peer; it ends at `head` now. */
  restored(head: SignedHead | undefined): void {
    const { own } = this.#core
    const seq = head?.seq ?? 0
    own.reset(runOf(own.author), head, Math.max(own.publishedUpTo, seq))
    const state = this.#current
    if (!('gate' in state)) return
    const isSent = seq >= state.to || [...state.claims].some(claim => claim <= seq)
    if (isSent) {
      this.#core.report({ kind: 'log-restored', seq })
      this.#becomeReady()
    } else {
      this.#setDeadline(state)
    }
  }

  /** Our log has forked or is closed: waiting appends continue, and fail. */
  end(): void {
    this.#finish()
  }

  /** The last seq of our log. */
  get #end(): Seq {
    return this.#core.own.head?.seq ?? 0
  }

  #startRestoring(to: Seq): void {
    this.#core.report({ kind: 'log-behind', to })
    this.#finish()
    const state = { kind: 'restoring', gate: gate(), to, claims: new Set<Seq>(), cancelDeadline: () => {} } as const
    this.#current = state
    this.#setDeadline(state)
  }

  #setDeadline(state: { cancelDeadline: Cancel }): void {
    state.cancelDeadline()
    state.cancelDeadline = this.#core.clock.after(RESTORE_MS_MAX, () => this.#giveUp())
  }

  #giveUp(): void {
    this.#core.report({ kind: 'restore-given-up' })
    this.#finish()
  }

  /** Our log may be extended from its end on this disk. */
  #becomeReady(): void {
    this.#finish()
    void this.#core.own.resetMark()
  }

  #finish(): void {
    const state = this.#current
    if (!('gate' in state)) return
    if (state.kind === 'restoring') state.cancelDeadline()
    this.#current = { kind: 'ready' }
    state.gate.open()
  }
}

function gate(): Gate {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

function addClaim(claims: Set<Seq>, seq: Seq): void {
  if (claims.size < CLAIMS_MAX) claims.add(seq)
}
