import { isName } from '../../base/names.js'
import { shortKey } from '../../chat/display-names.js'
import type { Present } from '../../chat/presence/present.js'
import { isAddress, isPlainName, shownAddress, shownName } from '../../chat/shown-name.js'
import { skeletonOf } from '../../chat/skeleton.js'
import { addressOfName } from '../../compat/scuttleup/hashed-port.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import { formatAddress } from '../../net/lan/address.js'
import { requestedName } from '../../net/lan/mdns/service-records.js'
import type { Connection } from '../../net/room-channels.js'
import type { Pins } from '../people/pins.js'

export interface ConnectionNamesOptions {
  readonly me: string
  readonly pins: Pins
  readonly presence: () => readonly Present[]
  /** Whether the user named a peer in this room. */
  readonly isNamed: (name: string) => boolean
}

/** Names the peers at the other ends of connections, for notices. */
export class ConnectionNames {
  readonly #options: ConnectionNamesOptions

  constructor(options: ConnectionNamesOptions) {
    this.#options = options
  }

  /**
   * The name or address that the user dialled; otherwise the name that hashes to the claimed port, or the claimed
   * address. Anyone can claim any address.
   */
  claimedBy({ dialled, remote }: Connection): string {
    const name = /^(.*)\.local:\d+$/.exec(remote.address)?.[1] ?? ''
    const isHashed = name !== '' && formatAddress(addressOfName(name)) === remote.address
    return dialled ?? (isHashed ? name : remote.address)
  }

  /** The name or address by which the user named the peer of a connection; undefined if they did not. */
  namedAs(connection: Connection): string | undefined {
    const { dialled, isDiscovered } = connection
    if (dialled !== undefined && isDiscovered !== true) return dialled
    const claimed = this.claimedBy(connection)
    if (!this.#options.isNamed(claimed)) return undefined
    return isName(claimed) || comesFrom(connection, claimed) ? claimed : undefined
  }

  /**
   * The pinned name of the peer's key, or the name that the user dialled. A stranger is shown with their key, and with
   * their claimed name only if it is plain: notices contain no other text from strangers.
   */
  nameOf(connection: Connection): string {
    const { remote } = connection
    const claimed = this.claimedBy(connection)
    const author = remote.kind === 'native' ? authorOf(remote.key) : undefined
    if (author === undefined) return this.#placeOf(claimed, 'scuttleup-peer')
    const pinned = this.#pinnedName(author, claimed)
    if (pinned !== undefined) return isPlainName(pinned) ? pinned : shownName(pinned)
    if (isAddress(claimed)) return shownAddress(claimed)
    return `${this.#placeOf(claimed, 'stranger')} (${shortKey(author)})`
  }

  /** The name in the peer's signed presence, with its key if others use the name too; without presence, the connection's name. */
  personOf(connection: Connection): string {
    if (connection.remote.kind !== 'native') return this.nameOf(connection)
    const author = authorOf(connection.remote.key)
    const presence = this.#options.presence()
    const name = presence.find(one => one.author === author)?.name
    if (author === undefined || name === undefined || name === '') return this.nameOf(connection)
    if (this.#pinnedName(author, name) !== undefined) return this.nameOf(connection)
    const shown = this.#placeOf(name, 'stranger')
    const isShared = presence.some(one => one.author !== author && skeletonOf(one.name) === skeletonOf(name))
    const isTaken = this.#options.pins.of(name) !== undefined || skeletonOf(name) === skeletonOf(this.#options.me)
    return isShared || isTaken || shown !== name ? `${shown} (${shortKey(author)})` : name
  }

  /** The name that is bound to a key; if there are several, the claimed one. */
  #pinnedName(author: AuthorId, claimed: string): string | undefined {
    const { pins } = this.#options
    return pins.of(claimed)?.key === author ? pins.of(claimed)?.name : pins.namesOf(author)[0]
  }

  /** A claimed name or address if it is plain, else `otherwise`. */
  #placeOf(claimed: string, otherwise: string): string {
    if (isAddress(claimed)) return shownAddress(claimed)
    // A peer whose name was in use is announced with a number, as `alice (2)`.
    const name = requestedName(claimed)
    return isName(name) && isPlainName(name) && skeletonOf(name) !== '' ? claimed : otherwise
  }
}

/** Whether an inbound connection comes from the host of the address that its peer claims. */
function comesFrom({ remoteAddress }: Connection, claimed: string): boolean {
  const host = claimed.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  const from = remoteAddress.replace(/^::ffff:/, '')
  return from === host || (host === 'localhost' && /^(127\.|::1$)/.test(from))
}
