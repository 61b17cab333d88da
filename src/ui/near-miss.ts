/** Edit distance by Damerau and Levenshtein: letters added, removed, replaced or swapped. */
export function distanceOf(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const above = rows[i - 1] ?? []
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwapped ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : replaced
      row.push(Math.min(replaced, swapped, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}

/** Minimum length for a replaced letter to be a typo: shorter commands are too close to names such as john, rick or deb. */
const REPLACED_LENGTH_MIN = 5
/** Minimum length for a missing letter to be a typo. */
const MISSING_LENGTH_MIN = 4
/** Minimum length for two wrong letters to be a typo. */
const TWO_TYPOS_LENGTH_MIN = 8

/** Words that are one letter from a command, but more likely meant as names. */
const OTHER_WORDS = new Set(
  'blog broom cat chad chart clog floyd groom hat jon logo noe prof rene renee roof verity webb'.split(' '),
)

/** Whether `word` is probably a mistyped `command`, rather than a person's name. Both are in lower case. */
export function isTypo(word: string, command: string): boolean {
  // Digits are not typed by accident: node1 is a name.
  if (word === command || OTHER_WORDS.has(word) || /\d/.test(word)) return false
  const distance = distanceOf(word, command)
  if (distance === 2) return command.length >= TWO_TYPOS_LENGTH_MIN
  if (distance !== 1) return false
  if (word.length > command.length) return true
  if (word.length < command.length) return command.length >= MISSING_LENGTH_MIN
  const isSwapped = [...word].sort().join('') === [...command].sort().join('')
  return isSwapped || command.length >= REPLACED_LENGTH_MIN
}
