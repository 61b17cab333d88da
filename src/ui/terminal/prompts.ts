/** Something that is asked once, and answered by a key; Escape takes it back. */
export interface Prompt {
  readonly kind: 'quit' | 'paste'
  readonly text: string
  /** What to do, by the name of the key. */
  readonly answers: ReadonlyMap<string, () => void>
}

/** Asked before the user leaves with lines that nobody else has; `unstored` of them not even this disk. */
export function quitPrompt(unstored: number, leave: () => void): Prompt {
  const lines = unstored === 1 ? 'One of your lines is' : `${unstored} of your lines are`
  return {
    kind: 'quit',
    text:
      unstored > 0
        ? `${lines} not stored yet and will be lost; quit anyway? (y quits, n stays)`
        : 'Only you have your last line; quit anyway? It is stored here, and goes to the first peer that links with you when ' +
          'you start again. (y quits, n stays)',
    answers: new Map([
      ['y', leave],
      ['n', () => {}],
    ]),
  }
}

export function pastePrompt(
  lines: readonly string[],
  { whole, apart, edit }: { readonly whole: () => void; readonly apart: () => void; readonly edit: () => void },
): Prompt {
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
