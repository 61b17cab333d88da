import type { Millis } from '../../base/clock.js'
import { bufferOf, concat, hexOf, readVarint, varint } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import type { AuthorId } from '../../log/format/author.js'
import { STATUS_REQUEST_MAX, STATUSES_MAX } from './limits.js'

// What linked peers repeat about everyone who is present, in place of the statuses themselves: a few bits an author.
// docs/protocol/presence.md §5.6.

/** The types of the frames. docs/protocol/wire.md §5.2. */
export const DIGEST_TYPE = 14
export const STATUS_REQUEST_TYPE = 15

/** The first 16 hex digits of a public key. */
export type ShortKey = string

const SHORT_KEY_BYTES = 8
const CHECK_BYTES = 2
const RESTART = 1

/** Seconds that an age code stands for; the code after the last means: not known to be alive. */
const AGE_SECONDS = [0, 2, 4, 6, 8, 10, 13, 16, 20, 25, 31, 40, 52, 70, 100] as const
const UNKNOWN_AGE = AGE_SECONDS.length

/** An author whom the sender of a digest takes as present. */
export interface DigestEntry {
  readonly id: ShortKey
  /** The last two bytes of the version of the status that the sender holds. */
  readonly check: number
  /** Time since the author was last known to be alive, rounded up; undefined where it is too long ago. */
  readonly ageMs: Millis | undefined
}

export const shortKeyOfAuthor = (author: AuthorId): ShortKey => author.slice(0, 2 * SHORT_KEY_BYTES)

export const checkOf = (version: number): number => version % 0x10000

/** One end of a link that sends digests. It names each author once; from then on their place in that order stands for them. */
export class DigestWriter {
  /** The checks that were sent, by author, in the order in which the authors were named. */
  readonly #sent = new Map<ShortKey, number>()
  #isRestart = true

  /** The next digest frame. Give each author once, and at most `STATUSES_MAX` of them. */
  next(entries: readonly DigestEntry[]): Uint8Array {
    const added = entries.filter(({ id }) => !this.#sent.has(id))
    if (this.#sent.size + added.length > STATUSES_MAX) this.restart()
    if (this.#isRestart) this.#sent.clear()
    const flags = this.#isRestart ? RESTART : 0
    this.#isRestart = false
    const news: Uint8Array[] = []
    for (const { id, check } of entries) {
      if (this.#sent.has(id)) continue
      this.#sent.set(id, check)
      news.push(concat([Buffer.from(id, 'hex'), numberOf(check)]))
    }
    const byId = new Map(entries.map(entry => [entry.id, entry]))
    const changes: Uint8Array[] = []
    const ages = new Uint8Array(Math.ceil(this.#sent.size / 2))
    let place = 0
    for (const [id, sent] of this.#sent) {
      const entry = byId.get(id)
      if (entry !== undefined && entry.check !== sent) {
        this.#sent.set(id, entry.check)
        changes.push(concat([numberOf(place), numberOf(entry.check)]))
      }
      ages[place >> 1] = (ages[place >> 1] ?? 0) | (ageCode(entry?.ageMs) << (place % 2 === 0 ? 4 : 0))
      place++
    }
    return frame(
      concat([
        Uint8Array.of(DIGEST_TYPE, flags),
        varint(news.length),
        ...news,
        varint(changes.length),
        ...changes,
        ages,
      ]),
    )
  }

  /** The other end may have missed a digest: the next one names all authors again. */
  restart(): void {
    this.#isRestart = true
  }
}

/** The other end: what a peer's digests say. */
export class DigestReader {
  readonly #table: { readonly id: ShortKey; check: number }[] = []

  /** What a digest says of all authors it has named, and which of them it names for the first time; undefined where it is malformed. */
  read(body: Uint8Array): readonly (DigestEntry & { readonly isNew: boolean })[] | undefined {
    const bytes = bufferOf(body)
    if (bytes.length < 2) return undefined
    if (((bytes[1] ?? 0) & RESTART) !== 0) this.#table.length = 0
    const known = this.#table.length
    const added = readVarint(bytes, 2, STATUSES_MAX - known)
    if (added.kind !== 'value') return undefined
    let at = added.next
    if (at + added.value * (SHORT_KEY_BYTES + CHECK_BYTES) > bytes.length) return undefined
    for (let i = 0; i < added.value; i++, at += SHORT_KEY_BYTES + CHECK_BYTES) {
      const id = hexOf(bytes.subarray(at, at + SHORT_KEY_BYTES))
      this.#table.push({ id, check: bytes.readUInt16BE(at + SHORT_KEY_BYTES) })
    }
    const changed = readVarint(bytes, at, this.#table.length)
    if (changed.kind !== 'value') return undefined
    at = changed.next
    if (at + changed.value * 2 * CHECK_BYTES + Math.ceil(this.#table.length / 2) !== bytes.length) return undefined
    for (let i = 0; i < changed.value; i++, at += 2 * CHECK_BYTES) {
      const row = this.#table[bytes.readUInt16BE(at)]
      if (row === undefined) return undefined
      row.check = bytes.readUInt16BE(at + CHECK_BYTES)
    }
    return this.#table.map(({ id, check }, place) => {
      const code = ((bytes[at + (place >> 1)] ?? 0) >> (place % 2 === 0 ? 4 : 0)) & 0xf
      const seconds = AGE_SECONDS[code]
      return { id, check, ageMs: seconds === undefined ? undefined : seconds * 1_000, isNew: place >= known }
    })
  }
}

/** Asks for the statuses of authors; at most `STATUS_REQUEST_MAX`. */
export const encodeStatusRequest = (ids: readonly ShortKey[]): Uint8Array =>
  frame(concat([Uint8Array.of(STATUS_REQUEST_TYPE), ...ids.map(id => Buffer.from(id, 'hex'))]))

/** Whose statuses are asked for; undefined where the body is malformed. */
export function readStatusRequest(body: Uint8Array): readonly ShortKey[] | undefined {
  const count = (body.length - 1) / SHORT_KEY_BYTES
  if (!Number.isInteger(count) || count < 1 || count > STATUS_REQUEST_MAX) return undefined
  return Array.from({ length: count }, (_, i) =>
    hexOf(body.subarray(1 + i * SHORT_KEY_BYTES, 1 + (i + 1) * SHORT_KEY_BYTES)),
  )
}

function ageCode(ageMs: Millis | undefined): number {
  if (ageMs === undefined) return UNKNOWN_AGE
  const code = AGE_SECONDS.findIndex(seconds => ageMs <= seconds * 1_000)
  return code === -1 ? UNKNOWN_AGE : code
}

function numberOf(value: number): Uint8Array {
  const bytes = Buffer.alloc(CHECK_BYTES)
  bytes.writeUInt16BE(value)
  return bytes
}
