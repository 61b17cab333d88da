import type { Millis } from '../../base/clock.js'
import { shuffled } from '../../base/random.js'
import { TokenBucket } from '../../base/token-bucket.js'
import type { ConnectionId } from '../topology.js'
import { PEX_FRAMES_PER_SECOND_MAX } from './limits.js'

/** A native connection, as the overlay sees it. */
export interface HyParViewConnection {
  readonly connection: ConnectionId
  /** The peer's short key. */
  readonly id: string
  /** The peer's network address. */
  readonly host: string
  /** Whether the user named the peer. Such a connection is never dropped. */
  readonly isNamed: boolean
  /** Whether the user knows the peer's key. Such a connection is not dropped for a stranger. */
  readonly isKnown?: boolean
}

export interface Neighbour extends HyParViewConnection {
  readonly openedAt: Millis
  readonly frames: TokenBucket
  /** Where the peer can be dialled; undefined until its Neighbour frame shows that it takes part in the overlay. */
  port: number | undefined
  /** Number of connections that the peer stated in its Neighbour frame. */
  connections: number
  /** Whether one of the two sides is about to close the connection because its view is full. */
  isClosing: boolean
}

/** HyParView's active view: the connections to peers that take part in the overlay. */
export class ActiveView {
  readonly #random: () => number
  readonly #neighbours = new Map<ConnectionId, Neighbour>()

  constructor(random: () => number) {
    this.#random = random
  }

  get(connection: ConnectionId): Neighbour | undefined {
    return this.#neighbours.get(connection)
  }

  add(connection: HyParViewConnection, now: Millis): void {
    this.#neighbours.set(connection.connection, {
      ...connection,
      openedAt: now,
      frames: new TokenBucket(PEX_FRAMES_PER_SECOND_MAX, now),
      port: undefined,
      connections: 0,
      isClosing: false,
    })
  }

  delete(connection: ConnectionId): Neighbour | undefined {
    const neighbour = this.#neighbours.get(connection)
    this.#neighbours.delete(connection)
    return neighbour
  }

  /** The short keys of the neighbours that have been connected for longest. */
  longest(count: number): ReadonlySet<string> {
    return new Set(
      this.all()
        .slice(0, count)
        .map(({ id }) => id),
    )
  }

  /** Neighbours that take part in the overlay and are not closing. */
  all(): Neighbour[] {
    return [...this.#neighbours.values()].filter(({ port, isClosing }) => port !== undefined && !isClosing)
  }

  /** Short keys of all neighbours. */
  members(): Set<string> {
    return new Set(this.all().map(({ id }) => id))
  }

  /** Whether there is a connection to a peer, whether it takes part in the overlay or not. */
  isConnected(id: string): boolean {
    for (const neighbour of this.#neighbours.values()) if (neighbour.id === id && !neighbour.isClosing) return true
    return false
  }

  /** A suitable neighbour at random. */
  pick(isSuitable: (neighbour: Neighbour) => boolean): Neighbour | undefined {
    const suitable = this.all().filter(isSuitable)
    return suitable[Math.floor(this.#random() * suitable.length)]
  }

  /** Suitable neighbours in random order. */
  shuffled(isSuitable: (neighbour: Neighbour) => boolean): Neighbour[] {
    return shuffled(this.all().filter(isSuitable), this.#random)
  }
}
