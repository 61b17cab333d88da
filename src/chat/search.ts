import { bufferOf } from '../base/wire/bytes.js'
import type { Message } from './kinds/message.js'

/** Text that JSON writes as it is, letter by letter, unless it escapes what it need not. */
const UNESCAPED = /^[ !#-[\]-~]+$/

export interface Search {
  /** Whether an entry is worth being read, by its bytes: false only where its message cannot contain the text. */
  readonly mayMatch: (entry: Uint8Array) => boolean
  readonly matches: (message: Message) => boolean
}

/** A search for messages that contain a text, whatever its case. */
export function searchFor(text: string): Search {
  const wanted = text.normalize('NFC').toLowerCase()
  const matches = ({ message }: Message): boolean => message.normalize('NFC').toLowerCase().includes(wanted)
  if (!UNESCAPED.test(wanted)) return { mayMatch: () => true, matches }
  // ‘K’ for kelvin and a few like it are ASCII in lower case alone: entries that hold more than ASCII are all read.
  const mayMatch = (entry: Uint8Array): boolean => {
    const bytes = bufferOf(entry)
    const plain = bytes.toString('latin1')
    return plain.includes('\\u') || plain.toLowerCase().includes(wanted) || !isAscii(plain)
  }
  return { mayMatch, matches }
}

const isAscii = (text: string): boolean => !/[\u0080-\u00ff]/.test(text)
