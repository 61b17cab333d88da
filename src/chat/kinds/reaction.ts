import { isEmoji } from '../emoji.js'
import { defineKind } from './kind.js'
import { encodeTarget, parseTarget, readTarget, type Target } from './target.js'

/** The author adds an emoji to a line, or takes it back. */
export interface ReactionContent {
  readonly kind: 'reaction'
  readonly to: Target
  /** One emoji: `isEmoji`. */
  readonly emoji: string
  readonly isRemoved: boolean
}

export type ReactionDraft = ReactionContent

/** The text that older peers show. */
const fallback = (emoji: string, isRemoved: boolean): string =>
  isRemoved ? `took back ${emoji}` : `reacted with ${emoji}`

export const REACTION = defineKind<ReactionDraft, ReactionContent>({
  isLine: false,
  encode: ({ to, emoji, isRemoved }) => ({
    message: fallback(emoji, isRemoved),
    type: 'reaction',
    re: encodeTarget(to),
    emoji,
    ...(isRemoved && { removed: true }),
  }),
  parse: ({ re, emoji, removed }) => {
    const to = parseTarget(re)
    if (to === undefined || !isEmoji(emoji)) return undefined
    return { kind: 'reaction', to, emoji, isRemoved: removed === true }
  },
  read: ({ to, emoji, isRemoved }) => {
    const target = readTarget(to)
    if (target === undefined || !isEmoji(emoji)) return undefined
    return { kind: 'reaction', to: target, emoji, isRemoved: isRemoved === true }
  },
})
