import { isCount, listOf, record, text } from '../../base/shape.js'
import { textOf, utf8 } from '../../base/wire/bytes.js'
import type { Row } from '../../log/store/store.js'

/** The rows of one database as base64: key, value. */
type TextRow = readonly [key: string, value: string]

/**
 * The content of a backup: the key, the node's data, and the membership of each private room. Contains no lines,
 * because peers have them.
 */
export interface BackupContent {
  readonly me: string
  readonly madeAtMs: number
  readonly seed: Uint8Array
  readonly node: readonly Row[]
  readonly rooms: readonly BackedUpRoom[]
}

export interface BackedUpRoom {
  /** Name of its database. */
  readonly label: string
  readonly rows: readonly Row[]
}

interface StoredContent {
  readonly me: string
  readonly seed: string
  readonly node: readonly (readonly string[])[]
  readonly rooms: readonly { readonly label: string; readonly rows: readonly (readonly string[])[] }[]
}

const isRows = listOf(listOf(text))
const isStored = record<StoredContent>({
  me: text,
  seed: text,
  node: isRows,
  rooms: listOf(record<StoredContent['rooms'][number]>({ label: text, rows: isRows })),
})

/** A name of a database that a backup may create. */
const LABEL = /^[0-9a-f]{16}$/
const SEED = /^[0-9a-f]{64}$/

export function encodeBackup({ me, madeAtMs, seed, node, rooms }: BackupContent): Uint8Array {
  const stored = {
    me,
    madeAt: madeAtMs,
    seed: Buffer.from(seed).toString('hex'),
    node: node.map(textRow),
    rooms: rooms.map(({ label, rows }) => ({ label, rows: rows.map(textRow) })),
  }
  return utf8(JSON.stringify(stored))
}

/** Decodes a backup; undefined if another program, or another version, encoded it. */
export function decodeBackup(bytes: Uint8Array): BackupContent | undefined {
  let stored: unknown
  try {
    stored = JSON.parse(textOf(bytes) ?? '')
  } catch {
    return undefined
  }
  if (!isStored(stored) || !SEED.test(stored.seed) || stored.rooms.some(({ label }) => !LABEL.test(label)))
    return undefined
  const { madeAt } = stored as { readonly madeAt?: unknown }
  return {
    me: stored.me,
    madeAtMs: isCount(madeAt) ? madeAt : 0,
    seed: Buffer.from(stored.seed, 'hex'),
    node: stored.node.map(rowOf),
    rooms: stored.rooms.map(({ label, rows }) => ({ label, rows: rows.map(rowOf) })),
  }
}

const textRow = ([key, value]: Row): TextRow => [base64(key), base64(value)]

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const rowOf = ([key = '', value = '']: readonly string[]): Row => [
  Buffer.from(key, 'base64'),
  Buffer.from(value, 'base64'),
]
