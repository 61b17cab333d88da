import { concat, hexOf } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import { ipv4Number, ipv6Groups, isLinkLocal, isPeerIpv4, isPeerIpv6 } from '../lan/ip-address.js'
import { CONTACTS_PER_FRAME_MAX, JOIN_HOPS_MAX } from './limits.js'

// What peers who meet others say on their links: who they are, and where further ones are. PROTOCOL.md §5.7.

/** Where somebody can be dialled, as some link to him showed. */
export interface Contact {
  /** The first 16 hex digits of his key. */
  readonly id: string
  /** His address; undefined where he is on the same machine as who tells of him. */
  readonly host: string | undefined
  readonly port: number
}

export type PexFrame =
  /** The first on a link: the sender meets others, can be dialled at this port (0: nowhere), and has so many links. */
  | { readonly kind: 'neighbour'; readonly port: number; readonly links: number }
  /** Who else is there; `question` where the same is asked for. */
  | { readonly kind: 'question' | 'answer'; readonly contacts: readonly Contact[] }
  /** Somebody is new; to be passed on over so many links. */
  | { readonly kind: 'newcomer'; readonly hops: number; readonly contact: Contact }
  /** There is no room for this link; others may have some. */
  | { readonly kind: 'full'; readonly contacts: readonly Contact[] }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'bad' }

export type OutgoingPexFrame = Exclude<PexFrame, { readonly kind: 'unknown' | 'bad' }>

const TYPES = { neighbour: 9, question: 10, answer: 11, newcomer: 12, full: 13 } as const

const ID_BYTES = 8
const SAME_MACHINE = 0
const IPV4 = 4
const IPV6 = 6
/** Below it listen the services of systems: no peer is dialled there because somebody says so. */
const PORT_MIN = 1024

export function encodePexFrame(said: OutgoingPexFrame): Uint8Array {
  const type = Uint8Array.of(TYPES[said.kind])
  switch (said.kind) {
    case 'neighbour':
      return frame(concat([type, u16(said.port), Uint8Array.of(Math.min(255, said.links))]))
    case 'newcomer':
      return frame(concat([type, Uint8Array.of(said.hops), bytesOf(said.contact)]))
    default:
      return frame(concat([type, ...said.contacts.map(bytesOf)]))
  }
}

/** What the body of a frame says. Never throws. Whether a contact can be one is not looked at here. */
export function decodePexFrame(body: Uint8Array): PexFrame {
  const rest = body.subarray(1)
  switch (body[0]) {
    case TYPES.neighbour:
      return rest.length < 3 ? { kind: 'bad' } : { kind: 'neighbour', port: numberAt(rest, 0), links: rest[2] ?? 0 }
    case TYPES.question:
      return withContacts('question', rest)
    case TYPES.answer:
      return withContacts('answer', rest)
    case TYPES.full:
      return withContacts('full', rest)
    case TYPES.newcomer: {
      const hops = rest[0] ?? 0
      const [contact, ...more] = contactsOf(rest.subarray(1)) ?? []
      if (contact === undefined || more.length > 0 || hops > JOIN_HOPS_MAX) return { kind: 'bad' }
      return { kind: 'newcomer', hops, contact }
    }
    default:
      return { kind: 'unknown' }
  }
}

/** How far an address counts: on this machine, on private networks, everywhere; undefined where no peer can have it. */
export function scopeOf(host: string): 'machine' | 'private' | 'public' | undefined {
  const ipv4 = ipv4Number(host)
  if (ipv4 !== undefined) {
    if (!isPeerIpv4(host, true)) return undefined
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
  if (!isPeerIpv6(host, true) || isLinkLocal(host)) return undefined
  const first = ipv6Groups(host)?.[0] ?? 0
  if (first === 0) return 'machine'
  return (first & 0xfe00) === 0xfc00 ? 'private' : 'public'
}

/**
 * Where a contact can be dialled, as heard over a link with `from`; undefined where nobody should. A stranger can point
 * at others on the networks that he is on, and nowhere else: not at this machine, unless he is on it, not from the
 * internet into a private network, nor from there to the internet.
 */
export function dialableAddress(
  { host, port }: Contact,
  from: string,
): { readonly host: string; readonly port: number } | undefined {
  if (port < PORT_MIN) return undefined
  if (host === undefined) return scopeOf(from) === undefined ? undefined : { host: from, port }
  const scope = scopeOf(host)
  return scope === undefined || scope !== scopeOf(from) ? undefined : { host, port }
}

/** How contacts are told to somebody at `to`, of those who were seen at `host`: those that are of no use to him are not. */
export function contactFilterFor(to: string): (contact: Contact & { readonly host: string }) => Contact[] {
  const scopeThere = scopeOf(to)
  return contact => {
    const scope = scopeOf(contact.host)
    if (scope === undefined || contact.port < PORT_MIN) return []
    if (scope === 'machine') return [{ ...contact, host: undefined }]
    return scope === scopeThere ? [contact] : []
  }
}

function withContacts(kind: 'question' | 'answer' | 'full', bytes: Uint8Array): PexFrame {
  const contacts = contactsOf(bytes)
  return contacts === undefined ? { kind: 'bad' } : { kind, contacts }
}

function contactsOf(bytes: Uint8Array): Contact[] | undefined {
  const contacts: Contact[] = []
  let offset = 0
  while (offset < bytes.length) {
    const id = bytes.subarray(offset, offset + ID_BYTES)
    const kind = bytes[offset + ID_BYTES + 2]
    const length = kind === IPV4 ? 4 : kind === IPV6 ? 16 : 0
    const start = offset + ID_BYTES + 3
    const end = start + length
    if (end > bytes.length || (kind !== SAME_MACHINE && length === 0)) return undefined
    if (contacts.length >= CONTACTS_PER_FRAME_MAX) return undefined
    const address = bytes.subarray(start, end)
    contacts.push({
      id: hexOf(id),
      port: numberAt(bytes, offset + ID_BYTES),
      host: kind === IPV4 ? address.join('.') : kind === IPV6 ? ipv6Text(address) : undefined,
    })
    offset = end
  }
  return contacts
}

function bytesOf({ id, host, port }: Contact): Uint8Array {
  const start = [Buffer.from(id, 'hex'), u16(port)]
  if (host === undefined) return concat([...start, Uint8Array.of(SAME_MACHINE)])
  if (!host.includes(':')) return concat([...start, Uint8Array.of(IPV4, ...host.split('.').map(Number))])
  return concat([...start, Uint8Array.of(IPV6), ...(ipv6Groups(host) ?? []).map(u16)])
}

const ipv6Text = (bytes: Uint8Array): string =>
  Array.from({ length: 8 }, (_, index) => numberAt(bytes, index * 2).toString(16)).join(':')

const numberAt = (bytes: Uint8Array, offset: number): number => ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)

const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
