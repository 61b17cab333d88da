import { EventEmitter } from 'node:events'
import type { AuthorId } from '../../log/format/author.js'
import type { OperationId } from '../../membership/format/body.js'
import type { Operation } from '../../membership/format/operation.js'
import type { RoomMembers } from '../../node/private-rooms/room-members.js'
import { withOverrides } from '../world/overridden.js'

/**
 * The members of a room as a Byzantine member uses them. It ignores its own removal and names the room to everybody. It
 * also sends operations that are invalid or forked, and may withhold every removal that it knows of.
 */
export class ByzantineMembers {
  readonly #me: AuthorId
  readonly #withholds: boolean
  readonly #extra = new Map<OperationId, Operation>()
  #sent = new EventEmitter()

  constructor(me: AuthorId, withholds: boolean) {
    this.#me = me
    this.#withholds = withholds
  }

  over(members: RoomMembers): RoomMembers {
    const check = members.check.bind(members)
    const sent = (operations: readonly Operation[]): Operation[] => operations.filter(each => this.#isSent(each))
    const extra = this.#extra
    // Live sending listens to this emitter.
    const emitter = new EventEmitter()
    emitter.setMaxListeners(0)
    members.on('change', operations => emitter.emit('change', sent(operations)))
    members.on('cards', cards => emitter.emit('cards', cards))
    this.#sent = emitter
    return withOverrides(members, {
      isMember: () => true,
      check: items => check(items)?.filter(({ body }) => !this.#isOwnRemoval(body)),
      get sent() {
        return [...sent(members.sent), ...extra.values()]
      },
      on: emitter.on.bind(emitter) as RoomMembers['on'],
      off: emitter.off.bind(emitter) as RoomMembers['off'],
    })
  }

  /** Sends operations to everybody: at once if they are connected, otherwise when they connect. */
  push(operations: readonly Operation[]): void {
    for (const operation of operations) this.#extra.set(operation.id, operation)
    this.pushOnce(operations)
  }

  /** Sends operations to all connected peers. */
  pushOnce(operations: readonly Operation[]): void {
    this.#sent.emit('change', operations)
  }

  /** Sends operations to each connected peer. `pick` chooses one of two branches for the peer. */
  pushApart(pick: () => readonly Operation[]): void {
    for (const listener of this.#sent.listeners('change')) listener(pick())
  }

  #isSent({ id, body }: Operation): boolean {
    return !this.#withholds || body.kind !== 'remove' || this.#extra.has(id)
  }

  #isOwnRemoval(body: Operation['body']): boolean {
    return body.kind === 'remove' && body.subject === this.#me
  }
}
