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

/** Identifies a log: the room, the public key and the run. */
export interface Place {
  readonly room: Uint8Array
  readonly key: Uint8Array
  readonly run: number
}

const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

export const publicKey = (seed: Uint8Array): Uint8Array => ed25519.getPublicKey(seed)

const chainStart = ({ room, key, run }: Place): Uint8Array =>
  blake(bytesOf('persisted-chat/log/2'), room, key, u32(run))

/** An entry as in segments. */
export const packed = (salt: Uint8Array, entry: Uint8Array): Uint8Array => joined(leb128(2 * entry.length), salt, entry)

interface Parts {
  readonly salt: Uint8Array
  readonly entry: Uint8Array
}

/** Salt and entry of a packed entry; undefined for a stub. */
export function parts(bytes: Uint8Array): Parts | undefined {
  if ((bytes[0] as number) % 2 === 1) return undefined
  let start = 1
  while ((bytes[start - 1] as number) >= 128) start++
  return { salt: bytes.slice(start, start + 8), entry: bytes.slice(start + 8) }
}

/** The bytes of entries that are no stubs. */
export const texts = (entries: readonly Uint8Array[]): Uint8Array[] =>
  entries.flatMap(bytes => parts(bytes)?.entry ?? [])

/** What the chain hashes of a packed entry besides the value before it: its place in time, its control bit, and its digest. */
function link(bytes: Uint8Array): Uint8Array {
  const content = parts(bytes)
  if (content === undefined)
    return joined(bytes.subarray(1, 18), Uint8Array.of(bytes[0] === 3 ? 1 : 0), bytes.subarray(18))
  const { salt, entry } = content
  const isControl = /^.{25}","type":"(open|delete)",/.test(Buffer.from(entry).toString('latin1'))
  const at = joined(entry.subarray(7, 20), entry.subarray(21, 25))
  return joined(at, Uint8Array.of(isControl ? 1 : 0), blake(salt, entry))
}

/** The same place in the chain without its content. */
export function stub(bytes: Uint8Array): Uint8Array {
  const hashed = link(bytes)
  return joined(Uint8Array.of(hashed[17] === 1 ? 3 : 1), hashed.subarray(0, 17), hashed.subarray(18))
}

/** The chain value before the first entry, then the one after each entry. */
export function chain(place: Place, entries: readonly Uint8Array[], start = chainStart(place)): Uint8Array[] {
  const values = [start]
  for (const entry of entries) values.push(blake(values.at(-1) as Uint8Array, link(entry)))
  return values
}

export function signedBytes({ room, key, run }: Place, seq: number, chainValue: Uint8Array): Uint8Array {
  const place = new Uint8Array(8)
  new DataView(place.buffer).setBigUint64(0, BigInt(seq))
  return joined(bytesOf('persisted-chat/sig/2'), room, key, u32(run), place, chainValue)
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
  readonly run: number
  readonly first: number
  readonly before: Uint8Array
  readonly signature: Uint8Array
  /** Packed. */
  readonly entries: readonly Uint8Array[]
}

const SEGMENT_BYTES_MAX = 131_072
const HEADER_BYTES = 138

function leb128(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

export const prefixed = (bytes: Uint8Array): Uint8Array => joined(leb128(bytes.length), bytes)

export function writeSegment({ key, run, first, before, signature, entries }: OracleSegment): Uint8Array {
  const header = new Uint8Array(10)
  const view = new DataView(header.buffer)
  view.setUint32(0, run)
  view.setUint32(4, first)
  view.setUint16(8, entries.length)
  return joined(key, header, before, signature, ...entries)
}

/** Reads a segment by the table of §3.5. Throws if the bytes are no segment. */
export function readSegment(bytes: Uint8Array): OracleSegment {
  if (bytes.length > SEGMENT_BYTES_MAX) throw new Error(`a segment of ${bytes.length} bytes`)
  if (bytes.length < HEADER_BYTES) throw new Error('a segment without its header')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.getUint16(40)
  const entries: Uint8Array[] = []
  let at = HEADER_BYTES
  for (let index = 0; index < count; index++) {
    const start = at
    let length = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? 0
      length += (byte % 128) * shift
      if (byte < 128) break
    }
    const size = length % 2 === 1 ? 17 + 32 : 8 + length / 2
    if (length % 2 === 1 && length > 3) throw new Error('an unknown kind of stub')
    if (at + size > bytes.length) throw new Error('an entry that goes beyond its segment')
    at += size
    entries.push(bytes.slice(start, at))
  }
  if (at !== bytes.length) throw new Error('bytes behind the last entry')
  return {
    key: bytes.slice(0, 32),
    run: view.getUint32(32),
    first: view.getUint32(36),
    before: bytes.slice(42, 74),
    signature: bytes.slice(74, 138),
    entries,
  }
}

