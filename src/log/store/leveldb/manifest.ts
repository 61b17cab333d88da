import { readVarint } from '../../../base/wire/bytes.js'

// A record of a manifest (google/leveldb, db/version_edit.cc): tags with their values.

const [COMPARATOR, JOURNAL, NEXT_FILE, LAST_SEQUENCE, COMPACTED, DELETED, ADDED, JOURNAL_BEFORE] = [
  1, 2, 3, 4, 5, 6, 7, 9,
] as const

/** Which files a database consists of. */
export interface Manifest {
  /** Size of each table, by its number. */
  readonly tables: ReadonlyMap<number, number>
  /** Journals from this number on hold what is in no table yet; this one itself was made before it was named. */
  readonly journal: number
  /** A journal before that, which is read as well; 0 where there is none. */
  readonly journalBefore: number
}

/** What the records of a manifest say together; undefined where they cannot be understood. */
export function decodeManifest(records: readonly Uint8Array[]): Manifest | undefined {
  const tables = new Map<number, number>()
  let journal: number | undefined
  let journalBefore = 0
  for (const record of records) {
    const fields = new Fields(record)
    while (!fields.isAtEnd) {
      switch (fields.number()) {
        case COMPARATOR:
          fields.skipBytes()
          break
        case JOURNAL:
          journal = fields.number()
          break
        case JOURNAL_BEFORE:
          journalBefore = fields.number()
          break
        case NEXT_FILE:
        case LAST_SEQUENCE:
          fields.number()
          break
        case COMPACTED:
          fields.number()
          fields.skipBytes()
          break
        case DELETED:
          fields.number()
          tables.delete(fields.number())
          break
        case ADDED: {
          fields.number()
          const number = fields.number()
          tables.set(number, fields.number())
          fields.skipBytes()
          fields.skipBytes()
          break
        }
        default:
          return undefined
      }
      if (fields.isBad) return undefined
    }
  }
  return journal === undefined ? undefined : { tables, journal, journalBefore }
}

/** Reads numbers and byte strings one after the other. */
class Fields {
  isBad = false
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.isBad || this.#at >= this.#bytes.length
  }

  number(): number {
    const varint = readVarint(this.#bytes, this.#at, Number.MAX_SAFE_INTEGER)
    if (varint.kind !== 'value') {
      this.isBad = true
      return 0
    }
    this.#at = varint.next
    return varint.value
  }

  skipBytes(): void {
    const length = this.number()
    this.#at += length
    if (this.#at > this.#bytes.length) this.isBad = true
  }
}
