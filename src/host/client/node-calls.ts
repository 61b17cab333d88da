import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { Entry } from '../../log/format/entry.js'
import type { ReadOptions } from '../../log/options.js'
import { CLIENT_BYTES } from '../../log/request-id.js'
import type { Fields } from '../protocol/codec.js'
import type { Failover } from './failover.js'
import { type NodeConnection, NodeGone } from './node-connection.js'
import type { Resumption } from './resumption.js'

/** Idempotent commands: the next node gets them again. */
const REPEATED: readonly unknown[] = ['msg', 'hide', 'show']

/** The calls of a face that survive the loss of their node: the next node gets them again, or continues them. */
export class NodeCalls {
  readonly #failover: Failover
  readonly #connection: () => NodeConnection
  /** Calls that have no answer, and that no node is known to have read yet. */
  readonly #unread: object[] = []
  /** The connection that they were sent over. */
  #reader: NodeConnection | undefined
  #isConfirming = false

  /** `connection` returns the current connection. */
  constructor(failover: Failover, connection: () => NodeConnection) {
    this.#failover = failover
    this.#connection = connection
  }

  /** Sends an idempotent call that has no answer. If the node is lost before it reads the call, the next node gets it, in order. */
  send(call: object): void {
    const connection = this.#connection()
    this.#unread.push(call)
    if (!this.#isConfirming) this.#reader = connection
    if (this.#reader === connection) connection.send(call)
    if (!this.#isConfirming) void this.#confirm()
  }

  /** Waits until a node has read the calls: when it answers a ping, it has read all calls before the ping. One ping at a time. */
  async #confirm(): Promise<void> {
    this.#isConfirming = true
    try {
      while (this.#unread.length > 0) {
        let count = this.#unread.length
        await this.repeat(connection => {
          if (this.#reader !== connection) for (const call of this.#unread) connection.send(call)
          this.#reader = connection
          count = this.#unread.length
          return connection.ping()
        })
        this.#unread.splice(0, count)
      }
    } catch {
      this.#unread.length = 0 // the user closed the face, or `ended` reports why it cannot continue
    }
    this.#isConfirming = false
  }

  /** Repeats a call until a node has answered it. The call has to be idempotent. */
  repeat<T>(call: (connection: NodeConnection) => Promise<T>): Promise<T> {
    return this.#failover.again(() => call(this.#connection()))
  }

  /** Runs a command; yields its answer in parts. Rejects with a ChatError. */
  command(command: Fields): AsyncIterable<Fields> {
    return REPEATED.includes(command['do']) ? this.#repeated(command) : this.#connection().command(command)
  }

  /** A direct message has a client id of its own, so it is stored once, however often it is repeated. */
  async *#repeated(command: Fields): AsyncGenerator<Fields> {
    const client = command['do'] === 'msg' ? { client: hexOf(systemRandom.bytes(CLIENT_BYTES)) } : {}
    yield* await this.repeat(async connection => {
      const answers: Fields[] = []
      for await (const answer of connection.command({ ...command, ...client })) answers.push(answer)
      return answers
    })
  }

  /** Reads entries, without gaps or duplicates when the node changes. Ends if the node was stopped. */
  async *read(options: ReadOptions, resumption: Resumption): AsyncGenerator<readonly Entry[]> {
    for (let now = options; ; now = resumption.options(this.#connection().heads)) {
      try {
        // Read gaps too: `Resumption` must know their places, to read their content when it arrives.
        for await (const entries of this.#connection().entries({ ...now, gaps: true })) yield resumption.fresh(entries)
        return
      } catch (error) {
        if (!(error instanceof NodeGone) || this.#failover.isClosed) throw error
        await this.#failover.moved.catch(fault => {
          if (this.#failover.end?.error !== undefined) throw fault
        })
        if (this.#failover.end !== undefined) return
      }
    }
  }
}
