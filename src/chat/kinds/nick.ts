import { defineKind } from './kind.js'

/** The author changes their name to the name in the entry. */
export interface NickContent {
  readonly kind: 'nick'
  /** The former name according to the author; undefined if the entry does not state it. */
  readonly before: string | undefined
}

export interface NickDraft {
  readonly kind: 'nick'
  readonly before: string
  readonly name: string
}

/** The text that older peers show. */
const fallback = (before: string, name: string): string => `${before} is called ${name} from now on`

export const NICK = defineKind<NickDraft, NickContent>({
  isLine: false,
  encode: ({ before, name }) => ({ username: name, message: fallback(before, name), type: 'nick' }),
  parse: ({ username, message }) => {
    const ending = fallback('', username)
    return { kind: 'nick', before: message.endsWith(ending) ? message.slice(0, -ending.length) : undefined }
  },
  read: ({ before, name }) =>
    typeof before === 'string' && typeof name === 'string' ? { kind: 'nick', before, name } : undefined,
})
