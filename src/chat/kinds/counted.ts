import { bufferOf } from '../../base/wire/bytes.js'
import { isControl } from '../../log/format/control.js'
import { decodeEntry } from '../../log/format/entry.js'
import { contentOf } from './kinds.js'

const REACTION = Buffer.from('"type":"reaction"')
const EDIT = Buffer.from('"type":"edit"')

/** Whether an entry is counted among the last n: an entry that only changes another line is not. */
export function isCounted(entry: Uint8Array): boolean {
  if (isControl(entry)) return false
  const bytes = bufferOf(entry)
  if (!bytes.includes(REACTION) && !bytes.includes(EDIT)) return true
  const members = decodeEntry(entry)
  const kind = members && contentOf(members).kind
  return kind !== 'reaction' && kind !== 'edit'
}
