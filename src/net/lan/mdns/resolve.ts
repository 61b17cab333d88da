import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import { lookupHost } from '../../../base/host-lookup.js'
import { DialError } from '../../dial-failure.js'
import type { Address } from '../address.js'

/** Longest wait for the system's resolver, which is slow without a name server. */
const SYSTEM_MS_MAX = 5_000
const LOCAL_MS_MAX = 1_000

/** Looks up a `.local` name on the local network; no addresses if nobody answers. */
export type LocalLookup = (address: Address) => Promise<readonly Address[]>

/**
 * Resolves a host to addresses, best first. Looks up `.local` names by multicast DNS; asks the system for all other names, and for `.local`
 * names without an answer. Rejects with a `DialError` if there is no address.
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
      throw new DialError(isLocal ? 'no-such-peer' : 'unknown-host', { cause })
    } finally {
      tooLate.cancel()
    }
  }
}

/** Rejects after a time. */
function timeLimit(clock: Clock, ms: Millis): { readonly passed: Promise<never>; readonly cancel: Cancel } {
  let cancel: Cancel = () => {}
  const passed = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new DialError('no-answer')))
  })
  return { passed, cancel }
}
