import { randomBytes } from 'node:crypto'
import { blake, sodium, u16, u32, utf8, varint } from './bytes.js'

export interface Keys {
  readonly publicKey: Buffer
  readonly hex: string
  sign(message: Buffer): Buffer
}

export function keyPair(seed: Buffer = randomBytes(32)): Keys {
  const [publicKey, secretKey] = [Buffer.alloc(32), Buffer.alloc(64)]
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
  return {
    publicKey,
    hex: publicKey.toString('hex'),
    sign: message => {
      const signature = Buffer.alloc(64)
      sodium.crypto_sign_detached(signature, message, secretKey)
      return signature
    },
  }
}

export const roomId = (name: string): Buffer => blake(utf8(`persisted-chat/room/1${name.normalize('NFC')}`))

/** The bytes of an entry. */
export const entryOf = (ms: number, username: string, message: string): Buffer =>
  utf8(`{"at":"${String(Math.floor(ms)).padStart(13, '0')}.0000",${JSON.stringify({ username, message }).slice(1)}`)

/** Writes a signed log. docs/protocol/logs.md. */
export class Author {
  readonly keys: Keys
  readonly #room: Buffer
  readonly #run: number
  #chain: Buffer
  seq = 0

  constructor(room: Buffer, keys: Keys = keyPair(), run = 0) {
    this.keys = keys
    this.#room = room
    this.#run = run
    this.#chain = blake(utf8('persisted-chat/log/2'), room, keys.publicKey, u32(run))
  }

  get head(): Buffer {
    return headOf(this.keys.publicKey, this.seq, this.#chain, this.#run)
  }

  /** A copy that can continue with another history. */
  fork(): Author {
    const copy = new Author(this.#room, this.keys, this.#run)
    copy.seq = this.seq
    copy.#chain = this.#chain
    return copy
  }

  /** Appends entries as one segment. */
  segment(entries: readonly Buffer[], isSigned = true): Buffer {
    const [first, before] = [this.seq + 1, this.#chain]
    const packed = entries.map(entry => {
      const salt = randomBytes(8)
      const at = Buffer.concat([entry.subarray(7, 20), entry.subarray(21, 25)])
      this.#chain = blake(this.#chain, at, Buffer.of(0), blake(salt, entry))
      return Buffer.concat([varint(2 * entry.length), salt, entry])
    })
    this.seq += entries.length
    const place = Buffer.alloc(8)
    place.writeBigUInt64BE(BigInt(this.seq))
    const { publicKey, sign } = this.keys
    const message = [utf8('persisted-chat/sig/2'), this.#room, publicKey, u32(this.#run), place, this.#chain]
    const signature = isSigned ? sign(Buffer.concat(message)) : randomBytes(64)
    return Buffer.concat([publicKey, u32(this.#run), u32(first), u16(entries.length), before, signature, ...packed])
  }

  /** Appends lines of this size, as segments of about 100 KiB. */
  lines(username: string, count: number, bytes = 0, ms = Date.now()): Buffer[] {
    const segments: Buffer[] = []
    const perSegment = Math.max(1, Math.min(1_000, Math.floor(100_000 / (bytes + 100))))
    for (let done = 0; done < count; done += perSegment) {
      const length = Math.min(perSegment, count - done)
      const text = (index: number): string => `${this.seq + index + 1} ${'x'.repeat(bytes)}`
      segments.push(
        this.segment(Array.from({ length }, (_, index) => entryOf(ms + this.seq + index, username, text(index)))),
      )
    }
    return segments
  }
}

export const headOf = (key: Buffer, seq: number, chain: Buffer = randomBytes(8), run = 0): Buffer =>
  Buffer.concat([key, u32(run), u32(seq), chain.subarray(0, 8)])
