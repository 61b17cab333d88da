import { StringDecoder } from 'node:string_decoder'
import type { Draft } from '../chat/kinds/kinds.js'

/**
 * Splits a stream of bytes into lines without their ends. A line of more than `bytesMax` bytes is yielded in pieces, cut
 * between characters, so that nothing is lost and memory stays bounded. Calls `onCut` once for each such line.
 */
export async function* splitLines(
  input: AsyncIterable<Buffer | string>,
  bytesMax: number,
  onCut: () => void = () => {},
): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isAtStart = true
  /** Whether a piece of the current line has been yielded. */
  let isCut = false
  for await (const chunk of input) {
    let text = typeof chunk === 'string' ? chunk : decoder.write(chunk)
    // Some programs begin UTF-8 with a byte-order mark, which is not text.
    if (isAtStart && text.startsWith('\ufeff')) text = text.slice(1)
    if (text !== '') isAtStart = false
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line
      if (!isCut && Buffer.byteLength(text) > bytesMax) onCut()
      isCut = false
      yield* piecesOf(text, bytesMax)
    }
    while (Buffer.byteLength(rest) > bytesMax) {
      if (!isCut) onCut()
      isCut = true
      const [piece = ''] = piecesOf(rest, bytesMax)
      yield piece
      rest = rest.slice(piece.length)
    }
  }
  rest += decoder.end()
  if (rest !== '') yield* piecesOf(rest, bytesMax)
}

/** Splits a text into pieces of at most `bytesMax` bytes, between characters. */
export function* piecesOf(line: string, bytesMax: number): Generator<string> {
  if (line.length * 3 <= bytesMax || Buffer.byteLength(line) <= bytesMax) {
    yield line
    return
  }
  let start = 0
  let bytes = 0
  let at = 0
  for (const character of line) {
    const size = Buffer.byteLength(character)
    if (bytes + size > bytesMax) {
      yield line.slice(start, at)
      start = at
      bytes = 0
    }
    bytes += size
    at += character.length
  }
  yield line.slice(start)
}

/** Splits a draft into drafts that each fit into one entry. */
export function* piecesOfDraft(draft: Draft, bytesMax: number): Generator<Draft> {
  if (draft.kind === 'text' || draft.kind === 'action')
    for (const text of piecesOf(draft.text, bytesMax)) yield { ...draft, text }
  else yield draft
}
