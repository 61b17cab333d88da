import { isPeerIpv4, isPeerIpv6 } from '../ip-address.js'
import { isLoopback, type LocalInterface } from './interfaces.js'
import { type AddressRecord, fieldsOf, isSameName, itemsOf, lowered, recordsIn } from './packets.js'
import { addressRecords, dialable, TTL_S } from './service-records.js'

/** Spellings of our name that are answered in one response. */
const SPELLINGS_MAX = 4

/** Addresses that are accepted from one response: each may cost a dial. */
export const ADDRESSES_MAX = 16

/** Longest label and longest whole name in DNS, in bytes. RFC 1035 §2.3.4. */
const LABEL_BYTES_MAX = 63
const HOST_BYTES_MAX = 253

/** Control characters and line ends: the encoder of multicast-dns treats line ends as the end of a name. */
const LINE_ENDS = /[\p{Cc}\u2028\u2029]/u

/** `<name>.local` of a name, or the name itself if it ends in `.local`; undefined if DNS cannot carry it. */
export function hostOf(name: string): string | undefined {
  const isLocal = /\.local$/i.test(name)
  if ((!isLocal && name.includes('.')) || LINE_ENDS.test(name)) return undefined
  const host = isLocal ? name : `${name}.local`
  const sizes = host.split('.').map(label => Buffer.byteLength(label))
  if (sizes.some(size => size === 0 || size > LABEL_BYTES_MAX)) return undefined
  return Buffer.byteLength(host) > HOST_BYTES_MAX ? undefined : host
}

/**
 * The answer to a decoded query, which may contain anything, received on the interface `at`; undefined if it does not ask for `host`.
 * The A record is part of every answer, under the name as it was spelled: scuttleup peers read nothing else.
 */
export function answerTo(query: unknown, host: string, at: LocalInterface): AddressRecord[] | undefined {
  const lower = lowered(host)
  const spellings = new Map<string, boolean>()
  for (const question of itemsOf(query, 'questions')) {
    const { name, type } = fieldsOf(question)
    if (!isSameName(name, lower)) continue
    if (type !== 'A' && type !== 'AAAA' && type !== 'ANY') continue
    if (!spellings.has(name) && spellings.size === SPELLINGS_MAX) continue
    spellings.set(name, spellings.get(name) === true || type !== 'A')
  }
  if (spellings.size === 0) return undefined
  return [...spellings].flatMap(([name, isIpv6Asked]) => records(name, TTL_S, at, isIpv6Asked))
}

/** The records that withdraw the answers on an interface. RFC 6762 §10.1. */
export const goodbyeOf = (host: string, at: LocalInterface): AddressRecord[] => records(host, 0, at, true)

function records(name: string, ttl: number, at: LocalInterface, isIpv6Asked: boolean): AddressRecord[] {
  const all = addressRecords(name, at, ttl)
  return isIpv6Asked || at.family === 'IPv6' ? all : all.slice(0, 1)
}

/**
 * Addresses of `host` in a decoded response, which may contain anything, received on the interface `at`: IPv4 first, each once, at most
 * ADDRESSES_MAX. They are hints. Includes additional records, where register-multicast-dns puts IPv6; leaves out goodbyes.
 */
export function addressesIn(response: unknown, host: string, at: LocalInterface): string[] {
  const lower = lowered(host)
  const ipv4 = new Set<string>()
  const ipv6 = new Set<string>()
  for (const { name, type, ttl, data } of recordsIn(response)) {
    if (ttl === 0 || !isSameName(name, lower)) continue
    if (type === 'A' && isPeerIpv4(data, isLoopback(at))) ipv4.add(data)
    if (type !== 'AAAA') continue
    if (isPeerIpv6(data, isLoopback(at))) ipv6.add(data)
    else for (const address of dialable(data, at)) ipv6.add(address)
  }
  return [...ipv4, ...ipv6].slice(0, ADDRESSES_MAX)
}
