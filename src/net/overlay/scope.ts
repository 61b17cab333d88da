import { ipv4Number, ipv6Groups, isLinkLocal, isPeerIpv4, isPeerIpv6 } from '../lan/ip-address.js'

/** Where an address is valid: on this machine, on private networks, everywhere. */
export type Scope = 'machine' | 'private' | 'public'

/** The scope of an IP address; undefined if no peer can have the address. */
export function scopeOf(host: string): Scope | undefined {
  const ipv4 = ipv4Number(host)
  if (ipv4 !== undefined) return isPeerIpv4(host, true) ? ipv4Scope(ipv4) : undefined
  if (!isPeerIpv6(host, true) || isLinkLocal(host)) return undefined
  const first = ipv6Groups(host)?.[0] ?? 0
  if (first === 0) return 'machine'
  return (first & 0xfe00) === 0xfc00 ? 'private' : 'public'
}

/** Private: RFC 1918, link-local (RFC 3927) and carrier-grade NAT (RFC 6598). */
function ipv4Scope(ipv4: number): Scope {
  const [a, b] = [ipv4 >>> 24, (ipv4 >>> 16) & 0xff]
  if (a === 127) return 'machine'
  const isPrivate =
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b < 128)
  return isPrivate ? 'private' : 'public'
}
