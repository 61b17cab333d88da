import { lookup } from 'node:dns/promises'

/** How the local network is asked for a `.local` name; [] where nobody answers. */
export type LocalLookup = (host: string) => Promise<readonly string[]>

/**
 * Addresses of a host, best first: `.local` names from the peers on the network, all others from the system, which is
 * also asked where no peer answers. Rejects in words where there are none.
 */
export function resolver(local: LocalLookup | undefined): (host: string) => Promise<readonly string[]> {
  return async host => {
    const isLocal = host.toLowerCase().endsWith('.local')
    const found = isLocal && local !== undefined ? await local(host) : []
    if (found.length > 0) return found
    try {
      const addresses = await lookup(host, { all: true, verbatim: true })
      return addresses.map(({ address }) => address)
    } catch (cause) {
      throw new Error(isLocal ? 'nobody on this network answers to that name' : 'the name is not known', { cause })
    }
  }
}
