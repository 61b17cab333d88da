import { hash } from '../../../base/crypto/hash.js'
import { sanitise } from '../../../base/safe-text.js'
import { hexOf, utf8 } from '../../../base/wire/bytes.js'
import { ipv6Groups, isLinkLocal, isPeerIpv4, isPeerIpv6 } from '../ip-address.js'
import type { LocalInterface } from './interfaces.js'
import { interfaceOf, isLoopback } from './interfaces.js'
import { type AddressRecord, type DnsRecord, fieldsOf, isSameName, lowered, recordsIn } from './packets.js'

/** The service type of native peers. RFC 6763; docs/protocol/discovery.md §2.6. */
export const SERVICE = '_persisted-chat._tcp.local'

/** The name to query for all service types. RFC 6763 §9. */
export const ALL_SERVICES = '_services._dns-sd._udp.local'

/** Time to live of our records. */
export const TTL_S = 120

/** Hex digits of a room tag and of a short key. */
const TAG_DIGITS = 16

/** Services that are accepted from one packet, and addresses of each. Our packets have one service. */
const SERVICES_PER_PACKET_MAX = 8
const ADDRESSES_MAX = 8

/** Room tags per TXT string, which has at most 255 bytes; and the number of TXT strings with tags: `rooms=`, `rooms2=`, … */
const TAGS_PER_STRING = 15
const TAG_STRINGS_MAX = 4

const LABEL_BYTES_MAX = 63

/** An announced peer. */
export interface Service {
  /** The user's name, or `alice (2)` if another peer on this network has that. */
  readonly instance: string
  /** A name of this process alone. Its addresses are those of the queried interface. */
  readonly host: string
  readonly port: number
  /** The version of the protocol. */
  readonly version: number
  /** `roomTag` of each of its public rooms. */
  readonly rooms: readonly string[]
  /** `shortKeyOf` its public key. */
  readonly key: string
}

/** A service in a response. Everything in it is a hint. */
export interface Sighting {
  readonly service: Service
  /** Its addresses, IPv4 first. */
  readonly addresses: readonly string[]
  /** Validity in seconds; 0 is a goodbye. */
  readonly ttl: number
}

/** Identifies a room without revealing its id, which only those who know the room's name can compute. */
export const roomTag = (roomId: Uint8Array): string =>
  hexOf(hash(utf8('persisted-chat/tag/1'), roomId)).slice(0, TAG_DIGITS)

/** The announced prefix of a public key: enough to tell peers apart. */
export const shortKeyOf = (publicKey: Uint8Array): string => shortKeyIn(hexOf(publicKey))

/** `shortKeyOf` for a key that is already in hex. */
export const shortKeyIn = (key: string): string => key.slice(0, TAG_DIGITS)

/** A host name for this process, from random bytes. */
export const serviceHost = (random: Uint8Array): string => `persisted-chat-${hexOf(random).slice(0, TAG_DIGITS)}.local`

const HOST = /^persisted-chat-[0-9a-f]{16}\.local$/

/** The full name of an instance. */
export const fullNameOf = (instance: string): string => `${instance}.${SERVICE}`

/** Name number `number` of an instance, from 1: `alice`, `alice (2)`, …, cut to the length of a label. */
export function instanceName(name: string, number: number): string {
  const suffix = number === 1 ? '' : ` (${number})`
  const characters = [...name]
  while (Buffer.byteLength(characters.join('')) + suffix.length > LABEL_BYTES_MAX) characters.pop()
  return characters.join('') + suffix
}

/** The user name in an instance name: without ` (2)`. User names contain no space. */
export const requestedName = (instance: string): string => instance.replace(/ \(\d+\)$/, '')

/** The PTR record: the service exists. */
export const pointerTo = ({ instance }: Service, ttl = TTL_S): DnsRecord => ({
  type: 'PTR',
  name: SERVICE,
  ttl,
  data: fullNameOf(instance),
})

/** The SRV record: its host and port. */
export const locationOf = ({ instance, port, host }: Service, ttl = TTL_S): DnsRecord => ({
  type: 'SRV',
  name: fullNameOf(instance),
  ttl,
  data: { port, target: host },
})

/** The TXT record: version, rooms and key. */
const descriptionOf = ({ instance, version, rooms, key }: Service, ttl: number): DnsRecord => ({
  type: 'TXT',
  name: fullNameOf(instance),
  ttl,
  data: [`v=${version}`, ...tagStrings(rooms), `key=${key}`],
})

const tagStrings = (rooms: readonly string[]): string[] =>
  Array.from(
    { length: Math.min(TAG_STRINGS_MAX, Math.max(1, Math.ceil(rooms.length / TAGS_PER_STRING))) },
    (_, index) => {
      const tags = rooms.slice(index * TAGS_PER_STRING, (index + 1) * TAGS_PER_STRING)
      return `rooms${index === 0 ? '' : index + 1}=${tags.join('')}`
    },
  )

