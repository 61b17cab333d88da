import { defineKind } from './kind.js'
import { encodeOwnTarget, type OwnTarget, parseOwnTarget, readOwnTarget } from './target.js'

/** The author replaces the text of one of their own lines. Lines of others cannot be named. */
export interface EditContent {
  readonly kind: 'edit'
  readonly to: OwnTarget
  readonly text: string
}

export type EditDraft = EditContent

/** What older peers show before the new text. */
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
