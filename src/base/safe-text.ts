// Makes text from peers safe to show on a terminal. All such text passes through here. docs/protocol/text.md §8.

/** Code points that control, reorder, hide or break a line of text, as ranges. */
const FORBIDDEN_RANGES: readonly (readonly [from: number, to: number, what: string])[] = [
  [0x0000, 0x001f, 'C0 controls, including ESC'],
  [0x007f, 0x009f, 'DEL and C1 controls'],
  [0x00ad, 0x00ad, 'soft hyphen'],
  [0x034f, 0x034f, 'combining grapheme joiner'],
  [0x0600, 0x0605, 'Arabic number signs, which extend over the following digits'],
  [0x061c, 0x061c, 'Arabic letter mark'],
  [0x06dd, 0x06dd, 'Arabic end of ayah'],
  [0x070f, 0x070f, 'Syriac abbreviation mark'],
  [0x0890, 0x0891, 'Arabic pound and piastre marks'],
  [0x08e2, 0x08e2, 'Arabic disputed end of ayah'],
  [0x115f, 0x1160, 'Hangul fillers'],
  [0x17b4, 0x17b5, 'invisible Khmer vowels'],
  [0x180b, 0x180f, 'Mongolian selectors and separator'],
  [0x200b, 0x200f, 'zero-width characters and direction marks; ZWJ stays within emoji'],
  [0x2028, 0x202e, 'line and paragraph separators, bidirectional embeddings and overrides'],
  [0x2060, 0x206f, 'word joiner, invisible operators, bidirectional isolates'],
  [0x2800, 0x2800, 'blank Braille pattern'],
  [0x3164, 0x3164, 'Hangul filler'],
  [0xd800, 0xdfff, 'lone surrogates'],
  [0xfdd0, 0xfdef, 'noncharacters'],
  [0xfe00, 0xfe0f, 'variation selectors; those of text and emoji style stay within emoji'],
  [0xfeff, 0xfeff, 'byte-order mark'],
  [0xffa0, 0xffa0, 'halfwidth Hangul filler'],
  [0xfff0, 0xfffb, 'interlinear annotation'],
  [0xfffe, 0xffff, 'noncharacters'],
  [0x110bd, 0x110bd, 'Kaithi number sign'],
  [0x110cd, 0x110cd, 'Kaithi number sign above'],
  [0x13430, 0x1343f, 'hieroglyph format controls'],
  [0x1bca0, 0x1bca3, 'shorthand format controls'],
  [0x1d173, 0x1d17a, 'musical format controls'],
  [0xe0000, 0xe0fff, 'tags and supplementary variation selectors'],
]

const hex = (code: number): string => `\\u{${code.toString(16)}}`
const FORBIDDEN = `[${FORBIDDEN_RANGES.map(([from, to]) => `${hex(from)}-${hex(to)}`).join('')}]`

/** Joiners and style selectors within emoji, such as families and keycaps. */
const EMOJI_PART = [
  '(?<=\\p{Extended_Pictographic}[\\ufe0f\\u{1f3fb}-\\u{1f3ff}]?)\\u200d(?=\\p{Extended_Pictographic})',
  '(?<=\\p{Extended_Pictographic})[\\ufe0e\\ufe0f]',
  '(?<=[0-9#*])\\ufe0f(?=\\u20e3)',
].join('|')

const FORBIDDEN_ANYWHERE = new RegExp(FORBIDDEN, 'gu')
const FORBIDDEN_OUTSIDE_EMOJI = new RegExp(`(${EMOJI_PART})|${FORBIDDEN}`, 'gu')

/** Runs of more than four combining marks, which would paint over neighbouring lines. */
const COMBINING_RUN = /(\p{M}{4})\p{M}+/gu

/**
 * `text` as one harmless line: controls become their pictures (`␛`), invisible and reordering characters become `‹U+202E›`.
 * Nothing in the result moves the cursor, changes the reading direction or is invisible.
 */
export function sanitise(text: string): string {
  return text
    .replace(FORBIDDEN_OUTSIDE_EMOJI, (character, part?: string) => part ?? visible(character))
    .replace(COMBINING_RUN, '$1')
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code === 0x0a) return '⏎'
  if (code === 0x09) return '    '
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '␡'
  return `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`
}

/** JSON of `value` on one line, with forbidden code points escaped as `\uXXXX`: lossless for programs, harmless on a terminal. */
export function sanitisedJson(value: unknown): string {
  return JSON.stringify(value).replace(FORBIDDEN_ANYWHERE, escaped)
}

function escaped(character: string): string {
  let escapes = ''
  for (let i = 0; i < character.length; i++) escapes += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  return escapes
}
