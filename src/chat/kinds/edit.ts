import { defineKind } from './kind.js'
import { encodeOwnTarget, type OwnTarget, parseOwnTarget, readOwnTarget } from './target.js'

/**
 * The author replaces the text of one of their own lines. The target contains no author, so it cannot refer to lines of
 * others.
 */
export interface EditContent {
  readonly kind: 'edit'
  readonly to: OwnTarget
  readonly text: string
}

export type EditDraft = EditContent

/** Prefix of the new text, for older peers. */
const PREFIX = 'edited: '

export const EDIT = defineKind<EditDraft, EditContent>({
  isLine: false,
  encode: ({ to, text }) => ({ message: `${PREFIX}${text}`, type: 'edit', re: encodeOwnTarget(to) }),
  parse: ({ re, message }) => {
    const to = parseOwnTarget(re)
    return to && message.startsWith(PREFIX) ? { kind: 'edit', to, text: message.slice(PREFIX.length) } : undefined
  },
  read: ({ to, text }) => {
    const target = readOwnTarget(to)
    return target !== undefined && typeof text === 'string' ? { kind: 'edit', to: target, text } : undefined
  },
})
