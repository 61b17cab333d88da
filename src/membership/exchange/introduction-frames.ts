import { SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { Operation } from '../format/operation.js'
import { CARD_BYTES_MAX, OPERATION_BYTES_MAX } from '../limits.js'

// Frames between peers that do not share a channel of a private room (yet). docs/protocol/membership.md §9.12.

const EVIDENCE = 2
const ENDED = 3
const KNOCK = 4
const WELCOME = 5
const JOIN = 6
const ADMITTED = 7
const REFUSED = 8
const CARD = 12

const TAG_BYTES = 16
const ROOM_ID_BYTES = 32
const PAGE_BYTES = 48 * 1024

/** Why a code admits nobody, in the order of their numbers from 1. */
const KNOCK_REFUSALS = ['used', 'withdrawn', 'void', 'expired', 'removed', 'own-invitation'] as const
export type KnockRefusal = (typeof KNOCK_REFUSALS)[number]

export type IntroductionFrame = { readonly tag: Uint8Array } & (
  | { readonly kind: 'evidence' | 'ended'; readonly items: readonly Uint8Array[] }
  | { readonly kind: 'knock' }
  | {
      readonly kind: 'welcome' | 'admitted'
      readonly room: Uint8Array
      readonly items: readonly Uint8Array[]
      readonly isLast: boolean
    }
  /** `consent` is in hex. */
  | { readonly kind: 'join'; readonly consent: string; readonly use: Uint8Array }
  /** What a newcomer says about themselves, as bytes that are not checked yet. */
  | { readonly kind: 'card'; readonly card: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: KnockRefusal; readonly until: number }
)

type Tag = Uint8Array

export const encodeKnock = (tag: Tag): Uint8Array => new ByteWriter().u8(KNOCK).bytes(tag).finish()

export const encodeJoin = (tag: Tag, consent: string, use: Uint8Array): Uint8Array =>
  new ByteWriter().u8(JOIN).bytes(tag).bytes(Buffer.from(consent, 'hex')).bytes(use).finish()

export const encodeNewcomerCard = (tag: Tag, card: Uint8Array): Uint8Array =>
  new ByteWriter().u8(CARD).bytes(tag).bytes(card).finish()

export const encodeRefused = (tag: Tag, reason: KnockRefusal, until: number): Uint8Array =>
  new ByteWriter()
    .u8(REFUSED)
    .bytes(tag)
    .u8(1 + KNOCK_REFUSALS.indexOf(reason))
    .varint(until)
    .finish()

export const encodeEvidence = (
  kind: 'evidence' | 'ended',
  tag: Tag,
  operations: readonly Pick<Operation, 'bytes'>[],
): Uint8Array[] =>
  pagesOf(operations).map(page => {
    const writer = new ByteWriter().u8(kind === 'evidence' ? EVIDENCE : ENDED).bytes(tag)
    for (const { bytes } of page) writer.sized(bytes)
    return writer.finish()
  })

export const encodeWelcome = (
  kind: 'welcome' | 'admitted',
  tag: Tag,
  room: Uint8Array,
  operations: readonly Operation[],
): Uint8Array[] =>
  pagesOf(operations).map((page, index, { length }) => {
    const writer = new ByteWriter().u8(kind === 'welcome' ? WELCOME : ADMITTED)
    writer
      .bytes(tag)
      .bytes(room)
      .u8(Number(index === length - 1))
    for (const { bytes } of page) writer.sized(bytes)
    return writer.finish()
  })

function pagesOf<T extends Pick<Operation, 'bytes'>>(operations: readonly T[]): T[][] {
  const pages: T[][] = [[]]
  let size = 0
  for (const operation of operations) {
    if (size > 0 && size + operation.bytes.length > PAGE_BYTES) {
      pages.push([])
      size = 0
    }
    pages.at(-1)?.push(operation)
    size += operation.bytes.length
  }
  return pages
}

/** Undefined for malformed bytes. */
export function decodeIntroductionFrame(body: Uint8Array): IntroductionFrame | undefined {
  const reader = new ByteReader(body)
  const type = reader.u8()
  const tag = reader.bytes(TAG_BYTES)
  switch (type) {
    case EVIDENCE:
    case ENDED: {
      const items = itemsIn(reader)
      return reader.end({ kind: type === EVIDENCE ? 'evidence' : 'ended', tag, items })
    }
    case KNOCK:
      return reader.end({ kind: 'knock', tag })
    case WELCOME:
    case ADMITTED: {
      const room = Uint8Array.from(reader.bytes(ROOM_ID_BYTES))
      const last = reader.u8()
      const items = itemsIn(reader)
      if (last > 1) return undefined
      return reader.end({ kind: type === WELCOME ? 'welcome' : 'admitted', tag, room, items, isLast: last === 1 })
    }
    case JOIN: {
      const consent = hexOf(reader.bytes(SIGNATURE_BYTES))
      const use = reader.bytes(SIGNATURE_BYTES)
      return reader.end({ kind: 'join', tag, consent, use })
    }
    case REFUSED: {
      const reason = KNOCK_REFUSALS[reader.u8() - 1]
      const until = reader.varint()
      return reason && reader.end({ kind: 'refused', tag, reason, until })
    }
    case CARD: {
      const card = Uint8Array.from(reader.rest())
      return card.length > CARD_BYTES_MAX ? undefined : reader.end({ kind: 'card', tag, card })
    }
    default:
      return undefined
  }
}

function itemsIn(reader: ByteReader): Uint8Array[] {
  const items: Uint8Array[] = []
  while (reader.remaining > 0) items.push(reader.sized(OPERATION_BYTES_MAX))
  return items
}
