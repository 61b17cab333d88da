import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { Address } from '../lan/address.js'
import { ipv6Groups } from '../lan/ip-address.js'
import { CONTACTS_PER_FRAME_MAX, JOIN_HOPS_MAX } from './limits.js'
import { scopeOf } from './scope.js'

// Peer exchange frames: who takes part in the overlay, and where other peers are. docs/protocol/discovery.md §5.7.

/** Where a peer can be dialled, as learned from a connection to it. */
export interface Contact {
  /** The peer's short key. */
  readonly id: string
  /** The peer's IP address; undefined if it is on the same machine as the sender of the contact. */
  readonly host: string | undefined
  readonly port: number
}

export type PexFrame =
  /** The first frame on a connection: the sender takes part, can be dialled at `port` (0: it cannot be dialled), and has `connections`. */
  | { readonly kind: 'neighbour'; readonly port: number; readonly connections: number }
  | { readonly kind: 'shuffle-request' | 'shuffle-reply'; readonly contacts: readonly Contact[] }
  /** A peer joined. The news travels over `hops` further connections. */
  | { readonly kind: 'forward-join'; readonly hops: number; readonly contact: Contact }
  /** The sender's active view is full. The contacts may have room. */
  | { readonly kind: 'full'; readonly contacts: readonly Contact[] }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'bad' }

export type OutgoingPexFrame = Exclude<PexFrame, { readonly kind: 'unknown' | 'bad' }>

const TYPES = { neighbour: 9, 'shuffle-request': 10, 'shuffle-reply': 11, 'forward-join': 12, full: 13 } as const

const BAD: PexFrame = { kind: 'bad' }

const ID_BYTES = 8
const CONNECTIONS_SENT_MAX = 255
/** Kinds of addresses. */
const SAME_MACHINE = 0
const IPV4 = 4
const IPV6 = 6
/** System services listen on lower ports: strangers cannot make us dial lower ports. */
const PORT_MIN = 1024

export function encodePexFrame(frame: OutgoingPexFrame): Uint8Array {
  const writer = new ByteWriter().u8(TYPES[frame.kind])
  switch (frame.kind) {
    case 'neighbour':
      writer.u16(frame.port).u8(Math.min(CONNECTIONS_SENT_MAX, frame.connections))
      break
    case 'forward-join':
      writeContact(writer.u8(frame.hops), frame.contact)
      break
    default:
      for (const contact of frame.contacts) writeContact(writer, contact)
  }
  return writer.frame()
}

/** Decodes the body of a frame. Whether its contacts may be dialled is not checked here. */
export function decodePexFrame(body: Uint8Array): PexFrame {
  const reader = new ByteReader(body)
  switch (reader.u8()) {
    case TYPES.neighbour: {
      // Later versions may append to it.
      const [port, connections] = [reader.u16(), reader.u8()]
      return reader.isBad ? BAD : { kind: 'neighbour', port, connections }
    }
    case TYPES['shuffle-request']:
      return contactsFrame('shuffle-request', reader)
    case TYPES['shuffle-reply']:
      return contactsFrame('shuffle-reply', reader)
    case TYPES.full:
      return contactsFrame('full', reader)
    case TYPES['forward-join']: {
      const hops = reader.u8()
      const contact = readContact(reader)
      return hops > JOIN_HOPS_MAX ? BAD : (reader.end<PexFrame>({ kind: 'forward-join', hops, contact }) ?? BAD)
    }
    default:
      return { kind: 'unknown' }
  }
}

/**
 * The address to dial a contact at, as learned from a neighbour at the address `from`; undefined if it must not be dialled. Both addresses
 * have to be in the same scope. So a stranger can point us at this machine only from this machine, and neither from the internet into a
 * private network nor the other way round.
 */
export function dialableAddress({ host, port }: Contact, from: string): Address | undefined {
  if (port < PORT_MIN) return undefined
  if (host === undefined) return scopeOf(from) === undefined ? undefined : { host: from, port }
  const scope = scopeOf(host)
  return scope === undefined || scope !== scopeOf(from) ? undefined : { host, port }
}

/** A function that prepares contacts for a peer at the address `to`, and leaves out contacts that the peer could not dial. */
export function contactFilterFor(to: string): (contact: Contact & { readonly host: string }) => Contact[] {
  const scopeThere = scopeOf(to)
  return contact => {
    const scope = scopeOf(contact.host)
    if (scope === undefined || contact.port < PORT_MIN) return []
    if (scope === 'machine') return [{ ...contact, host: undefined }]
    return scope === scopeThere ? [contact] : []
  }
}

function contactsFrame(kind: 'shuffle-request' | 'shuffle-reply' | 'full', reader: ByteReader): PexFrame {
  const contacts: Contact[] = []
  while (reader.remaining > 0) {
    if (contacts.length >= CONTACTS_PER_FRAME_MAX) return BAD
    contacts.push(readContact(reader))
  }
  return reader.end<PexFrame>({ kind, contacts }) ?? BAD
}

function readContact(reader: ByteReader): Contact {
  const id = hexOf(reader.bytes(ID_BYTES))
  const port = reader.u16()
  switch (reader.u8()) {
    case SAME_MACHINE:
      return { id, port, host: undefined }
    case IPV4:
      return { id, port, host: reader.bytes(4).join('.') }
    case IPV6:
      return { id, port, host: Array.from({ length: 8 }, () => reader.u16().toString(16)).join(':') }
    default:
      reader.fail()
      return { id, port, host: undefined }
  }
}

function writeContact(writer: ByteWriter, { id, host, port }: Contact): void {
  writer.bytes(Buffer.from(id, 'hex')).u16(port)
  if (host === undefined) writer.u8(SAME_MACHINE)
  else if (!host.includes(':')) writer.u8(IPV4).bytes(Uint8Array.from(host.split('.'), Number))
  else {
    writer.u8(IPV6)
    for (const group of ipv6Groups(host) ?? []) writer.u16(group)
  }
}
