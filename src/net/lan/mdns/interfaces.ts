import { ipv4Number, ipv6Groups, isLinkLocal, isPeerIpv4, isPeerIpv6 } from '../ip-address.js'

/** The result of `os.networkInterfaces()`, reduced to the fields that are used. */
export type NetworkInterfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>

interface InterfaceAddress {
  readonly address: string
  readonly netmask: string
  readonly family: string
}

/** An address of this machine to use multicast DNS from, and its interface. */
export interface LocalInterface {
  /** The system's name of the interface: `eth0`, `lo`. */
  readonly name: string
  readonly family: 'IPv4' | 'IPv6'
  /** An IPv4 address, or a link-local IPv6 address without its zone. */
  readonly address: string
  readonly netmask: string
  /** IPv6 addresses of the same interface that can be dialled without a zone. */
  readonly ipv6: readonly string[]
}

/** Largest number of interfaces. Each costs a socket, and every socket receives the packets of all networks. */
const INTERFACES_MAX = 32

/** Addresses of one interface: privacy extensions add new ones every day. */
const IPV6_MAX = 4

/**
 * The addresses to use multicast DNS from: all IPv4 addresses, and one IPv6 address per interface. Loopback is included with its IPv4
 * address, for two terminals on a machine without a network.
 */
export function usableInterfaces(all: NetworkInterfaces): LocalInterface[] {
  const found = new Map<string, LocalInterface>()
  for (const [name, addresses = []] of Object.entries(all)) {
    const ipv6 = addresses.flatMap(({ address }) => (isPeerIpv6(address, true) ? [address] : [])).slice(0, IPV6_MAX)
    for (const { address, netmask, family } of addresses) {
      if (family !== 'IPv4' || !isPeerIpv4(address, true) || found.has(address)) continue
      found.set(address, { name, family, address, netmask, ipv6 })
    }
    const linkLocal = addresses.find(({ family, address }) => family === 'IPv6' && isLinkLocal(address))
    if (linkLocal === undefined) continue
    const { address, netmask } = linkLocal
    found.set(`${address}%${name}`, { name, family: 'IPv6', address, netmask, ipv6 })
  }
  return [...found.values()].slice(0, INTERFACES_MAX)
}

/**
 * The interface that a datagram from `source` arrived on: the interface of its zone, otherwise the one with the narrowest subnet that
 * contains it; undefined if there is none.
 */
export function interfaceOf(source: string, interfaces: Iterable<LocalInterface>): LocalInterface | undefined {
  const [, zone] = /^[0-9a-f:]+%(.+)$/i.exec(source) ?? []
  if (zone !== undefined) {
    for (const each of interfaces) if (each.family === 'IPv6' && each.name === zone) return each
    return undefined
  }
  const from = ipv4Number(source)
  if (from === undefined) return undefined
  let best: LocalInterface | undefined
  let bestMask = 0
  for (const each of interfaces) {
    if (each.family !== 'IPv4') continue
    if (each.address === source) return each
    const own = ipv4Number(each.address)
    const mask = ipv4Number(each.netmask)
    if (own === undefined || mask === undefined || ((own ^ from) & mask) !== 0 || mask <= bestMask) continue
    best = each
    bestMask = mask
  }
  return best
}

/** Identifies an interface between scans. IPv6 addresses are left out: they come and go without a change of network. */
export const interfaceKey = ({ name, address, netmask }: LocalInterface): string => `${name} ${address}/${netmask}`

export const isLoopback = ({ address }: Pick<LocalInterface, 'address'>): boolean => address.startsWith('127.')

/** Whether a listener on `host`, by default on all addresses, can be reached on an interface. A host name may be any address. */
export function isReachableAt(host: string | undefined, at: LocalInterface): boolean {
  if (host === undefined || host === '0.0.0.0' || host === '::') return true
  if (host === 'localhost' || host === '::1') return isLoopback(at)
  if (ipv4Number(host) !== undefined) return at.address === host
  const [address = ''] = host.split('%')
  return ipv6Groups(address) === undefined || at.address === address || at.ipv6.includes(address)
}
