import { chunkHash, type HashTree, treeOf } from '../../src/files/format/hash-tree.js'
import { CHUNK_BYTES } from '../../src/files/limits.js'

/** Bytes whose content depends on their place: byte n is the lowest byte of n × 2654435761 / 2¹⁶. */
export function contentOf(size: number): Buffer {
  const content = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at++) content[at] = Math.imul(at, 2_654_435_761) >>> 16
  return content
}

/** The pieces of a content. */
export const chunksOf = (content: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.ceil(content.length / CHUNK_BYTES) }, (_, index) =>
    content.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  )

export const treeOfContent = (content: Uint8Array): HashTree =>
  treeOf(content.length, Buffer.concat(chunksOf(content).map(chunkHash)))
