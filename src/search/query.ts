import type { Millis } from '../base/clock.js'
import { momentOf } from '../base/moment.js'
import { fold, wordsOf } from './words.js'

/** Consecutive words. With `isPrefix`, the last word may be the beginning of a longer word in the text. */
export interface Phrase {
  readonly words: readonly string[]
  readonly isPrefix: boolean
}

/** A parsed query: matches lines with all of `phrases` and none of `excluded`. */
export interface Query {
  readonly phrases: readonly Phrase[]
  readonly excluded: readonly Phrase[]
  /** Folded names, or beginnings of keys: one of them is the author's. Empty: any author. */
  readonly from: readonly string[]
  readonly sinceMs: Millis | undefined
  readonly beforeMs: Millis | undefined
  /** Names of rooms; empty: the room in which the user searches. */
  readonly rooms: readonly string[]
}

/** Why a text is not a query. `word` is the part that is wrong. */
export interface QueryFault {
  readonly fault: 'empty' | 'unknown-operator' | 'no-time' | 'no-value'
  readonly word: string
}

/** The value of `in:` that means all rooms. */
export const ALL_ROOMS = 'all'

export const OPERATORS = ['from', 'since', 'before', 'in'] as const
type Operator = (typeof OPERATORS)[number]

/** Maximum number of parts in a query; hardly any line has more distinct words. */
const PARTS_MAX = 64

/** A quoted phrase, or an operator or word without spaces. The value of an operator may be quoted. */
const PART = /-?(?:[a-z]+:)?"[^"]*"?|\S+/giu
const OPERATOR = /^([a-z]+):(?!\/\/)(.+)$/isu

/** Parses what somebody typed: `from:bob since:mon "apple pie" -raisins`. */
export function parseQuery(text: string, now: Millis): Query | QueryFault {
  const values: Record<Operator, string[]> = { from: [], since: [], before: [], in: [] }
  const [phrases, excluded]: [Phrase[], Phrase[]] = [[], []]
  for (const part of (text.match(PART) ?? []).slice(0, PARTS_MAX)) {
    const [, name = '', value = ''] = OPERATOR.exec(part) ?? []
    if (name !== '') {
      const operator = OPERATORS.find(each => each === name.toLowerCase())
      if (operator === undefined) return { fault: 'unknown-operator', word: name }
      const bare = value.replace(/^"|"$/g, '').trim()
      if (bare === '') return { fault: 'no-value', word: operator }
      values[operator].push(bare)
      continue
    }
    const isExcluded = part.startsWith('-') && part.length > 1
    const phrase = phraseIn(isExcluded ? part.slice(1) : part)
    if (phrase.words.length > 0) (isExcluded ? excluded : phrases).push(phrase)
  }
  const sinceMs = latest(values.since, now)
  const beforeMs = latest(values.before, now)
  if (typeof sinceMs === 'string') return { fault: 'no-time', word: sinceMs }
  if (typeof beforeMs === 'string') return { fault: 'no-time', word: beforeMs }
  const from = values.from.map(name => fold(name.replace(/^@/, '')))
  const rooms = values.in.map(room => room.replace(/^#/, ''))
  if (phrases.length === 0 && from.length === 0 && sinceMs === undefined && beforeMs === undefined)
    return { fault: 'empty', word: '' }
  return { phrases, excluded, from, sinceMs, beforeMs, rooms }
}

/** A word that is split into several, such as `don't`, is a phrase. */
const phraseIn = (part: string): Phrase => ({
  words: wordsOf(part),
  isPrefix: part.endsWith('*') && !part.startsWith('"'),
})

/** The time that the last of `texts` stands for; the text itself if it is not a time. Undefined if there are none. */
function latest(texts: readonly string[], now: Millis): Millis | string | undefined {
  const text = texts.at(-1)
  return text === undefined ? undefined : (momentOf(text, now) ?? text)
}
