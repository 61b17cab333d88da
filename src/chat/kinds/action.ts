import { defineKind } from './kind.js'

/** What the author does, in the third person: `waves`. Older peers show it as a line. */
export interface ActionContent {
  readonly kind: 'action'
}

export interface ActionDraft {
  readonly kind: 'action'
  readonly text: string
}

export const ACTION = defineKind<ActionDraft, ActionContent>({
  isLine: true,
  encode: ({ text }) => ({ message: text, type: 'action' }),
  parse: () => ({ kind: 'action' }),
  read: ({ text }) => (typeof text === 'string' ? { kind: 'action', text } : undefined),
})