/** Why a segment is not authentic in this room; undefined if it is. */
export function segmentFault(room: Uint8Array, segment: OracleSegment): string | undefined {
  const { key, run, first, before, signature, entries } = segment
  if (entries.length === 0 || first < 1) return 'it has no entries'
  const end = chain({ room, key, run }, entries, before).at(-1) as Uint8Array
  const message = signedBytes({ room, key, run }, first + entries.length - 1, end)
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
  if (/^.{25}","type":"(open|delete)",/.test(text) && !isControl(text)) return 'not the form of a control entry'
  return at > previous ? undefined : 'not after the previous entry'
}

/** The forms of §3.6. */
const isControl = (text: string): boolean =>
  /^.{25}","type":"open","runs":\[(\[\d+,\d+,"[0-9a-f]{16}"\](,(?!\]))?)*\],("admission":"[0-9a-f]{64}",)?"username":"","message":""\}$/.test(
    text,
  ) ||
  /^.{25}","type":"delete","run":\d+,"from":\d+,"to":\d+,"chain":"[0-9a-f]{64}","username":"","message":""\}$/.test(
    text,
  )

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
  return [joined(bytesOf('s'), segment.subarray(0, 40)), checked(segment)]
}

/** A value with its checksum before it. */
export function checked(bytes: Uint8Array): Uint8Array {
  const checksum = new Uint8Array(4)
  new DataView(checksum.buffer).setUint32(0, crc32(bytes))
  return joined(checksum, bytes)
}

/** The value of a head row. */
export function headValue(head: { seq: number; chain: string; first: string; last: string; size: number }): Uint8Array {
  const { seq, chain, first, last, size } = head
  return checked(bytesOf(JSON.stringify({ seq, chain, first, last, size })))
}

export interface Audit {
  /** The entries of the signed logs, by key and run as hex; by the key alone for run 0. */
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
    const author = hex(bytes.subarray(0, 36))
    const [rowKey, rowValue] = segmentRow(bytes)
    if (hex(rowKey) !== hex(key)) throw new Error(`a segment of ${author} under another's key`)
    if (hex(rowValue.subarray(0, 4)) !== hex(value.subarray(0, 4))) throw new Error('a wrong checksum')
    const log = logs.get(author) ?? []
    logs.set(author, log)
    if (segment.first !== log.length + 1) throw new Error(`a segment from ${segment.first} on behind ${log.length}`)
    const place = { room: roomId, key: segment.key, run: segment.run }
    const before = chains.get(author) ?? chainStart(place)
    if (hex(before) !== hex(segment.before)) throw new Error(`the chain breaks at ${segment.first}`)
    const fault = segmentFault(roomId, segment)
    if (fault !== undefined) throw new Error(`the segment from ${segment.first} on: ${fault}`)
    for (const packed of segment.entries) {
      const { entry } = parts(packed) ?? { entry: new Uint8Array(0) }
      const wrong = entryFault(entry, ats.get(author) ?? '0000000000000.0000')
      if (wrong !== undefined) throw new Error(`entry ${log.length + 1}: ${wrong}`)
      ats.set(author, Buffer.from(entry.subarray(7, 25)).toString())
      log.push(packed)
    }
    chains.set(author, chain(place, segment.entries, before).at(-1) as Uint8Array)
    segments++
  }
  const sizeOf = (log: readonly Uint8Array[]): number => log.reduce((sum, { length }) => sum + length, 0)
  // Heads may lag behind, but not if everything was stored in small batches.
  const mayLag = [...logs.values()].reduce((sum, log) => sum + sizeOf(log), 0) > 60 * 1024
  for (const [author, log] of logs) {
    const said = heads.get(author)
    if (said === undefined && mayLag) continue
    const seq = Number(/"seq":(\d+),/.exec(Buffer.from(said ?? '', 'hex').toString('latin1'))?.[1])
    const included = log.slice(0, seq)
    const place = {
      room: roomId,
      key: Buffer.from(author.slice(0, 64), 'hex'),
      run: Number.parseInt(author.slice(64), 16),
    }
    const start = chainStart(place)
    const true_ = {
      seq: mayLag ? included.length : log.length,
      chain: hex(chain(place, included, start).at(-1) ?? start),
      first: atOf(included[0]),
      last: atOf(included.at(-1)),
      size: sizeOf(included),
    }
    if (said !== hex(headValue(true_))) throw new Error(`the head of ${author} is not true`)
  }
  for (const author of heads.keys()) if (!logs.has(author)) throw new Error(`a head of ${author}, who has no entries`)
  const content = new Map(
    [...logs].map(([author, log]) => [author.endsWith('00000000') ? author.slice(0, 64) : author, texts(log)]),
  )
  return { logs: content, segments }
}

const atOf = (packed: Uint8Array | undefined): string =>
  Buffer.from((packed && parts(packed))?.entry.subarray(7, 25) ?? []).toString()
