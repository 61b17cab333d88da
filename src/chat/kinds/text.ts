import { defineKind } from './kind.js'

/** A plain line. */
export interface TextContent {
  readonly kind: 'text'
}

export interface TextDraft {
  readonly kind: 'text'
  readonly text: string
}

export const TEXT = defineKind<TextDraft, TextContent>({
  isLine: true,
  encode: ({ text }) => ({ message: text }),
  parse: () => ({ kind: 'text' }),
  read: ({ text }) => (typeof text === 'string' ? { kind: 'text', text } : undefined),
})
