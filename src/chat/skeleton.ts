/** Common characters that look like a Latin letter in most fonts, from the confusables of Unicode TS 39. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  // Cyrillic
  а: 'a',
  в: 'b',
  с: 'c',
  ԁ: 'd',
  е: 'e',
  һ: 'h',
  н: 'h',
  і: 'i',
  ї: 'i',
  ј: 'j',
  к: 'k',
  ӏ: 'i',
  м: 'm',
  о: 'o',
  р: 'p',
  ԛ: 'q',
  ѕ: 's',
  т: 't',
  у: 'y',
  ѵ: 'v',
  ԝ: 'w',
  х: 'x',
  г: 'r',
  // Greek
  α: 'a',
  β: 'b',
  ε: 'e',
  η: 'n',
  ι: 'i',
  κ: 'k',
  ν: 'v',
  ο: 'o',
  ρ: 'p',
  τ: 't',
  υ: 'u',
  χ: 'x',
  γ: 'y',
  ω: 'w',
  // Latin
  ı: 'i',
  ł: 'i',
  ɑ: 'a',
  ɡ: 'g',
  ʀ: 'r',
  l: 'i',
  '1': 'i',
  '|': 'i',
  '0': 'o',
}

/** Skeletons of short texts, because the same few names are compared with every message. */
const known = new Map<string, string>()
const KNOWN_MAX = 1_000
const KNOWN_LENGTH_MAX = 64

/** Normalises look-alike characters: texts with the same skeleton can be mistaken for each other. */
export function skeletonOf(text: string): string {
  const before = known.get(text)
  if (before !== undefined) return before
  const skeleton = [...text.normalize('NFKC').toLowerCase().normalize('NFKC')]
    .map(character => (Object.hasOwn(LOOKALIKES, character) ? LOOKALIKES[character] : character))
    .join('')
    .replace(/[\s\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu, '')
  if (known.size >= KNOWN_MAX) known.clear()
  if (text.length <= KNOWN_LENGTH_MAX) known.set(text, skeleton)
  return skeleton
}
