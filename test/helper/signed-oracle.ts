import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'

// A second implementation of docs/protocol/README.md §1, §3 and §4, on other cryptographic libraries. It uses nothing of src/, so
// that a fault in one implementation shows as a difference.

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))

const blake = (...parts: readonly Uint8Array[]): Uint8Array => blake2b(joined(...parts), { dkLen: 32 })

export const room = (name: string): Uint8Array => blake(bytesOf('persisted-chat/room/1'), bytesOf(name))

/** Identifies a log: the room and the public key. */
export interface Place {
  readonly room: Uint8Array
  readonly key: Uint8Array
}

export const publicKey = (seed: Uint8Array): Uint8Array => ed25519.getPublicKey(seed)

const chainStart = ({ room, key }: Place): Uint8Array => blake(bytesOf('persisted-chat/log/1'), room, key)

/** The chain value before the first entry, then the one after each entry. */
export function chain(place: Place, entries: readonly Uint8Array[], start = chainStart(place)): Uint8Array[] {
  const values = [start]
  for (const entry of entries) values.push(blake(values.at(-1) as Uint8Array, entry))
  return values
}

export function signedBytes({ room, key }: Place, seq: number, chainValue: Uint8Array): Uint8Array {
  const place = new Uint8Array(8)
  new DataView(place.buffer).setBigUint64(0, BigInt(seq))
  return joined(bytesOf('persisted-chat/sig/1'), room, key, place, chainValue)
}

export const sign = (seed: Uint8Array, message: Uint8Array): Uint8Array => ed25519.sign(message, seed)

const verified = new Map<string, boolean>()

/** Caches results: verification takes noble a millisecond, and the same signatures recur. */
export function isSignature(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  const id = hex(signature) + hex(message) + hex(key)
  let answer = verified.get(id)
  if (answer === undefined) {
    answer = ed25519.verify(signature, message, key, { zip215: false })
    verified.set(id, answer)
  }
  return answer
}

/** Fingerprints of heads; each head is the id of its author and the other hashed bytes. docs/protocol/wire.md §5.2. */
export function fingerprints(heads: readonly (readonly [id: string, rest: Uint8Array])[]): Uint8Array {
  const all: Uint8Array[] = []
  for (let group = 0; group < 32; group++) {
    const members = heads.filter(([id]) => (blake(bytesOf(id))[0] as number) % 32 === group)
    members.sort(([a], [b]) => (a < b ? -1 : 1))
    all.push(blake(...members.flatMap(([id, rest]) => [bytesOf(id), Uint8Array.of(0), rest])).subarray(0, 12))
  }
  return joined(...all)
}

export interface OracleSegment {
  readonly key: Uint8Array
  readonly first: number
  readonly before: Uint8Array
  readonly signature: Uint8Array
  readonly entries: readonly Uint8Array[]
}

const SEGMENT_BYTES_MAX = 32_768
const HEADER_BYTES = 134

function leb128(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

export const prefixed = (bytes: Uint8Array): Uint8Array => joined(leb128(bytes.length), bytes)

export function writeSegment({ key, first, before, signature, entries }: OracleSegment): Uint8Array {
  const header = new Uint8Array(6)
  const view = new DataView(header.buffer)
  view.setUint32(0, first)
  view.setUint16(4, entries.length)
  return joined(key, header, before, signature, ...entries.map(prefixed))
}

/** Reads a segment by the table of §3.5. Throws if the bytes are no segment. */
export function readSegment(bytes: Uint8Array): OracleSegment {
  if (bytes.length > SEGMENT_BYTES_MAX) throw new Error(`a segment of ${bytes.length} bytes`)
  if (bytes.length < HEADER_BYTES) throw new Error('a segment without its header')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.getUint16(36)
  const entries: Uint8Array[] = []
  let at = HEADER_BYTES
  for (let index = 0; index < count; index++) {
    let length = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? 0
      length += (byte % 128) * shift
      if (byte < 128) break
    }
    if (at + length > bytes.length) throw new Error('an entry that goes beyond its segment')
    entries.push(bytes.slice(at, at + length))
    at += length
  }
  if (at !== bytes.length) throw new Error('bytes behind the last entry')
  return {
    key: bytes.slice(0, 32),
    first: view.getUint32(32),
    before: bytes.slice(38, 70),
    signature: bytes.slice(70, 134),
    entries,
  }
}

/** Why a segment is not authentic in this room; undefined if it is. */
export function segmentFault(room: Uint8Array, segment: OracleSegment): string | undefined {
  const { key, first, before, signature, entries } = segment
  if (entries.length === 0 || first < 1) return 'it has no entries'
  const end = chain({ room, key }, entries, before).at(-1) as Uint8Array
  const message = signedBytes({ room, key }, first + entries.length - 1, end)
  return isSignature(signature, message, key) ? undefined : 'its signature is invalid'
}

