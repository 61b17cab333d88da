import { CONNECTIONS_MAX } from '../limits.js'

/** Connections of strangers from one address: half of all, so that one host leaves the other half free. */
export const CONNECTIONS_PER_ADDRESS_MAX = CONNECTIONS_MAX / 2

/** An open connection, as the limit on connections sees it. */
export interface Slot {
  readonly remoteAddress: string
  /** Whether the user neither named the peer nor knows its key. */
  readonly isStranger: boolean
  readonly isScuttleup: boolean
}

/**
 * Chooses the connection to evict for a new one: none, an open one, or the new one itself. Nothing is evicted below the limits. At
 * CONNECTIONS_MAX, strangers' addresses share the slots max-min, and each address keeps its oldest connections. Known people are never
 * evicted, and a known person who connects always evicts a stranger. Scuttleup peers, which prove nothing, are evicted before native
 * ones. `slots` are in the order in which they were opened.
 */
export function evictionFor<P extends Slot>(newcomer: P, slots: readonly P[]): P | undefined {
  const strangers = slots.filter(({ isStranger }) => isStranger)
  const counts = countsOf(strangers)
  const own = counts.get(newcomer.remoteAddress) ?? 0
  if (newcomer.isStranger && own >= CONNECTIONS_PER_ADDRESS_MAX)
    return strangers.findLast(({ remoteAddress }) => remoteAddress === newcomer.remoteAddress)
  if (slots.length < CONNECTIONS_MAX) return undefined
  const most = Math.max(0, ...counts.values())
  const isFair = (slot: P): boolean => counts.get(slot.remoteAddress) === most
  const scuttleup = strangers.filter(({ isScuttleup }) => isScuttleup)
  if (!newcomer.isScuttleup && scuttleup.length > 0) return scuttleup.findLast(isFair) ?? scuttleup.at(-1)
  if (newcomer.isStranger && own + 1 >= most) return newcomer
  return strangers.findLast(isFair) ?? newcomer
}

function countsOf(slots: readonly Slot[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { remoteAddress } of slots) counts.set(remoteAddress, (counts.get(remoteAddress) ?? 0) + 1)
  return counts
}
