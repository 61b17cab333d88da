import type { Random } from '../random.js'
import { bufferOf, concat, sameBytes, utf8 } from '../wire/bytes.js'
import { keyedHash } from './hash.js'
import { OpeningStream, SEAL_BYTES, SealingStream, STREAM_HEADER_BYTES } from './secret-stream.js'
import { sodium } from './sodium.js'

// A file sealed with a passphrase: header ‖ sealed chunks (libsodium's secretstream). docs/protocol/storage.md §7.
//   header: magic ‖ u8 version ‖ salt ‖ u32 passes ‖ u32 KiB of memory ‖ check of the key ‖ header of the stream

/** First bytes of every backup. */
export const MAGIC = utf8('persisted-chat backup\n')
const VERSION = 1
const SALT_BYTES = 16
const CHECK_BYTES = 16
const KEY_BYTES = 32
/** Bytes of the header that the key is bound to. */
const BOUND_BYTES = MAGIC.length + 1 + SALT_BYTES + 4 + 4
const HEADER_BYTES = BOUND_BYTES + CHECK_BYTES + STREAM_HEADER_BYTES
const CHUNK_BYTES = 64 * 1024

/** Cost of guessing a passphrase: libsodium's "moderate", 0.7 s and 256 MiB. */
const PASSES = 3
const MEMORY_KIB = 256 * 1024
/** Largest cost that is accepted from a file. */
const PASSES_MAX = 16
const MEMORY_KIB_MAX = 1024 * 1024

export type OpenedFile =
  | { readonly kind: 'content'; readonly content: Uint8Array }
  | { readonly kind: 'other-file' | 'newer-version' | 'wrong-passphrase' | 'cut' | 'damaged' }

/** Argon2id. Rejects if there is not enough memory. */
async function keyOf(passphrase: string, bound: Uint8Array): Promise<Uint8Array> {
  const view = bufferOf(bound)
  const saltAt = MAGIC.length + 1
  const key = Buffer.alloc(KEY_BYTES)
  const salt = view.subarray(saltAt, saltAt + SALT_BYTES)
  const [passes, kib] = [view.readUInt32BE(saltAt + SALT_BYTES), view.readUInt32BE(saltAt + SALT_BYTES + 4)]
  const { crypto_pwhash_async: hash, crypto_pwhash_ALG_ARGON2ID13: algorithm } = sodium()
  await hash(key, Buffer.from(passphrase.normalize('NFKC')), salt, passes, kib * 1024, algorithm)
  return keyedHash(key, KEY_BYTES, bound)
}

const checkOf = (key: Uint8Array): Uint8Array => keyedHash(key, CHECK_BYTES, utf8('check'))

/** Seals `content` with a passphrase. */
export async function sealFile(content: Uint8Array, passphrase: string, random: Random): Promise<Uint8Array> {
  const cost = Buffer.alloc(8)
  cost.writeUInt32BE(PASSES)
  cost.writeUInt32BE(MEMORY_KIB, 4)
  const bound = concat([MAGIC, Uint8Array.of(VERSION), random.bytes(SALT_BYTES), cost])
  const key = await keyOf(passphrase, bound)
  const streamHeader = random.bytes(STREAM_HEADER_BYTES)
  const stream = new SealingStream(key, streamHeader)
  const parts = [bound, checkOf(key), streamHeader]
  for (let start = 0; start === 0 || start < content.length; start += CHUNK_BYTES) {
    const chunk = content.subarray(start, start + CHUNK_BYTES)
    const sealed = Buffer.alloc(chunk.length + SEAL_BYTES)
    stream.seal(sealed, chunk, start + CHUNK_BYTES >= content.length)
    parts.push(sealed)
  }
  return concat(parts)
}

/** Opens a sealed file, or returns why it cannot be opened. */
export async function openFile(bytes: Uint8Array, passphrase: string): Promise<OpenedFile> {
  if (!sameBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return { kind: 'other-file' }
  const version = bytes[MAGIC.length]
  if (version !== undefined && version > VERSION) return { kind: 'newer-version' }
  if (bytes.length < HEADER_BYTES + SEAL_BYTES) return { kind: 'cut' }
  const bound = bytes.subarray(0, BOUND_BYTES)
  const cost = bufferOf(bound).subarray(BOUND_BYTES - 8)
  const [passes, kib] = [cost.readUInt32BE(), cost.readUInt32BE(4)]
  if (version !== VERSION || passes < 1 || passes > PASSES_MAX || kib < 8 || kib > MEMORY_KIB_MAX)
    return { kind: 'damaged' }
  const key = await keyOf(passphrase, bound)
  if (!sameBytes(checkOf(key), bytes.subarray(BOUND_BYTES, BOUND_BYTES + CHECK_BYTES)))
    return { kind: 'wrong-passphrase' }
  const stream = new OpeningStream(key, bytes.subarray(BOUND_BYTES + CHECK_BYTES, HEADER_BYTES))
  return openChunks(bufferOf(bytes.subarray(HEADER_BYTES)), stream)
}

function openChunks(sealed: Buffer, stream: OpeningStream): OpenedFile {
  const chunks: Uint8Array[] = []
  for (let start = 0; start < sealed.length; start += CHUNK_BYTES + SEAL_BYTES) {
    const chunk = sealed.subarray(start, start + CHUNK_BYTES + SEAL_BYTES)
    const isLast = start + chunk.length === sealed.length
    const message = Buffer.alloc(Math.max(0, chunk.length - SEAL_BYTES))
    const opened = stream.open(chunk, message)
    // A file that was cut within a chunk looks damaged there: its last chunk is shorter than the others.
    if (opened === undefined) return { kind: isLast && chunk.length < CHUNK_BYTES + SEAL_BYTES ? 'cut' : 'damaged' }
    chunks.push(message)
    if (opened.isFinal) return isLast ? { kind: 'content', content: concat(chunks) } : { kind: 'damaged' }
  }
  return { kind: 'cut' }
}
