import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import { lookupHost } from '../../../base/host-lookup.js'
import type { Address } from '../address.js'

/** Longest wait for the system's resolver, which may take very long without a name server. */
const SYSTEM_MS_MAX = 5_000
const LOCAL_MS_MAX = 1_000

/** Looks up a `.local` name on the local network; no addresses if nobody answers. */
export type LocalLookup = (address: Address) => Promise<readonly Address[]>

/**
 * Resolves a host to addresses, best first: `.local` names by multicast DNS, all others, and those without an answer, by the system.
 * Rejects with a reason for people if there is none.
 */
export function resolver(
  clock: Clock,
  local: LocalLookup | undefined,
): (address: Address) => Promise<readonly Address[]> {
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

/** Rejects after a time. */
function timeLimit(clock: Clock, ms: Millis): { readonly passed: Promise<never>; readonly cancel: Cancel } {
  let cancel: Cancel = () => {}
  const passed = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error('the name server does not answer')))
  })
  return { passed, cancel }
}
