import { ByteReader } from '../../../base/wire/byte-reader.js'

// A record of a manifest (google/leveldb, db/version_edit.cc): tags with their values.

const [COMPARATOR, JOURNAL, NEXT_FILE, LAST_SEQUENCE, COMPACTED, DELETED, ADDED, JOURNAL_BEFORE] = [
  1, 2, 3, 4, 5, 6, 7, 9,
] as const

/** The files of a database. */
export interface Manifest {
  /** Size of each table, by its number. */
  readonly tables: ReadonlyMap<number, number>
  /** Journals from this number on contain rows that are in no table yet. */
  readonly journal: number
  /** An earlier journal that is read too; 0 if there is none. */
  readonly journalBefore: number
}

/** The state after all records of a manifest; undefined if any record is malformed. */
export function decodeManifest(records: readonly Uint8Array[]): Manifest | undefined {
  const tables = new Map<number, number>()
  let journal: number | undefined
  let journalBefore = 0
  for (const record of records) {
    const fields = new ByteReader(record)
    while (fields.remaining > 0) {
      switch (fields.varint()) {
        case COMPARATOR:
          fields.sized(record.length)
          break
        case JOURNAL:
          journal = fields.varint()
          break
        case JOURNAL_BEFORE:
          journalBefore = fields.varint()
          break
        case NEXT_FILE:
        case LAST_SEQUENCE:
          fields.varint()
          break
        case COMPACTED:
          fields.varint()
          fields.sized(record.length)
          break
        case DELETED:
          fields.varint()
          tables.delete(fields.varint())
          break
        case ADDED: {
          fields.varint()
          const number = fields.varint()
          tables.set(number, fields.varint())
          fields.sized(record.length)
          fields.sized(record.length)
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
