import { lookup } from 'node:dns/promises'
import type { Place } from './mdns.js'

/** How the local network is asked for a `.local` name; [] where nobody answers. */
export type LocalLookup = (place: Place) => Promise<readonly Place[]>

/**
 * Where a host can be dialled, best first: `.local` names as the peers on the network say, all others from the system,
 * which is also asked where no peer answers. Rejects in words where there is nothing.
 */
export function resolver(local: LocalLookup | undefined): (place: Place) => Promise<readonly Place[]> {
  return async ({ host, port }) => {
    const isLocal = host.toLowerCase().endsWith('.local')
    const found = isLocal && local !== undefined ? await local({ host, port }) : []
    if (found.length > 0) return found
    try {
      const addresses = await lookup(host, { all: true, verbatim: true })
      return addresses.map(({ address }) => ({ host: address, port }))
    } catch (cause) {
      throw new Error(isLocal ? 'nobody on this network answers to that name' : 'the name is not known', { cause })
    }
  }
}
