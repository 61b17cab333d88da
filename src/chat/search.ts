import { bufferOf } from '../base/wire/bytes.js'
import type { Message } from './kinds/message.js'

/** Text that JSON writes unescaped, unless an encoder escapes more than it has to. */
const UNESCAPED = /^[ !#-[\]-~]+$/

export interface Search {
  /** Whether an entry is worth decoding, by its bytes: false only if its message cannot contain the text. */
  readonly mayMatch: (entry: Uint8Array) => boolean
  readonly matches: (message: Message) => boolean
}

/** A case-insensitive search for messages that contain a text. */
export function searchFor(text: string): Search {
  const needle = text.normalize('NFC').toLowerCase()
  const matches = ({ message }: Message): boolean => message.normalize('NFC').toLowerCase().includes(needle)
  if (!UNESCAPED.test(needle)) return { mayMatch: () => true, matches }
  // The kelvin sign and a few others become ASCII in lower case, so every entry with non-ASCII bytes is decoded.
  const mayMatch = (entry: Uint8Array): boolean => {
    const bytes = bufferOf(entry)
    const plain = bytes.toString('latin1')
    return plain.includes('\\u') || plain.toLowerCase().includes(needle) || !isAscii(plain)
  }
  return { mayMatch, matches }
}

const isAscii = (text: string): boolean => !/[\u0080-\u00ff]/.test(text)
