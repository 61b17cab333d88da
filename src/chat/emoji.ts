import { sanitise } from '../base/safe-text.js'

/** Longest emoji in UTF-16 code units: a family of four with skin tones has 29. */
const EMOJI_LENGTH_MAX = 32

/** Pictures, with an optional style or skin tone, and joined with others; flags; keycaps. */
const PICTURE = '\\p{Extended_Pictographic}(?:\\ufe0f|[\\u{1f3fb}-\\u{1f3ff}])?'
const EMOJI = new RegExp(
  `^(?:${PICTURE}(?:\\u200d${PICTURE})*|[\\u{1f1e6}-\\u{1f1ff}]{2}|[0-9#*]\\ufe0f?\\u20e3)$`,
  'u',
)

/** Texts that people type instead of an emoji. */
const TYPED: ReadonlyMap<string, string> = new Map([
  ['+1', '👍'],
  ['<3', '❤️'],
  [':)', '🙂'],
  [':(', '🙁'],
])

/** Whether a value is exactly one emoji, which is safe to show as it is. */
export const isEmoji = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= EMOJI_LENGTH_MAX && EMOJI.test(value) && sanitise(value) === value

/** The emoji that somebody typed; undefined if it is not one. */
export function typedEmoji(text: string): string | undefined {
  const emoji = TYPED.get(text) ?? text
  return isEmoji(emoji) ? emoji : undefined
}
