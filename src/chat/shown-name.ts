import { NAME_LENGTH_MAX } from '../base/names.js'
import { sanitise } from '../base/safe-text.js'
import { skeletonOf } from './skeleton.js'

/** Words that begin the program's notices. */
const PROGRAM_WORDS = new Set(['info', 'warn', 'error', 'persisted-chat'].map(skeletonOf))

/** Letters, digits, marks, emoji and a few signs; dots and apostrophes only between two of these. */
const PLAIN =
  /^[\p{L}\p{N}_\p{Sc}\p{Extended_Pictographic}](?:[.']?[\p{L}\p{N}\p{M}_+=~\p{Sc}\p{Extended_Pictographic}\p{Emoji_Modifier}-])*$/u

/** Modifier and tone letters that look like punctuation, and the click letters. */
const LIKE_PUNCTUATION = /[\u01c0-\u01c3\u02b0-\u02ff\ua4f8-\ua4ff\ua788-\ua78c]/u

/** `2026-11-27` or `14.03`. */
const LIKE_TIME = /^\p{N}+(?:[.'-]+\p{N}+)+$/u

/** Addresses that scuttleup peers use as their name. */
const LITERAL_ADDRESS = /^(?:localhost|(?:\d{1,3}\.){3}\d{1,3}|\[(?=.*:.*:)[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]):\d{1,5}$/

/** Any `host:port`. */
const ADDRESS = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]*:\d{1,5}$/u

/** Latin letters; letters of scripts that do not resemble Latin; and letters of all scripts except Latin. */
const LATIN = /\p{Script=Latin}/u
const UNLIKE_LATIN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Common}\p{Script=Inherited}]/u
const OTHERS = /(?!\p{Script=Latin})\p{L}/gu

/** A name that mixes two of these scripts is deceptive. */
const LIKE_LATIN = [/\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u]

/** Spacing marks such as the visarga look like a colon after a letter, and are in none of these scripts. */
const SPACING_MARK = /\p{Mc}/u

/** Whether a name can be shown unquoted: it cannot be mistaken for a program notice, or run into the words that follow it. */
export function isPlainName(name: string): boolean {
  if (LITERAL_ADDRESS.test(name)) return true
  if ([...name].length > NAME_LENGTH_MAX * 2 || sanitise(name) !== name) return false
  const normal = name.normalize('NFKC')
  if (!PLAIN.test(normal) || LIKE_PUNCTUATION.test(name) || LIKE_TIME.test(normal)) return false
  if (mixesScripts(normal)) return false
  return !PROGRAM_WORDS.has(skeletonOf(name))
}

function mixesScripts(name: string): boolean {
  const hasLatin = LATIN.test(name)
  const others = (name.match(OTHERS) ?? []).filter(letter => !UNLIKE_LATIN.test(letter))
  const alike = LIKE_LATIN.filter(script => script.test(name)).length
  return (hasLatin && others.length > 0) || alike > 1 || (hasLatin || alike > 0 ? SPACING_MARK.test(name) : false)
}

/** How a connection is shown until its peer announces a name: an address is not quoted. */
export const shownAddress = (place: string): string => (ADDRESS.test(place) ? place : shownName(place))

/** Whether a name is the address of a connection, rather than a person's name with a colon. */
export const isAddress = (name: string): boolean =>
  LITERAL_ADDRESS.test(name) || (ADDRESS.test(name) && name.includes('.'))

/** An untrusted name, made safe to show: quoted unless it is plain. */
export const shownName = (name: string): string => (isPlainName(name) ? name : quoted(name))

function quoted(name: string): string {
  const characters = [...name]
  const cut = characters.slice(0, NAME_LENGTH_MAX).join('')
  const rest = characters.length > NAME_LENGTH_MAX ? '…' : ''
  return `"${sanitise(cut).replace(/["\\]/g, '\\$&')}${rest}"`
}
