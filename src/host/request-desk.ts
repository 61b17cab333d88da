import { type Draft, entryFieldsOf } from '../chat/kinds/kinds.js'
import type { Outcome } from '../node/outbox.js'
import type { Room } from '../node/room.js'
import { UNACKNOWLEDGED_MAX } from './limits.js'

/** The requests of one client: each has its effect once, however often it is asked and whichever node is asked. */
export class RequestDesk {
  readonly #peer: Room
  readonly #client: Uint8Array
  readonly #answers: Map<number, Promise<Outcome>>
  #acknowledged = 0

  private constructor(peer: Room, client: Uint8Array, answers: Map<number, Promise<Outcome>>) {
    this.#peer = peer
    this.#client = client
    this.#answers = answers
  }

  /** Begins with the answers that this node, or one before it, has noted in the log's database. */
  static async open(peer: Room, client: Uint8Array): Promise<RequestDesk> {
    const places = await peer.requests.answered(client)
    const answers = [...places].map(
      ([number, seq]) => [number, Promise.resolve<Outcome>({ kind: 'stored', seq })] as const,
    )
    return new RequestDesk(peer, client, new Map(answers))
  }

  /** Says a line, or answers for one that was said. Undefined for a number that the client may not use now. */
  ask(number: number, draft: Draft): Promise<Outcome> | undefined {
    const known = this.#answers.get(number)
    if (known !== undefined) return known
    if (number <= this.#acknowledged || number > this.#acknowledged + UNACKNOWLEDGED_MAX) return undefined
    const answer = this.#peer.post(entryFieldsOf(draft), { client: this.#client, number })
    this.#answers.set(number, answer)
    return answer
  }

  /** The client has all answers up to a number: it asks for none of them again. */
  acknowledge(upTo: number): void {
    if (upTo <= this.#acknowledged) return
    this.#acknowledged = upTo
    for (const number of [...this.#answers.keys()]) {
      if (number > upTo) continue
      this.#answers.delete(number)
      this.#peer.requests.forget({ client: this.#client, number })
    }
  }

  /** Resolves when no request waits for its answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#answers.values())
  }
}
