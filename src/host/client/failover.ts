import type { Clock, Millis } from '../../base/clock.js'
import { ChatError, reasonOf } from '../../base/errors.js'
import { type NodeConnection, NodeGone } from './node-connection.js'

/** How long the node may be missing before the user is notified. */
const MISSING_MS = 2_000
/** Failed starts within FAILURES_MS after which a face gives up. */
const FAILURES_MAX = 3
const FAILURES_MS = 60_000
const AGAIN_MS = 200

/** Why a face cannot continue: the node was stopped, or cannot be started. */
export interface FaceEnd {
  readonly error: ChatError | undefined
}

interface FailoverParts {
  /** The user's name. */
  readonly me: () => string
  readonly clock: Clock
  /** The reason that the last node gave for ending. */
  readonly reason: () => string | undefined
  /** Attaches to the next node, which it may start. Rejects with a ChatError. */
  readonly connect: (mayStart: boolean) => Promise<NodeConnection>
  /** Uses a connection from now on. */
  readonly use: (connection: NodeConnection) => void
  /** Called with the time since which the node has been missing, and with undefined when the face is attached again. */
  readonly onMissing: (sinceMs: Millis | undefined) => void
  readonly onChange: () => void
}

/** Moves a face whose node is gone to the next node. Gives up if the node was stopped, or fails too often. */
export class Failover {
  /** Resolves when the face cannot continue. */
  readonly ended: Promise<FaceEnd>
  readonly #parts: FailoverParts
  /** Resolves when the face is attached to another node; rejects if it gives up. */
  #moving: Promise<void> | undefined
  #failures: Millis[] = []
  #end: FaceEnd | undefined
  #onEnded: (end: FaceEnd) => void = () => {}
  #isClosed = false

  constructor(parts: FailoverParts) {
    this.#parts = parts
    this.ended = new Promise(resolve => {
      this.#onEnded = resolve
    })
  }

  /** Why the face cannot continue; undefined while it can. */
  get end(): FaceEnd | undefined {
    return this.#end
  }

  get isMoving(): boolean {
    return this.#moving !== undefined
  }

  /** Resolves when the face is attached; rejects if it gives up. */
  get moved(): Promise<void> {
    return this.#moving ?? Promise.resolve()
  }

  /** Whether the face ended, or was closed by the user. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  close(): void {
    this.#isClosed = true
  }

  /** The node is gone. */
  start(): void {
    if (this.#moving !== undefined) return // already looking for another node
    this.#moving = this.#move()
    this.#moving.catch(() => {}) // `ended` reports it
  }

  /** Runs work that needs a node. Repeats it at the next node if the node is lost meanwhile. */
  async again<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof NodeGone) || this.#isClosed) throw error
        await this.#moving
      }
    }
  }

  async #move(): Promise<void> {
    const { clock, onMissing, onChange } = this.#parts
    const lostAt = clock.now()
    const reason = this.#parts.reason()
    if (reason === 'stopped') return this.#giveUp({ error: undefined })
    const cancel = clock.after(MISSING_MS, () => onMissing(lostAt))
    try {
      const connection = await this.#connect(reason !== 'replaced')
      if (this.#isClosed) return connection.destroy()
      this.#moving = undefined
      onMissing(undefined)
      onChange()
      if (connection.isGone) this.start()
    } finally {
      cancel()
    }
  }

  async #connect(mayStart: boolean): Promise<NodeConnection> {
    const { clock, connect, use } = this.#parts
    for (;;) {
      try {
        const connection = await connect(mayStart)
        use(connection)
        await connection.ready
        return connection
      } catch (error) {
        if (this.#isClosed) throw error
        const now = clock.now()
        this.#failures = [...this.#failures.filter(at => now - at < FAILURES_MS), now]
        if (this.#failures.length >= FAILURES_MAX || !mayStart)
          this.#giveUp({ error: error instanceof ChatError ? error : new ChatError('NODE_UNUSABLE', reasonOf(error)) })
        await new Promise<void>(resolve => void clock.after(AGAIN_MS, resolve))
      }
    }
  }

  #giveUp(end: FaceEnd): never {
    this.#end = end
    this.#isClosed = true
    this.#onEnded(end)
    throw end.error ?? new ChatError('NODE_UNUSABLE', `${this.#parts.me()} was stopped`)
  }
}
