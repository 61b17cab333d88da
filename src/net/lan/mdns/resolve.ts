import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import { lookupHost } from '../../../base/host-lookup.js'
import type { Place } from './discovery.js'

/** How long the system is waited for. Where it has no name server it takes ever so long to say no. */
const SYSTEM_MS_MAX = 5_000
const LOCAL_MS_MAX = 1_000

/** How the local network is asked for a `.local` name; [] where nobody answers. */
export type LocalLookup = (place: Place) => Promise<readonly Place[]>

/**
 * Where a host can be dialled, best first: `.local` names as the peers on the network say, all others from the system,
 * which is also asked where no peer answers. Rejects in words where there is nothing.
 */
export function resolver(clock: Clock, local: LocalLookup | undefined): (place: Place) => Promise<readonly Place[]> {
  return async ({ host, port }) => {
    const isLocal = host.toLowerCase().endsWith('.local')
    const found = isLocal && local !== undefined ? await local({ host, port }) : []
    if (found.length > 0) return found
    const tooLate = timeLimit(clock, isLocal ? LOCAL_MS_MAX : SYSTEM_MS_MAX)
    try {
      const addresses = await Promise.race([lookupHost(host), tooLate.passed])
      return addresses.map(({ address }) => ({ host: address, port }))
    } catch (cause) {
      throw new Error(isLocal ? 'no one on this network answers to that name' : 'unknown host name', { cause })
    } finally {
      tooLate.cancel()
    }
  }
}

/** Rejects when the time is up. */
function timeLimit(clock: Clock, ms: Millis): { readonly passed: Promise<never>; readonly cancel: Cancel } {
  let cancel: Cancel = () => {}
  const passed = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error('the system does not answer in time')))
  })
  return { passed, cancel }
}
