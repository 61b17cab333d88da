import { crc32 } from 'node:zlib'
import { textOf } from '../../base/bytes.js'
import { SEQ_MAX } from '../../base/limits.js'
import type { Random } from '../../base/random.js'
import type { AuthorId, Seq } from '../author.js'
import { draftBeside } from '../draft-file.js'

/** How far each log goes, as one line of JSON behind its checksum. */
export function encodeHeads(heads: ReadonlyMap<AuthorId, Seq>): string {
  const text = JSON.stringify([...heads])
  return `${crc32(text)} ${text}\n`
}

/** The heads in a file; none where it is damaged. */
export function decodeHeads(bytes: Uint8Array): [AuthorId, Seq][] {
  const match = /^(\d{1,10}) (.*)\n$/s.exec(textOf(bytes) ?? '')
  if (match === null || Number(match[1]) !== crc32(match[2] ?? '')) return []
  const heads: unknown = JSON.parse(match[2] ?? '[]')
  if (!Array.isArray(heads)) return []
  return heads.filter(
    ([author, seq]) => typeof author === 'string' && Number.isSafeInteger(seq) && seq > 0 && seq <= SEQ_MAX,
  )
}

/** Replaces the heads in `file`, whole or not at all. */
export async function writeHeads(file: string, text: string, random: Random): Promise<void> {
  const draft = await draftBeside(file, text, random)
  try {
    await draft.replace(file)
  } catch (error) {
    await draft.discard()
    throw error
  }
}
