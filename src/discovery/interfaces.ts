import { ipv4Number, isPeerIpv4, isPeerIpv6 } from './ip-address.js'

/** What `os.networkInterfaces()` gives, as far as it is read here. */
export type NetworkInterfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>

interface InterfaceAddress {
  readonly address: string
  readonly netmask: string
  readonly family: string
}

/** One IPv4 address of this machine, and where it stands. */
export interface LocalInterface {
  /** The system's name of it: `eth0`, `lo`. */
  readonly name: string
  readonly address: string
  readonly netmask: string
  /** IPv6 addresses of the same interface that can be dialled without a zone. */
  readonly ipv6: readonly string[]
}

/** Each costs a socket, and every socket hears every link. */
const INTERFACES_MAX = 32

/** Of each interface; privacy extensions make new ones every day. */
const IPV6_MAX = 4

/** The IPv4 addresses to speak multicast DNS from. Loopback is among them, for two terminals on a machine without a network. */
export function usableInterfaces(all: NetworkInterfaces): LocalInterface[] {
  const found = new Map<string, LocalInterface>()
  for (const [name, addresses = []] of Object.entries(all)) {
    const ipv6 = addresses.flatMap(({ address }) => (isPeerIpv6(address, true) ? [address] : [])).slice(0, IPV6_MAX)
    for (const { address, netmask, family } of addresses) {
      if (family !== 'IPv4' || !isPeerIpv4(address, true) || found.has(address)) continue
      found.set(address, { name, address, netmask, ipv6 })
    }
  }
  return [...found.values()].slice(0, INTERFACES_MAX)
}

/** The interface whose subnet `source` belongs to, the narrowest where several do; undefined where none does. */
export function interfaceOf(source: string, interfaces: Iterable<LocalInterface>): LocalInterface | undefined {
  const from = ipv4Number(source)
  if (from === undefined) return undefined
  let best: LocalInterface | undefined
  let bestMask = 0
  for (const each of interfaces) {
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

export const isLoopback = ({ address }: LocalInterface): boolean => address.startsWith('127.')
