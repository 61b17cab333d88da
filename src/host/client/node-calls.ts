import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { Entry } from '../../log/format/entry.js'
import type { ReadOptions } from '../../log/options.js'
import { CLIENT_BYTES } from '../../log/request-id.js'
import type { Fields } from '../protocol/codec.js'
import type { Failover } from './failover.js'
import { type NodeConnection, NodeGone } from './node-connection.js'
import type { Resumption } from './resumption.js'

/** The calls of a face that outlive their node: the next node gets them again, or goes on with them. */
export class NodeCalls {
  readonly #failover: Failover
  readonly #connection: () => NodeConnection

  /** `connection` returns the current connection. */
  constructor(failover: Failover, connection: () => NodeConnection) {
    this.#failover = failover
    this.#connection = connection
  }

  /** Sends a call that has no answer; to the next node if there is none now. */
  send(call: object): void {
    if (!this.#failover.isMoving) this.#connection().send(call)
    else
      this.#failover.moved.then(
        () => this.send(call),
        () => {}, // `ended` reports it
      )
  }

  /** Makes a call, which has to be idempotent, until a node has answered it. */
  repeat<T>(call: (connection: NodeConnection) => Promise<T>): Promise<T> {
    return this.#failover.again(() => call(this.#connection()))
  }

  /** Writes to one person. Each message is from a client of its own, so however often it is repeated, it is stored once. */
  async *directMessage(command: Fields): AsyncGenerator<Fields> {
    const client = hexOf(systemRandom.bytes(CLIENT_BYTES))
    yield* await this.repeat(async connection => {
      const answers: Fields[] = []
      for await (const answer of connection.command({ ...command, client })) answers.push(answer)
      return answers
    })
  }

  /** Reads entries, without gaps or duplicates at a change of nodes. Ends if the node was stopped. */
  async *read(options: ReadOptions, resumption: Resumption): AsyncGenerator<readonly Entry[]> {
    for (let now = options; ; now = resumption.options(this.#connection().heads)) {
      try {
        // Read gaps too: `Resumption` must know their places, to read their content when it comes.
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
