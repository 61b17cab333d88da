/** Something that is asked once, and answered by a key; Escape takes it back. */
export interface Question {
  readonly kind: 'quit' | 'paste'
  readonly text: string
  /** What to do, by the name of the key. */
  readonly answers: ReadonlyMap<string, () => void>
}

export function quitQuestion(leave: () => void): Question {
  return {
    kind: 'quit',
    text:
      'Only you have your last line; quit anyway? It is stored here, and goes to the first peer that links with you when ' +
      'you start again. (y quits, n stays)',
    answers: new Map([
      ['y', leave],
      ['n', () => {}],
    ]),
  }
}

export function pasteQuestion(
  lines: readonly string[],
  { whole, apart, edit }: { readonly whole: () => void; readonly apart: () => void; readonly edit: () => void },
): Question {
  return {
    kind: 'paste',
    text: `You pasted ${lines.length} lines. Enter sends them as one message, l line by line, e lets you edit them, Esc drops them.`,
    answers: new Map([
      ['return', whole],
      ['l', apart],
      ['e', edit],
    ]),
  }
}
