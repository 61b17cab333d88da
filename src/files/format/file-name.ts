import { sanitise } from '../../base/safe-text.js'
import { FILE_NAME_BYTES_MAX } from '../limits.js'

/** Names that Windows reserves for devices, whatever follows the first dot. */
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)$/i
/** Separators, other characters that Windows forbids in names, and invisible ones. */
const FORBIDDEN = /[/\\:*?"<>|\p{C}\p{Default_Ignorable_Code_Point}]/gu
const FALLBACK = 'file'
/** Bytes of a saved name. Leaves room for ` (99)` and a suffix of the program within the limit of file systems. */
const SAVED_BYTES_MAX = 200
/** Longest ending that is kept when a name is shortened. */
const ENDING_LENGTH_MAX = 16

/**
 * The name under which a file of a peer is saved: one path component without separators, control, invisible or reordering characters,
 * that is neither hidden nor a device.
 */
export function savedName(name: string): string {
  const plain = sanitise(name.normalize('NFC').replace(FORBIDDEN, '_'))
    .replace(/^[\s.~-]+/u, '')
    .replace(/[\s.]+$/u, '')
  const usable = plain === '' ? FALLBACK : plain
  const safe = RESERVED.test(usable.split('.')[0]?.trim() ?? '') ? `_${usable}` : usable
  const ending = endingOf(safe)
  return `${shortened(safe.slice(0, safe.length - ending.length), SAVED_BYTES_MAX - Buffer.byteLength(ending))}${ending}`
}

/** `photo.jpg`, then `photo (2).jpg`, `photo (3).jpg`, … */
export function numberedName(name: string, number: number): string {
  if (number === 1) return name
  const ending = endingOf(name)
  return `${name.slice(0, name.length - ending.length)} (${number})${ending}`
}

/** The name of a file that is sent, short enough for a line. */
export const sentName = (name: string): string => shortened(name.normalize('NFC'), FILE_NAME_BYTES_MAX)

export const isFileName = (name: unknown): name is string =>
  typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= FILE_NAME_BYTES_MAX

function endingOf(name: string): string {
  const at = name.lastIndexOf('.')
  return at > 0 && name.length - at <= ENDING_LENGTH_MAX ? name.slice(at) : ''
}

/** The first characters of a text that fit into `bytesMax` bytes. */
function shortened(text: string, bytesMax: number): string {
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > bytesMax) break
    end += character.length
  }
  return text.slice(0, end)
}
