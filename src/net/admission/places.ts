import { CONNECTIONS_MAX } from '../limits.js'

/** Connections of strangers from one address: half of all, so that one host leaves the other half free. */
export const PLACES_PER_ADDRESS_MAX = CONNECTIONS_MAX / 2

/** An open connection, as far as its place is concerned. */
export interface Place {
  readonly remoteAddress: string
  /** Whether the user neither named the peer nor knows its key. */
  readonly isStranger: boolean
  readonly isScuttleup: boolean
}

/**
 * Who leaves for a new connection: nobody, one of those that are open, or the new one itself. While there is room, everyone stays.
 * When there is none, addresses of strangers share the places max-min, and of one address the longest connected stay. Known people are
 * never displaced, and one that connects always displaces a stranger. Scuttleup peers, which prove nothing, go before native ones.
 * `places` are in the order in which they were opened.
 */
export function leavingFor<P extends Place>(newcomer: P, places: readonly P[]): P | undefined {
  const strangers = places.filter(({ isStranger }) => isStranger)
  const counts = countsOf(strangers)
  const own = counts.get(newcomer.remoteAddress) ?? 0
  if (newcomer.isStranger && own >= PLACES_PER_ADDRESS_MAX)
    return strangers.findLast(({ remoteAddress }) => remoteAddress === newcomer.remoteAddress)
  if (places.length < CONNECTIONS_MAX) return undefined
  const most = Math.max(0, ...counts.values())
  const isFair = (place: P): boolean => counts.get(place.remoteAddress) === most
  const scuttleup = strangers.filter(({ isScuttleup }) => isScuttleup)
  if (!newcomer.isScuttleup && scuttleup.length > 0) return scuttleup.findLast(isFair) ?? scuttleup.at(-1)
  if (newcomer.isStranger && own + 1 >= most) return newcomer
  return strangers.findLast(isFair) ?? newcomer
}

function countsOf(places: readonly Place[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { remoteAddress } of places) counts.set(remoteAddress, (counts.get(remoteAddress) ?? 0) + 1)
  return counts
}
