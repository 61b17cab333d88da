import { shortKey } from '../chat/display-names.js'
import type { Present } from '../chat/presence/present.js'
import { isPlainName, shownAddress, shownName } from '../chat/shown-name.js'
import { skeletonOf } from '../chat/skeleton.js'
import { addressOfName } from '../compat/scuttleup/hashed-port.js'
import { authorOf } from '../log/format/author.js'
import { formatAddress } from '../net/lan/address.js'
import { requestedName } from '../net/lan/mdns/service-records.js'
import type { Connection } from '../net/room-channels.js'

/** Names the peers at the other ends of connections, for notices. */
export class ConnectionNames {
  readonly #me: string
  readonly #presence: () => readonly Present[]

  constructor(me: string, presence: () => readonly Present[]) {
    this.#me = me
    this.#presence = presence
  }

  /** The name that the user dialled; else the name that the peer's address is hashed from, or that address. */
  nameOf({ dialled, remote }: Connection): string {
    const name = /^(.*)\.local:\d+$/.exec(remote.address)?.[1] ?? ''
    const isHashed = name !== '' && formatAddress(addressOfName(name)) === remote.address
    const called = dialled ?? (isHashed ? name : remote.address)
    // A peer whose name was in use is announced with a number, as `alice (2)`.
    return isPlainName(requestedName(called)) ? called : shownAddress(called)
  }

  /** The name that the peer signs its presence with, with its key where that name is shared; else the connection's name. */
  personOf(connection: Connection): string {
    if (connection.remote.kind !== 'native') return this.nameOf(connection)
    const author = authorOf(connection.remote.key)
    const presence = this.#presence()
    const name = presence.find(one => one.author === author)?.name
    if (author === undefined || name === undefined || name === '') return this.nameOf(connection)
    const isShared = presence.some(one => one.author !== author && skeletonOf(one.name) === skeletonOf(name))
    const isDeceptive = !isPlainName(name) || skeletonOf(name) === skeletonOf(this.#me)
    return isShared || isDeceptive ? `${shownName(name)} (${shortKey(author)})` : name
  }
}
