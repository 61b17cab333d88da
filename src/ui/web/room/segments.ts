import { sanitise } from '../../../base/safe-text.js'
import type { Segment } from '../protocol/rows.js'

/** Links and mentions in one text; beyond this number, the text stays plain. */
const SEGMENTS_MAX = 200
/** Longest address that is a link. */
const URL_LENGTH_MAX = 2_048

const LINK = /\bhttps?:\/\/[^\s<>"'`‹›«»“”„]+/giu
/** Punctuation at the end of an address that belongs to the sentence. */
const SENTENCE_END = /[.,;:!?…'")\]}*_]+$/u
/** A typed name after `@`. */
const MENTION = /(?<![\p{L}\p{N}_@])@[\p{L}\p{N}][\p{L}\p{M}\p{N}_.'+=~-]*/gu

export interface MentionNames {
  /** Names of the user: they are mentions with or without `@`. */
  readonly own: readonly string[]
  readonly isKnown: (name: string) => boolean
}

/** Sanitises each line of a text; line breaks stay. */
export const harmless = (text: string): string =>
  text
    .split('\n')
    .map(line => sanitise(line.replace(/\r$/, '')))
    .join('\n')

/** The parts of a sanitised text. Only `http:` and `https:` addresses without a user name become links. A link opens the address that it shows. */
export function segmentsOf(text: string, names: MentionNames): Segment[] {
  const found = [...linksIn(text), ...mentionsIn(text, names)].sort((a, b) => a.from - b.from)
  const segments: Segment[] = []
  let at = 0
  for (const { from, segment } of found.slice(0, SEGMENTS_MAX)) {
    if (from < at) continue // within a link
    if (from > at) segments.push({ kind: 'text', text: text.slice(at, from) })
    segments.push(segment)
    at = from + segment.text.length
  }
  if (at < text.length) segments.push({ kind: 'text', text: text.slice(at) })
  return segments
}

interface Found {
  readonly from: number
  readonly segment: Segment
}

function* linksIn(text: string): Generator<Found> {
  for (const match of text.matchAll(LINK)) {
    const shown = withoutEnd(match[0])
    const url = shown.length > URL_LENGTH_MAX ? undefined : urlOf(shown)
    if (url !== undefined)
      yield { from: match.index, segment: { kind: 'link', text: shown, url: url.href, host: sanitise(url.host) } }
  }
}

/** Cuts the end of the sentence off an address. A closing bracket stays if the address has the opening one. */
function withoutEnd(address: string): string {
  const shown = address.replace(SENTENCE_END, '')
  return address.startsWith(`${shown})`) && shown.includes('(') ? `${shown})` : shown
}

function urlOf(text: string): URL | undefined {
  try {
    const url = new URL(text)
    const isPlain =
      (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
    return isPlain && url.host !== '' ? url : undefined
  } catch {
    return undefined
  }
}

function* mentionsIn(text: string, { own, isKnown }: MentionNames): Generator<Found> {
  for (const name of own) {
    const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    for (const match of text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}_])@?${escaped}(?![\\p{L}\\p{N}_])`, 'giu')))
      yield { from: match.index, segment: { kind: 'mention', text: match[0], isOwn: true } }
  }
  for (const match of text.matchAll(MENTION)) {
    const shown = match[0].replace(/[.'+=~-]+$/u, '')
    if (isKnown(shown.slice(1))) yield { from: match.index, segment: { kind: 'mention', text: shown, isOwn: false } }
  }
}
