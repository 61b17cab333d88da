import { HASH_BYTES } from '../../base/crypto/hash.js'
import { KEY_BYTES } from '../../base/crypto/signing.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { AuthorId } from '../../log/format/author.js'
import { type TermName, termName } from '../evaluation/operation-log.js'
import type { OperationId, TermId } from '../format/body.js'
import type { OperationsHead } from '../heads.js'
import { CARD_BYTES_MAX, OPERATION_BYTES_MAX } from '../limits.js'

// Frames by which two members synchronise their operations. docs/protocol/membership.md §9.11.

const SUMMARY = 17
const HEADS = 18
const IDS = 19
const OPERATIONS = 20
const CARDS = 21
const READ = 22

const FIRST_TYPE = SUMMARY
const LAST_TYPE = READ

/** Bytes in one page, unless a single item is longer. */
const PAGE_BYTES = 48 * 1024
const ID_BYTES = 32

export type ExchangeFrame =
  | { readonly kind: 'summary'; readonly digest: string }
  | { readonly kind: 'heads'; readonly heads: ReadonlyMap<TermName, OperationsHead>; readonly isLast: boolean }
  | { readonly kind: 'ids'; readonly ids: readonly OperationId[]; readonly isLast: boolean }
  /** Operations or cards, undecoded. */
  | { readonly kind: 'operations' | 'cards'; readonly items: readonly Uint8Array[]; readonly isLast: boolean }
  /** A page was processed. */
  | { readonly kind: 'read' }

/** Whether a frame belongs to the exchange of operations. */
export const isExchangeFrame = (body: Uint8Array): boolean => {
  const type = body[0] ?? 0
  return type >= FIRST_TYPE && type <= LAST_TYPE
}

export const encodeSummary = (digest: string): Uint8Array =>
  new ByteWriter().u8(SUMMARY).bytes(Buffer.from(digest, 'hex')).finish()

export const encodeRead = (): Uint8Array => Uint8Array.of(READ)

export const headPages = (heads: ReadonlyMap<TermName, OperationsHead>): Uint8Array[] =>
  pagesOf(
    HEADS,
    [...heads].map(([name, { count, digest }]) =>
      new ByteWriter()
        .bytes(Buffer.from(name.replace('/', ''), 'hex'))
        .u32(count)
        .bytes(Buffer.from(digest, 'hex'))
        .finish(),
    ),
  )

export const idPages = (ids: readonly OperationId[]): Uint8Array[] =>
  pagesOf(
    IDS,
    ids.map(id => Buffer.from(id, 'hex')),
  )

export const operationPages = (operations: readonly { readonly bytes: Uint8Array }[]): Uint8Array[] =>
  pagesOf(OPERATIONS, operations.map(sized))

export const cardPages = (cards: readonly { readonly bytes: Uint8Array }[]): Uint8Array[] =>
  pagesOf(CARDS, cards.map(sized))

const sized = ({ bytes }: { readonly bytes: Uint8Array }): Uint8Array => new ByteWriter().sized(bytes).finish()

/** One or more frames with these items. The last frame is marked. */
function pagesOf(type: number, items: readonly Uint8Array[]): Uint8Array[] {
  const pages: Uint8Array[][] = [[]]
  let bytes = 0
  for (const item of items) {
    if (bytes > 0 && bytes + item.length > PAGE_BYTES) {
      pages.push([])
      bytes = 0
    }
    pages.at(-1)?.push(item)
    bytes += item.length
  }
  return pages.map((page, index) => Buffer.concat([Uint8Array.of(type, Number(index === pages.length - 1)), ...page]))
}

/** Undefined for malformed bytes. */
export function decodeExchangeFrame(body: Uint8Array): ExchangeFrame | undefined {
  const reader = new ByteReader(body)
  const type = reader.u8()
  if (type === READ) return reader.end({ kind: 'read' })
  if (type === SUMMARY) {
    const digest = hexOf(reader.bytes(HASH_BYTES))
    return reader.end({ kind: 'summary', digest })
  }
  const last = reader.u8()
  if (last > 1) return undefined
  const isLast = last === 1
  switch (type) {
    case HEADS: {
      const heads = new Map<TermName, OperationsHead>()
      while (reader.remaining > 0) {
        const author = hexOf(reader.bytes(KEY_BYTES)) as AuthorId
        const term = hexOf(reader.bytes(ID_BYTES)) as TermId
        const count = reader.u32()
        heads.set(termName(author, term), { count, digest: hexOf(reader.bytes(HASH_BYTES)) })
      }
      return reader.end({ kind: 'heads', heads, isLast })
    }
    case IDS: {
      const ids: OperationId[] = []
      while (reader.remaining > 0) ids.push(hexOf(reader.bytes(ID_BYTES)) as OperationId)
      return reader.end({ kind: 'ids', ids, isLast })
    }
    case OPERATIONS:
    case CARDS: {
      const items: Uint8Array[] = []
      const bytesMax = type === CARDS ? CARD_BYTES_MAX : OPERATION_BYTES_MAX
      while (reader.remaining > 0) items.push(reader.sized(bytesMax))
      return reader.end({ kind: type === CARDS ? 'cards' : 'operations', items, isLast })
    }
    default:
      return undefined
  }
}
