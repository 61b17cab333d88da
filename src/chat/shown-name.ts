import { NAME_LENGTH_MAX } from '../base/limits.js'
import { sanitise } from '../base/sanitise.js'
import { skeletonOf } from './skeleton.js'

/** Words that begin lines of the program's own. */
const PROGRAM_WORDS = new Set(['info', 'warn', 'error', 'persisted-chat'].map(skeletonOf))

/** What separates names from what follows in a line, and what looks like that; spaces, brackets, quotes and box drawing. */
const SEPARATOR = /(?![+=~])[\p{Z}\p{C}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Sm}"*\u2500-\u259f\u2400-\u243f\u23ce❯❮]/u

/** Names begin with a letter, a digit, `_` or an emoji, never with a mark that begins a line of the program's own. */
const BEGINNING = /^[\p{L}\p{N}_\p{Extended_Pictographic}\p{Sc}]/u

const IPV6_ADDRESS = /^\[[0-9A-Fa-f:.]+(%[\w.-]+)?\]:\d+$/

/** Letters of two of these in one name are there to deceive. */
const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u]

/** Whether a name can stand in a line as it is: nobody can take it for a line of the program's own, or for somebody's words. */
export function isPlainName(name: string): boolean {
  if (IPV6_ADDRESS.test(name)) return true
  if ([...name].length > NAME_LENGTH_MAX * 2 || sanitise(name) !== name) return false
  const normal = name.normalize('NFKC')
  if (!BEGINNING.test(normal) || SEPARATOR.test(normal)) return false
  if (SCRIPTS.filter(script => script.test(normal)).length > 1) return false
  return !PROGRAM_WORDS.has(skeletonOf(name))
}

/** A stranger's name, harmless to show: one that is not plain stands in quotes. */
export const shownName = (name: string): string => (isPlainName(name) ? name : quoted(name))

function quoted(name: string): string {
  const characters = [...name]
  const cut = characters.slice(0, NAME_LENGTH_MAX).join('')
  const rest = characters.length > NAME_LENGTH_MAX ? '…' : ''
  return `"${sanitise(cut).replace(/["\\]/g, '\\$&')}${rest}"`
}
