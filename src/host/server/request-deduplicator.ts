import { type Draft, entryFieldsOf } from '../../chat/kinds/kinds.js'
import type { Outcome } from '../../node/outbox.js'
import type { Room } from '../../node/room.js'
import { UNACKNOWLEDGED_MAX } from '../protocol/limits.js'

/**
 * The requests of one client. They are idempotent: each takes effect once, however often it is sent, and to whichever
 * node.
 */
export class RequestDeduplicator {
  readonly #peer: Room
  readonly #client: Uint8Array
  readonly #answers: Map<number, Promise<Outcome>>
  #acknowledged = 0

  private constructor(peer: Room, client: Uint8Array, answers: Map<number, Promise<Outcome>>) {
    this.#peer = peer
    this.#client = client
    this.#answers = answers
  }

  /** Starts with the answers that this or an earlier node has recorded in the log's database. */
  static async open(peer: Room, client: Uint8Array): Promise<RequestDeduplicator> {
    const places = await peer.requests.answered(client)
    const answers = [...places].map(
      ([number, seq]) => [number, Promise.resolve<Outcome>({ kind: 'stored', seq })] as const,
    )
    return new RequestDeduplicator(peer, client, new Map(answers))
  }

  /**
   * Appends the lines of requests, numbered from `first`; for requests that were answered before, repeats the answers.
   * Undefined for numbers outside the client's window.
   */
  ask(first: number, drafts: readonly Draft[]): Promise<Outcome[]> | undefined {
    if (first <= this.#acknowledged || first + drafts.length - 1 > this.#acknowledged + UNACKNOWLEDGED_MAX)
      return undefined
    return Promise.all(drafts.map((draft, index) => this.#answer(first + index, draft)))
  }

  /** The client has received all answers up to a number, and does not repeat those requests. */
  acknowledge(upTo: number): void {
    if (upTo <= this.#acknowledged) return
    this.#acknowledged = upTo
    this.#peer.requests.forget({ client: this.#client, number: upTo })
    for (const number of this.#answers.keys()) {
      if (number > upTo) return // answers are not exactly in order: a later acknowledgement deletes those that this one skips
      this.#answers.delete(number)
    }
  }

  /** Resolves when every request is answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#answers.values())
  }

  #answer(number: number, draft: Draft): Promise<Outcome> {
    const known = this.#answers.get(number)
    if (known !== undefined) return known
    const answer = this.#peer.post(entryFieldsOf(draft), { client: this.#client, number })
    this.#answers.set(number, answer)
    return answer
  }
}
