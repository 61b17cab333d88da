import { bufferOf, utf8 } from '../../base/wire/bytes.js'

// Control entries: openings of runs and erasures. Their form is strict and has no free text, so that their content need never be
// erased. docs/protocol/logs.md §3.6.

/** Where the member after `at` begins. */
const AT_END = 25
const TYPE = utf8('","type":"')
const KINDS = [utf8('open",'), utf8('delete",')] as const

/** Largest opening and largest erasure. */
const OPENING_BYTES_MAX = 12 * 1024
const ERASURE_BYTES_MAX = 1024

const RUN = '(?:0|[1-9]\\d{0,9})'
const SEQ = '[1-9]\\d{0,9}'
const CHAIN = '"[0-9a-f]{16}"'
const END = '"username":"","message":""\\}$'
const ADMISSION = '(?:"admission":"[0-9a-f]{64}",)?'
const PLACE = `\\[${RUN},${SEQ},${CHAIN}\\]`
const OPENING = new RegExp(
  `^\\{"at":"[\\d.]{18}","type":"open","runs":\\[(?:${PLACE}(?:,${PLACE})*)?\\],${ADMISSION}${END}`,
)
const ERASURE = new RegExp(
  `^\\{"at":"[\\d.]{18}","type":"delete","run":${RUN},"from":${SEQ},"to":${SEQ},"chain":"[0-9a-f]{64}",${END}`,
)

/** Whether the bytes from `start` to `end` are a control entry: `type` is `open` or `delete`, and follows `at`. */
export function isControl(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  const type = start + AT_END
  // Most entries have `username` there.
  if (bytes[type + 3] !== 0x74 || !hasBytes(bytes, type, end, TYPE)) return false
  return KINDS.some(kind => hasBytes(bytes, type + TYPE.length, end, kind))
}

/** Whether a control entry has the form of its kind. */
export function isWellFormedControl(entry: Uint8Array): boolean {
  if (entry.length > OPENING_BYTES_MAX) return false
  const text = bufferOf(entry).toString('latin1')
  return OPENING.test(text) || (entry.length <= ERASURE_BYTES_MAX && ERASURE.test(text))
}

function hasBytes(bytes: Uint8Array, offset: number, end: number, expected: Uint8Array): boolean {
  if (offset + expected.length > end) return false
  for (let i = 0; i < expected.length; i++) if (bytes[offset + i] !== expected[i]) return false
  return true
}
