import { crc32 } from 'node:zlib'
import { withRegularFile } from '../../base/files/regular-file.js'
import { textOf } from '../../base/wire/bytes.js'
import type { LogId, Seq } from '../format/author.js'
import { SEQ_MAX } from '../limits.js'

/** Enough for thousands of authors. */
const HEADS_FILE_BYTES_MAX = 16 * 1024 * 1024

/** The last seq of each log: a checksum, then one line of JSON. */
export function encodeHeads(heads: ReadonlyMap<LogId, Seq>): string {
  const text = JSON.stringify([...heads])
  return `${crc32(text)} ${text}\n`
}

/** The heads in a file; empty if it is damaged. */
function decodeHeads(bytes: Uint8Array): [LogId, Seq][] {
  const match = /^(\d{1,10}) (.*)\n$/s.exec(textOf(bytes) ?? '')
  if (match === null || Number(match[1]) !== crc32(match[2] ?? '')) return []
  try {
    const heads: unknown = JSON.parse(match[2] ?? '[]')
    return Array.isArray(heads) ? heads.filter(isHead) : []
  } catch {
    return [] // written by another version
  }
}

const isHead = (value: unknown): value is [LogId, Seq] =>
  Array.isArray(value) &&
  typeof value[0] === 'string' &&
  Number.isSafeInteger(value[1]) &&
  value[1] > 0 &&
  value[1] <= SEQ_MAX

/** The heads in `file`; empty if it is not a readable regular file. */
export async function readHeads(file: string): Promise<[LogId, Seq][]> {
  const read = withRegularFile(file, async handle =>
    (await handle.stat()).size <= HEADS_FILE_BYTES_MAX ? decodeHeads(await handle.readFile()) : [],
  )
  return read.catch(() => []) // the mark's other file may be readable
}
