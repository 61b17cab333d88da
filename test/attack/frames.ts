import type { Keys } from './author.js'
import { bytesField, u16, u32, utf8, varint, varintField } from './bytes.js'

// The bodies of frames between native peers, with their type. docs/protocol/wire.md §5.2.

const sized = (bytes: Uint8Array): Buffer => Buffer.concat([varint(bytes.length), bytes])
const typed = (type: number, ...parts: readonly Uint8Array[]): Buffer => Buffer.concat([Buffer.of(type), ...parts])

export const headsFrame = (heads: readonly Buffer[]): Buffer => typed(1, ...heads.map(head => bytesField(1, head)))

export const segmentsFrame = (segments: readonly Buffer[]): Buffer => typed(2, ...segments.map(sized))

const NOTE_FIELDS = { announce: 1, subscribe: 2, unsubscribe: 3 }

/** Notes about logs. Notes of subscriptions have no chain value. */
export const notesFrame = (kind: keyof typeof NOTE_FIELDS, heads: readonly Buffer[]): Buffer =>
  typed(6, ...heads.map(head => bytesField(NOTE_FIELDS[kind], kind === 'subscribe' ? head.subarray(0, 40) : head)))

export const requestFrame = (key: Buffer, seq: number): Buffer => typed(5, key, u32(0), u32(seq))

export const fingerprintsFrame = (fingerprints: Buffer): Buffer => typed(7, fingerprints)

export function statusFrame(keys: Keys, room: Buffer, name: string, now = Date.now()): Buffer {
  const fields = Buffer.concat([
    varintField(1, now),
    varintField(2, now + 540_000),
    varintField(3, 0),
    varintField(4, 16),
    bytesField(5, utf8(name)),
  ])
  const signature = keys.sign(Buffer.concat([utf8('persisted-chat/status/1'), room, keys.publicKey, fields]))
  return typed(8, Buffer.of(1), keys.publicKey, signature, fields)
}

/** The sender can be dialled at a port, and claims a number of connections. */
export const neighbourFrame = (port: number, connections: number): Buffer => typed(9, u16(port), Buffer.of(connections))

/** Contacts on the machine of the sender. */
export const contactsFrame = (contacts: readonly { readonly key: Buffer; readonly port: number }[]): Buffer =>
  typed(11, ...contacts.map(({ key, port }) => Buffer.concat([key.subarray(0, 8), u16(port), Buffer.of(0)])))