/** The address records of a host on an interface. */
export function addressRecords(name: string, at: LocalInterface, ttl = TTL_S): AddressRecord[] {
  const ipv6 = at.ipv6.map(data => ({ type: 'AAAA' as const, name, ttl, data }))
  if (at.family === 'IPv6') return [{ type: 'AAAA', name, ttl, data: at.address }, ...ipv6]
  return [{ type: 'A', name, ttl, data: at.address }, ...ipv6]
}

/** All records of a service on an interface. A response has all of them, so that one query is enough. */
export const serviceRecords = (service: Service, at: LocalInterface, ttl = TTL_S): DnsRecord[] => [
  pointerTo(service, ttl),
  locationOf(service, ttl),
  descriptionOf(service, ttl),
  ...addressRecords(service.host, at, ttl),
]

/** The services in a decoded response, which may contain anything, received on the interface `at`. */
export function sightingsIn(response: unknown, at: LocalInterface): Sighting[] {
  const records = recordsIn(response)
  const found = new Map<string, Sighting>()
  for (const { type, name, ttl, data } of records) {
    if (found.size === SERVICES_PER_PACKET_MAX) break
    if (type !== 'SRV' || !isSeconds(ttl)) continue
    const instance = instanceIn(name)
    const { port, target } = fieldsOf(data)
    if (instance === undefined || !isPort(port) || typeof target !== 'string' || !HOST.test(lowered(target))) continue
    const lower = lowered(fullNameOf(instance))
    const described = records.find(record => record.type === 'TXT' && isSameName(record.name, lower))
    const description = readDescription(described?.data)
    if (description === undefined) continue
    const host = lowered(target)
    const service: Service = { instance, host, port, ...description }
    found.set(lower, { service, ttl: Math.min(ttl, TTL_S), addresses: addressesOf(host, records, at) })
  }
  return [...found.values()]
}

/** The location in an SRV record of an instance; undefined for any other record, and for a goodbye. */
export function locationIn(record: unknown, instance: string): { port: unknown; target: unknown } | undefined {
  const { type, name, ttl, data } = fieldsOf(record)
  if (type !== 'SRV' || ttl === 0 || !isSameName(name, lowered(fullNameOf(instance)))) return undefined
  const { port, target } = fieldsOf(data)
  return { port, target }
}

/** The instance of a full name, if it needs no sanitising and is one label. */
function instanceIn(name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined
  const suffix = `.${SERVICE}`
  if (!lowered(name).endsWith(suffix)) return undefined
  const instance = name.slice(0, -suffix.length)
  const isText = instance !== '' && !instance.includes('.') && sanitise(instance) === instance
  return isText && Buffer.byteLength(instance) <= LABEL_BYTES_MAX ? instance : undefined
}

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536

const isSeconds = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0

function readDescription(data: unknown): Pick<Service, 'version' | 'rooms' | 'key'> | undefined {
  const strings = Array.isArray(data) ? data.slice(0, 16) : []
  const values = new Map<string, string>()
  for (const each of strings) {
    const text = Buffer.isBuffer(each) || typeof each === 'string' ? each.toString() : ''
    const [, key = '', value = ''] = /^(v|rooms[2-4]?|key)=([0-9a-f]*)$/.exec(text) ?? []
    if (!values.has(key)) values.set(key, value)
  }
  const [version = '', key = ''] = [values.get('v'), values.get('key')]
  const tags = ['rooms', 'rooms2', 'rooms3', 'rooms4'].map(name => values.get(name) ?? '').join('')
  if (!/^[1-9]\d{0,5}$/.test(version) || key.length !== TAG_DIGITS) return undefined
  if (!values.has('rooms') || tags.length % TAG_DIGITS !== 0) return undefined
  return { version: Number(version), rooms: tags.match(/.{16}/g) ?? [], key }
}

/** The addresses of `host` in the records, restricted to this network: a forged record cannot make us dial elsewhere. */
function addressesOf(
  host: string,
  records: readonly { name?: unknown; type?: unknown; data?: unknown }[],
  at: LocalInterface,
): string[] {
  const ipv4 = new Set<string>()
  const ipv6 = new Set<string>()
  for (const { name, type, data } of records) {
    if (!isSameName(name, host)) continue
    if (type === 'A' && isPeerIpv4(data, isLoopback(at)) && interfaceOf(data, [at]) !== undefined) ipv4.add(data)
    if (type === 'AAAA') for (const address of dialable(data, at)) ipv6.add(address)
  }
  return [...ipv4, ...ipv6].slice(0, ADDRESSES_MAX)
}

/**
 * An IPv6 address as it can be dialled from an interface: a link-local address with its zone; another address if it is in a shared subnet.
 */
export function dialable(address: unknown, at: LocalInterface): string[] {
  const groups = ipv6Groups(address)
  if (groups === undefined || typeof address !== 'string') return []
  if (isLinkLocal(address)) return at.family === 'IPv6' ? [`${address}%${at.name}`] : []
  if (!isPeerIpv6(address, isLoopback(at))) return []
  const subnet = (each: readonly number[] | undefined): string => (each ?? []).slice(0, 4).join()
  return at.ipv6.some(own => subnet(ipv6Groups(own)) === subnet(groups)) ? [address] : []
}
