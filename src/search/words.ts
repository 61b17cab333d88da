import { unicodeVersion } from '../base/unicode-version.js'

/**
 * Marks that do not distinguish words: accents of Latin, Greek and Cyrillic letters, Hebrew points, and Arabic vowel
 * marks.
 */
const ACCENTS =
  /[\u0300-\u036f]|[\u0591-\u05c7]|[\u0610-\u061a]|[\u064b-\u065f]|\u0670|[\u1ab0-\u1aff]|[\u1dc0-\u1dff]|[\u20d0-\u20ff]|[\ufe00-\ufe0f]/g

/** Marks on one letter beyond the number that any language uses: normalizing n marks takes n² steps. */
const MARKS_BEYOND = /(\p{M}{30})\p{M}+/gu

/** Plain spellings of letters that have no decomposition. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  ı: 'i',
  ς: 'σ',
  ł: 'l',
  ø: 'o',
  đ: 'd',
  æ: 'ae',
  œ: 'oe',
}
const UNDECOMPOSED = /[ßıςłøđæœ]/g

/** The characters of a word. Apostrophes and hyphens divide words, in texts and in queries. */
const RUN = /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}|\p{Regional_Indicator}{2}/gu
const ASCII = /^[\0-\x7f]*$/
const ASCII_RUN = /[a-z0-9]+/g

/** Scripts that write words without spaces: a dictionary divides them. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

let segmenter: Intl.Segmenter | undefined

/** Folds a text: texts that differ only in case, accents, width or composition become equal. */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  const decomposed = text.replace(MARKS_BEYOND, '$1').normalize('NFKD').replace(MARKS_BEYOND, '$1')
  const plain = decomposed.replace(ACCENTS, '').toLowerCase()
  return plain
    .replace(UNDECOMPOSED, letter => PLAIN[letter] ?? letter)
    .replace(ACCENTS, '') // the lower case of İ contains a combining dot
    .normalize('NFC')
}

/** The words of a text, folded, in order. Emoji are words. */
export function wordsOf(text: string): readonly string[] {
  const folded = fold(text)
  // For speed: the segmenter takes 40 times as long.
  if (ASCII.test(folded)) return folded.match(ASCII_RUN) ?? []
  const runs = folded.match(RUN) ?? []
  return UNSPACED.test(folded) ? runs.flatMap(run => (UNSPACED.test(run) ? segmentsOf(run) : [run])) : runs
}

function segmentsOf(run: string): string[] {
  // A fixed language, because an index that was built in one locale must be usable in another.
  segmenter ??= new Intl.Segmenter('en', { granularity: 'word' })
  return Array.from(segmenter.segment(run), ({ segment }) => segment)
}

/** The version of the index. It changes when words are divided or folded differently. */
export const wordsVersion = (): string => `2 ${unicodeVersion()}`
