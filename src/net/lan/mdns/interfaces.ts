import { ipv4Number, ipv6Groups, isLinkLocal, isPeerIpv4, isPeerIpv6 } from '../ip-address.js'

/** What `os.networkInterfaces()` gives, as far as it is read here. */
export type NetworkInterfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>

interface InterfaceAddress {
  readonly address: string
  readonly netmask: string
  readonly family: string
}

/** One address of this machine that multicast DNS is spoken from, and where it stands. */
export interface LocalInterface {
  /** The system's name of it: `eth0`, `lo`. */
  readonly name: string
  readonly family: 'IPv4' | 'IPv6'
  /** An IPv4 address, or a link-local one of IPv6, without its zone. */
  readonly address: string
  readonly netmask: string
  /** IPv6 addresses of the same interface that can be dialled without a zone. */
  readonly ipv6: readonly string[]
}

/** Each costs a socket, and every socket hears every link. */
const INTERFACES_MAX = 32

/** Of each interface; privacy extensions make new ones every day. */
const IPV6_MAX = 4

/**
 * The addresses to speak multicast DNS from: those of IPv4, and one of IPv6 an interface. Loopback is among them by its
 * IPv4 address, for two terminals on a machine without a network.
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
 * The interface that a datagram from `source` came in on: the one of its zone, else the one whose subnet it belongs to,
 * the narrowest where several do; undefined where none does.
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

/** What makes two scans differ: another name, address or subnet. IPv6 addresses come and go without a change of network. */
export const interfaceKey = ({ name, address, netmask }: LocalInterface): string => `${name} ${address}/${netmask}`

export const isLoopback = ({ address }: Pick<LocalInterface, 'address'>): boolean => address.startsWith('127.')

/** Whether who listens on `host`, or without one on all addresses, is heard at an interface. Names can mean any. */
export function isHeardAt(host: string | undefined, at: LocalInterface): boolean {
  if (host === undefined || host === '0.0.0.0' || host === '::') return true
  if (host === 'localhost' || host === '::1') return isLoopback(at)
  if (ipv4Number(host) !== undefined) return at.address === host
  const [address = ''] = host.split('%')
  return ipv6Groups(address) === undefined || at.address === address || at.ipv6.includes(address)
}
