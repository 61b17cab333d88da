import { StringDecoder } from 'node:string_decoder'
import type { Draft } from '../chat/kinds/kinds.js'

/** Yields the lines of a stream of bytes one by one, without their line ends. Splits them as `lineBatches` does. */
export async function* splitLines(input: AsyncIterable<Buffer | string>, bytesMax: number): AsyncGenerator<string> {
  for await (const lines of lineBatches(input, bytesMax)) yield* lines
}

/**
 * The lines that end in each chunk of a stream of bytes, without their line ends. A line of more than `bytesMax` bytes
 * is yielded in pieces, cut between characters, so that nothing is lost and memory stays bounded. Calls `onCut` once
 * for each such line.
 */
export async function* lineBatches(
  input: AsyncIterable<Buffer | string>,
  bytesMax: number,
  onCut: () => void = () => {},
): AsyncGenerator<readonly string[]> {
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
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    const batch: string[] = []
    for (const whole of lines) {
      const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole
      if (isShort(line, bytesMax)) batch.push(line)
      else {
        if (!isCut) onCut()
        batch.push(...piecesOf(line, bytesMax))
      }
      isCut = false
    }
    while (!isShort(rest, bytesMax)) {
      if (!isCut) onCut()
      isCut = true
      const [piece = ''] = piecesOf(rest, bytesMax)
      batch.push(piece)
      rest = rest.slice(piece.length)
    }
    yield batch
  }
  rest += decoder.end()
  if (rest !== '') yield [...piecesOf(rest, bytesMax)]
}

const isShort = (text: string, bytesMax: number): boolean =>
  text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax

/** Splits a text into pieces of at most `bytesMax` bytes, between characters. */
export function* piecesOf(line: string, bytesMax: number): Generator<string> {
  if (isShort(line, bytesMax)) {
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
  if (draft.kind === 'text' || draft.kind === 'action' || draft.kind === 'reply')
    for (const text of piecesOf(draft.text, bytesMax)) yield { ...draft, text }
  else yield draft
}
