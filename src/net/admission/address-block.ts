import { ipv4Number, ipv6Groups } from '../lan/ip-address.js'

/**
 * The block of addresses that one household or host usually has: /24 of IPv4, /64 of IPv6. Undefined on loopback, where the address
 * says nothing about who connects.
 */
export function addressBlock(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  const ipv4 = ipv4Number(plain)
  if (ipv4 !== undefined) return ipv4 >>> 24 === 127 ? undefined : plain.replace(/\d+$/, '0/24')
  const groups = ipv6Groups(plain)
  if (groups === undefined) return address
  const isLoopback = groups.slice(0, 7).every(group => group === 0) && groups[7] === 1
  return isLoopback
    ? undefined
    : `${groups
        .slice(0, 4)
        .map(group => group.toString(16))
        .join(':')}::/64`
}
