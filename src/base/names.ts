import { ChatError } from './errors.js'

/** Longest user or room name in code points, and in bytes: a DNS label, as in `<name>.local`, has at most 63. */
export const NAME_LENGTH_MAX = 32
export const NAME_BYTES_MAX = 63

/** Characters not allowed in names: control, invisible and reordering characters, white space, dots, path and address separators. */
const NOT_IN_NAMES = /[\p{C}\p{Z}./\\:*?"<>|%[\]@,]|\p{Default_Ignorable_Code_Point}|\u2800/u

const HINT = `A name has 1 to ${NAME_LENGTH_MAX} letters, digits or marks like - and _, no dots, spaces or slashes.`

/** `text` as a user or room name, in NFC. Throws BAD_NAME. `what` is its description in the error, such as `your name`. */
export function checkName(text: string, what: string): string {
  const name = text.normalize('NFC')
  const fault = faultOf(name)
  if (fault !== undefined) throw new ChatError('BAD_NAME', `${what} ${fault}`, { hint: HINT })
  return name
}

export const isName = (text: string): boolean => faultOf(text) === undefined

/** Begins the names of direct rooms: `@bob`, or `@bob-1a2b3c4d` with a part of the key. */
const DIRECT = '@'
const KEY_SUFFIX = /-[0-9a-f]{8}$/

/** Whether a name is that of a direct room. */
export const isDirectName = (room: string): boolean => room.startsWith(DIRECT)

/** `text` as the name of a room. Throws BAD_NAME. */
export function checkRoomName(text: string): string {
  const what = `the room name ${JSON.stringify(text)}`
  if (!isDirectName(text)) return checkName(text, what)
  const suffix = KEY_SUFFIX.exec(text)?.[0] ?? ''
  return DIRECT + checkName(text.slice(DIRECT.length, text.length - suffix.length), what) + suffix
}

export function isRoomName(text: string): boolean {
  const isDirect = isDirectName(text)
  return isName(isDirect ? text.slice(DIRECT.length).replace(KEY_SUFFIX, '') : text)
}

/** A room as people write it: `#ops`, `@bob`. */
export const shownRoom = (room: string): string => (isDirectName(room) ? room : `#${room}`)

/** Whether two names are equal on a local network, which ignores case. RFC 6762 §16. */
export const equalsIgnoringCase = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

function faultOf(name: string): string | undefined {
  if (name === '') return 'is empty'
  if ([...name].length > NAME_LENGTH_MAX) return `is longer than ${NAME_LENGTH_MAX} characters`
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return `is longer than ${NAME_BYTES_MAX} bytes`
  const bad = NOT_IN_NAMES.exec(name)?.[0]
  if (bad !== undefined) return `must not contain ${describe(bad)}`
  if (name.startsWith('-')) return 'must not begin with -'
  return undefined
}

function describe(character: string): string {
  if (character === ' ') return 'a space'
  if (character === '.') return 'a dot'
  if (/^[!-~]$/.test(character)) return character
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/**
 * A name as a single path component: every character except lower-case ASCII letters, digits, `-` and `_` becomes `%` and the
 * hex of its UTF-8 bytes. Distinct names stay distinct on case-insensitive file systems. docs/protocol/storage.md §4.
 */
export const pathComponentOf = (name: string): string => escaped(name, /[^a-z0-9_-]/gu)

/** The encoding of earlier versions, which left capitals unescaped. */
const formerComponentOf = (name: string): string => escaped(name, /[^A-Za-z0-9_-]/gu)

/** Fallback for a lower-case name whose component resolves to another name's directory. */
const spareComponentOf = (name: string): string => escaped(name, /./gsu)

const escaped = (name: string, characters: RegExp): string =>
  name.replace(
    characters,
    character =>
      `%${Buffer.from(character)
        .toString('hex')
        .replace(/..(?=.)/g, '$&%')}`,
  )

/** Every path component a name may be stored under, in order of preference. */
export const pathComponentsOf = (name: string): readonly string[] => [
  ...new Set([formerComponentOf(name), pathComponentOf(name), spareComponentOf(name)]),
]

/**
 * The path component a name is stored under, or will be. `stored` lists the directory's entries; `isTaken` returns whether a component
 * resolves to any entry. If a component resolves but is not listed, the file system ignores case and the directory belongs to another name.
 */
export function chosenComponent(
  name: string,
  stored: readonly string[],
  isTaken: (component: string) => boolean,
): string {
  const found = pathComponentsOf(name).find(component => stored.includes(component))
  if (found !== undefined) return found
  const component = pathComponentOf(name)
  return isTaken(component) ? spareComponentOf(name) : component
}
