import type { Cancel, Clock } from '../../base/clock.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import { AHEAD_MS_MAX } from '../../log/format/hybrid-clock.js'
import type { CloseReason } from '../../net/events.js'
import type { Connection } from '../../net/room-channels.js'
import type { NodeEvent } from '../events.js'
import type { StrangerNotices } from '../people/stranger-notices.js'
import type { ConnectionNames } from './connection-names.js'

/** A lost connection that is replaced within this time is not reported. */
const REPLACED_MS = 300

export interface ConnectionEventsOptions {
  readonly clock: Clock
  readonly names: ConnectionNames
  readonly ourId: AuthorId
  /** Whether a peer has said goodbye. */
  readonly hasLeft: (author: AuthorId) => boolean
  /** Whether the user knows the peer of a connection. */
  readonly isKnown: (connection: Connection) => boolean
  readonly strangers: StrangerNotices
  readonly onEvent: (event: NodeEvent) => void
}

/** Reports peers that connect, leave or are lost, and clocks that are far apart. */
export class ConnectionEvents {
  readonly #options: ConnectionEventsOptions
  /** Lost connections that are not reported yet. */
  readonly #lost = new Set<{ readonly connection: Connection; readonly cancel: Cancel }>()

  constructor(options: ConnectionEventsOptions) {
    this.#options = options
  }

  /** The first connection to a peer opened. */
  opened(connection: Connection): void {
    if (this.#isReplacement(connection)) return
    const { names, ourId } = this.#options
    const onEvent = (event: NodeEvent): void => this.#report(connection, event)
    const { remote } = connection
    const peer = names.nameOf(connection)
    onEvent({ kind: 'connection-opened', peer, protocol: remote.kind })
    if (remote.kind === 'scuttleup') return
    if (remote.key === ourId) onEvent({ kind: 'own-key-elsewhere', peer })
    const { aheadMs } = remote
    if (Math.abs(aheadMs) > AHEAD_MS_MAX) onEvent({ kind: 'clock-differs', peer, aheadMs })
  }

  /** The last connection to a peer closed: the peer left, or the connection was lost. */
  closed(connection: Connection, reason: CloseReason): void {
    if (this.#hasLeft(connection)) {
      this.#reportLeft(connection)
      return
    }
    // Report it even if a new connection replaces this one soon: somebody on the path tampers with the traffic.
    if (reason === 'altered') {
      this.#reportLost(connection, reason)
      return
    }
    const report = (): void => {
      this.#lost.delete(lost)
      // A goodbye that other peers relay may arrive after the connection is gone.
      if (this.#hasLeft(connection)) this.#reportLeft(connection)
      else this.#reportLost(connection, reason)
    }
    const lost = { connection, cancel: this.#options.clock.after(REPLACED_MS, report) }
    this.#lost.add(lost)
  }

  close(): void {
    for (const { cancel } of this.#lost) cancel()
  }

  #reportLost(connection: Connection, reason: CloseReason): void {
    this.#report(connection, { kind: 'connection-lost', peer: this.#personOf(connection), reason })
  }

  #reportLeft(connection: Connection): void {
    this.#report(connection, { kind: 'peer-left', peer: this.#personOf(connection) })
  }

  #report(connection: Connection, event: NodeEvent): void {
    const { isKnown, strangers, onEvent } = this.#options
    if (isKnown(connection)) onEvent(event)
    else strangers.report(event)
  }

  #personOf(connection: Connection): string {
    return this.#options.names.personOf(connection)
  }

  #hasLeft({ remote }: Connection): boolean {
    const author = remote.kind === 'native' ? authorOf(remote.key) : undefined
    return author !== undefined && this.#options.hasLeft(author)
  }

  /** Whether this connection replaces lost ones; those are then never reported. */
  #isReplacement(connection: Connection): boolean {
    const replaced = [...this.#lost].filter(lost => isSamePeer(lost.connection, connection))
    for (const lost of replaced) {
      lost.cancel()
      this.#lost.delete(lost)
    }
    return replaced.length > 0
  }
}

export function isSamePeer(a: Connection, b: Connection): boolean {
  if (a.remote.kind === 'native' && b.remote.kind === 'native')
    return a.remote.instance === b.remote.instance && a.remote.key === b.remote.key
  return a.remote.kind === b.remote.kind && a.remote.address === b.remote.address
}
