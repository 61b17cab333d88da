import { defineKind } from './kind.js'
import { encodeTarget, parseTarget, readTarget, type Target } from './target.js'

/** A line that answers another one. It refers to that line and does not repeat it, so that its author can delete it. */
export interface ReplyContent {
  readonly kind: 'reply'
  readonly to: Target
}

export interface ReplyDraft {
  readonly kind: 'reply'
  readonly to: Target
  readonly text: string
}

export const REPLY = defineKind<ReplyDraft, ReplyContent>({
  isLine: true,
  encode: ({ to, text }) => ({ message: text, type: 'reply', re: encodeTarget(to) }),
  parse: ({ re }) => {
    const to = parseTarget(re)
    return to && { kind: 'reply', to }
  },
  read: ({ to, text }) => {
    const target = readTarget(to)
    return target !== undefined && typeof text === 'string' ? { kind: 'reply', to: target, text } : undefined
  },
})
