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

/** Length from which on a replaced letter is a slip. In shorter words it makes another word or name: john, rick, deb. */
const REPLACED_LENGTH_MIN = 5
/** Length from which on a missing letter is a slip. */
const MISSING_LENGTH_MIN = 4
/** Length from which on two wrong letters are a slip. */
const TWO_SLIPS_LENGTH_MIN = 8

/** Names and words that are one letter from a command, and more likely meant as names. */
const OTHER_WORDS = new Set(
  'blog broom cat chad chart clog floyd groom hat jon logo noe prof rene renee roof verity webb'.split(' '),
)

/** Whether `word` is probably a mistyped `command`, rather than a person's name. Both are in lower case. */
export function isSlip(word: string, command: string): boolean {
  // Digits are not typed by accident: node1 is a name.
  if (word === command || OTHER_WORDS.has(word) || /\d/.test(word)) return false
  const distance = distanceOf(word, command)
  if (distance === 2) return command.length >= TWO_SLIPS_LENGTH_MIN
  if (distance !== 1) return false
  if (word.length > command.length) return true
  if (word.length < command.length) return command.length >= MISSING_LENGTH_MIN
  const isSwapped = [...word].sort().join('') === [...command].sort().join('')
  return isSwapped || command.length >= REPLACED_LENGTH_MIN
}
