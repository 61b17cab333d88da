import { ChatError } from '../../base/errors.js'
import { bufferOf, utf8 } from '../../base/wire/bytes.js'
import { checked, unchecked } from './checked-row.js'
import { after, type Put, type Store } from './store.js'

// The row that names the format of a database. docs/protocol/storage.md §4.2.

const FORMAT = 2
const FORMAT_KEY = utf8('v')
/** First bytes of the keys that version 0.1 used besides those of scuttleup. It wrote no format row. */
const KEYS_OF_0_1 = ['f', 'h', 'o', 'q', 'r', 's']

/**
 * Checks that this version can read a database. Returns whether its format row is missing, because the database is new or the scuttleup
 * program wrote it. Rejects with LOG_FORMAT.
 */
export async function lacksFormat(store: Store): Promise<boolean> {
  const value = await store.get(FORMAT_KEY)
  if (value === undefined) {
    if (await isOf01(store)) throw oldFormat()
    return true
  }
  const bytes = unchecked(value)
  const format = bytes?.length === 4 ? bufferOf(bytes).readUInt32BE() : undefined
  if (format !== undefined && format !== FORMAT) throw newFormat(format)
  return false
}

export function formatRow(): Put {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(FORMAT)
  return { type: 'put', key: FORMAT_KEY, value: checked(bytes) }
}

/**
 * Whether version 0.1 wrote the database: its rows have no checksum. If there are rows with a checksum, this version wrote them, and
 * the format row was in a table that was lost to damage.
 */
async function isOf01(store: Store): Promise<boolean> {
  let isOf01 = false
  for (const letter of KEYS_OF_0_1) {
    const prefix = utf8(letter)
    for await (const page of store.pages({ gte: prefix, lt: after(prefix), limit: 1 }))
      for (const [, value] of page) {
        if (unchecked(value) !== undefined) return false
        isOf01 = true
      }
  }
  return isOf01
}

const oldFormat = (): ChatError =>
  new ChatError('LOG_FORMAT', 'the logs were written by persisted-chat 0.1, whose format this version does not read', {
    hint: 'Move the database directory aside, but not the key beside it: you stay the same author in a new database.',
  })

const newFormat = (format: number): ChatError =>
  new ChatError('LOG_FORMAT', `the logs have format ${format}, which this version does not read`, {
    hint: 'Update persisted-chat.',
  })
