import { crc32 } from 'node:zlib'
import { bufferOf, hexOf, textOf, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, isSigned, type Run, type Seq } from '../format/author.js'
import { CHAIN_BYTES, type ChainValue } from '../format/chain.js'
import { RUN_MAX, SEQ_MAX } from '../limits.js'
import { generationOf } from '../own/opening.js'
import type { Put } from '../store/store.js'

/** Largest batch that is included in the mark. After a crash between mark and commit, the batch is restored from the mark. */
export const BATCH_BYTES_MAX = 32 * 1024

/** Entries of ours that were being written together with the mark. */
interface Batch {
  /** The end of the log before them. */
  readonly before: { readonly seq: Seq; readonly chain: ChainValue }
  readonly rows: readonly Put[]
}

/** The end of our log, recorded outside the database. */
export interface End {
  readonly run: Run
  /** Last entry that may have been acknowledged. */
  readonly seq: Seq
  readonly chain: ChainValue
  readonly batch?: Batch | undefined
  /** Whether the log was closed cleanly after its last entry. If so, a batch that the database lacks was written, and lost later. */
  readonly isClean?: boolean | undefined
}

/** Records the end of our log outside the database. */
export interface EndMark {
  /** Records an end, unless a later one is recorded; resolves when it is on disk. Never rejects: an unwritable mark is abandoned. */
  advance(end: End): Promise<void>
  /** Records that the log ends here, even if a later end was recorded before. */
  reset(end: End): Promise<void>
}

/** Identifies the file of a mark. A copy of the file has another identity. */
export interface FileIdentity {
  /** The id of the machine; empty if it has none. */
  readonly machine: string
  readonly inode: string
  readonly bornMs: number
}

export interface Mark extends End {
  /** Number of this write. The slot with the higher number wins. */
  readonly generation: number
  readonly author: AuthorId
  readonly place: FileIdentity
}

/** Two slots are written in turn, so that a torn write leaves the other one intact. */
export const SLOT_BYTES = 48 * 1024
const HEADER_BYTES = 8
/** Marks of other formats are ignored: they describe logs of those formats. */
const FORMAT = 2

/** Checksum, length, and the mark as JSON. */
export function encodeMark(mark: Mark): Uint8Array {
  const { batch, chain, ...rest } = mark
  const text = utf8(
    JSON.stringify({
      format: FORMAT,
      ...rest,
      chain: hexOf(chain),
      ...(batch !== undefined && {
        batch: {
          seq: batch.before.seq,
          chain: hexOf(batch.before.chain),
          rows: batch.rows.map(({ key, value }) => [base64(key), base64(value)]),
        },
      }),
    }),
  )
  const bytes = Buffer.alloc(HEADER_BYTES + text.length)
  bytes.set(text, HEADER_BYTES)
  bytes.writeUInt32BE(text.length, 4)
  bytes.writeUInt32BE(crc32(bytes.subarray(4)))
  return bytes
}

/** The mark in a slot; undefined if it is empty or damaged. */
export function decodeMark(slot: Uint8Array): Mark | undefined {
  const bytes = bufferOf(slot)
  if (bytes.length < HEADER_BYTES) return undefined
  const end = HEADER_BYTES + bytes.readUInt32BE(4)
  if (end > bytes.length || bytes.readUInt32BE() !== crc32(bytes.subarray(4, end))) return undefined
  try {
    return markOf(JSON.parse(textOf(bytes.subarray(HEADER_BYTES, end)) ?? ''))
  } catch {
    return undefined // written by another version
  }
}

/** The later of two marks of a key: in one run, the mark of the longer log. */
export function laterOf(a: Mark | undefined, b: Mark | undefined): Mark | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (generationOf(a.run) !== generationOf(b.run)) return a.run > b.run ? a : b
  if (a.run !== b.run) return a.generation >= b.generation ? a : b
  return a.seq >= b.seq ? a : b
}

function markOf(value: unknown): Mark | undefined {
  const { format, generation, author, place, run, seq, chain, batch, isClean } = value as Record<string, unknown>
  if (format !== FORMAT) return undefined
  const { machine, inode, bornMs } = place as Record<string, unknown>
  if (typeof machine !== 'string' || typeof inode !== 'string' || typeof bornMs !== 'number') return undefined
  if (typeof author !== 'string' || !isSigned(author as AuthorId) || !isCount(generation)) return undefined
  const end = bytesIn(chain, 'hex')
  if (!isCount(run) || run > RUN_MAX) return undefined
  if (!isCount(seq) || seq > SEQ_MAX || end.length !== CHAIN_BYTES) return undefined
  return {
    generation,
    author: author as AuthorId,
    place: { machine, inode, bornMs },
    run,
    seq,
    chain: end,
    batch: batch === undefined ? undefined : batchOf(batch as Record<string, unknown>),
    isClean: isClean === true,
  }
}

function batchOf({ seq, chain, rows }: Record<string, unknown>): Batch | undefined {
  if (!isCount(seq) || !Array.isArray(rows)) return undefined
  return {
    before: { seq, chain: bytesIn(chain, 'hex') },
    rows: rows.map(([key, value]) => ({ type: 'put', key: bytesIn(key, 'base64'), value: bytesIn(value, 'base64') })),
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const base64 = (bytes: Uint8Array): string => bufferOf(bytes).toString('base64')
const bytesIn = (text: unknown, encoding: 'hex' | 'base64'): Buffer => Buffer.from(String(text), encoding)
