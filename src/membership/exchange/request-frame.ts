import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { textOf, utf8 } from '../../base/wire/bytes.js'
import { REQUEST_BYTES_MAX } from '../limits.js'

// The message request: text to somebody who has not accepted the sender yet. docs/protocol/membership.md §9.14.

const REQUEST = 9
const TAG_BYTES = 16
const NAME_BYTES_MAX = 63

export interface RequestFrame {
  /** The tag of the direct room of sender and receiver. */
  readonly tag: Uint8Array
  /** The name that the sender claims. */
  readonly name: string
  readonly text: string
}

export const encodeRequest = ({ tag, name, text }: RequestFrame): Uint8Array =>
  new ByteWriter().u8(REQUEST).bytes(tag).sized(utf8(name)).bytes(utf8(text)).finish()

/** Undefined for other frames and for malformed ones. */
export function decodeRequest(body: Uint8Array): RequestFrame | undefined {
  if (body[0] !== REQUEST) return undefined
  const reader = new ByteReader(body.subarray(1))
  const tag = reader.bytes(TAG_BYTES)
  const name = textOf(reader.sized(NAME_BYTES_MAX))
  if (reader.remaining > REQUEST_BYTES_MAX) return undefined
  const text = textOf(reader.bytes(reader.remaining))
  return name === undefined || text === undefined ? undefined : reader.end({ tag, name, text })
}

/** The first lines that fit into a request, joined by line ends; the beginning of the first line if it does not fit. */
export function requestText(lines: readonly string[]): string {
  let text = ''
  for (const line of lines) {
    const longer = text === '' ? line : `${text}\n${line}`
    if (Buffer.byteLength(longer) > REQUEST_BYTES_MAX) return text === '' ? beginningOf(line) : text
    text = longer
  }
  return text
}

/** As many whole characters as fit. */
function beginningOf(line: string): string {
  const bytes = utf8(line)
  for (let end = REQUEST_BYTES_MAX; end > 0; end--) {
    const text = textOf(bytes.subarray(0, end))
    if (text !== undefined) return text
  }
  return ''
}