/** Why an entry is not valid after one with the time `previous`, by the list of §3.2; undefined if it is. */
export function entryFault(entry: Uint8Array, previous: string): string | undefined {
  if (entry.length > 16_384) return 'longer than 16 KiB'
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(entry)
  } catch {
    return 'not well-formed UTF-8'
  }
  const at = /^\{"at":"([0-9]{13}\.[0-9]{4})"/.exec(text)?.[1]
  if (at === undefined) return 'does not begin with its timestamp'
  if (!text.endsWith('}')) return 'does not end with a brace'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  const members = new Map(Object.entries(value as object))
  if (typeof members.get('username') !== 'string') return 'its username is not a string'
  if (typeof members.get('message') !== 'string') return 'its message is not a string'
  if (/,"sig":"[A-Za-z0-9_-]{86}"\}$/.test(text)) return 'ends with a signature'
  return at > previous ? undefined : 'not after the previous entry'
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

/** A row of the table of §4.2: the key, and the value with its checksum. */
export function segmentRow(segment: Uint8Array): readonly [key: Uint8Array, value: Uint8Array] {
  const checksum = new Uint8Array(4)
  new DataView(checksum.buffer).setUint32(0, crc32(segment))
  return [joined(bytesOf('s'), segment.subarray(0, 36)), joined(checksum, segment)]
}

/** The value of a head row. */
export function headValue(head: { seq: number; chain: string; first: string; last: string; size: number }): Uint8Array {
  const { seq, chain, first, last, size } = head
  const text = bytesOf(JSON.stringify({ seq, chain, first, last, size }))
  const checksum = new Uint8Array(4)
  new DataView(checksum.buffer).setUint32(0, crc32(text))
  return joined(checksum, text)
}

export interface Audit {
  /** The entries of the signed logs, by key as hex. */
  readonly logs: ReadonlyMap<string, readonly Uint8Array[]>
  readonly segments: number
}

/**
 * Verifies the rows of signed logs. Throws at the first invalid checksum, key, chain value, signature, entry or head, and at a
 * gap.
 */
export function audit(roomId: Uint8Array, rows: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): Audit {
  const logs = new Map<string, Uint8Array[]>()
  const chains = new Map<string, Uint8Array>()
  const ats = new Map<string, string>()
  let segments = 0
  const heads = new Map<string, string>()
  for (const [key, value] of rows) {
    if (key[0] === 0x68) heads.set(hex(key.subarray(1)), hex(value))
    if (key[0] !== 0x73) continue
    const bytes = value.subarray(4)
    const segment = readSegment(bytes)
    const author = hex(segment.key)
    const [rowKey, rowValue] = segmentRow(bytes)
    if (hex(rowKey) !== hex(key)) throw new Error(`a segment of ${author} under another's key`)
    if (hex(rowValue.subarray(0, 4)) !== hex(value.subarray(0, 4))) throw new Error('a wrong checksum')
    const log = logs.get(author) ?? []
    logs.set(author, log)
    if (segment.first !== log.length + 1) throw new Error(`a segment from ${segment.first} on behind ${log.length}`)
    const before = chains.get(author) ?? chainStart({ room: roomId, key: segment.key })
    if (hex(before) !== hex(segment.before)) throw new Error(`the chain breaks at ${segment.first}`)
    const fault = segmentFault(roomId, segment)
    if (fault !== undefined) throw new Error(`the segment from ${segment.first} on: ${fault}`)
    for (const entry of segment.entries) {
      const wrong = entryFault(entry, ats.get(author) ?? '0000000000000.0000')
      if (wrong !== undefined) throw new Error(`entry ${log.length + 1}: ${wrong}`)
      ats.set(author, Buffer.from(entry.subarray(7, 25)).toString())
      log.push(entry)
    }
    chains.set(author, chain({ room: roomId, key: segment.key }, segment.entries, before).at(-1) as Uint8Array)
    segments++
  }
  const sizeOf = (log: readonly Uint8Array[]): number => log.reduce((sum, entry) => sum + prefixed(entry).length, 0)
  // Heads may lag behind, but not if everything was stored in small batches.
  const mayLag = [...logs.values()].reduce((sum, log) => sum + sizeOf(log), 0) > 60 * 1024
  for (const [author, log] of logs) {
    const said = heads.get(author)
    if (said === undefined && mayLag) continue
    const seq = Number(/"seq":(\d+),/.exec(Buffer.from(said ?? '', 'hex').toString('latin1'))?.[1])
    const included = log.slice(0, seq)
    const start = chainStart({ room: roomId, key: Buffer.from(author, 'hex') })
    const true_ = {
      seq: mayLag ? included.length : log.length,
      chain: hex(chain({ room: roomId, key: Buffer.from(author, 'hex') }, included, start).at(-1) ?? start),
      first: atOf(included[0]),
      last: atOf(included.at(-1)),
      size: sizeOf(included),
    }
    if (said !== hex(headValue(true_))) throw new Error(`the head of ${author} is not true`)
  }
  for (const author of heads.keys()) if (!logs.has(author)) throw new Error(`a head of ${author}, who has no entries`)
  return { logs, segments }
}

const atOf = (entry: Uint8Array | undefined): string => Buffer.from(entry?.subarray(7, 25) ?? []).toString()
