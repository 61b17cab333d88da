import { isDirectName } from '../../base/names.js'

/** A question that the user answers by a key. Escape dismisses it. */
export interface Prompt {
  readonly kind: 'quit' | 'paste'
  readonly text: string
  /** Actions by key name. */
  readonly answers: ReadonlyMap<string, () => void>
}

/**
 * Asks before the user leaves with lines that no peer has; `unsaved` of them are not even on this disk. The screen leaves
 * without an answer when a peer has the last line.
 */
export function quitPrompt(unsaved: number, room: string, leave: () => void): Prompt {
  const other = isDirectName(room) ? room.slice(1) : undefined
  const waits =
    other === undefined
      ? 'Your last line is not delivered to anyone yet; the chat ends when it is. It is stored here, and will be sent to ' +
        'the first peer that connects after the next start.'
      : `Your last line waits for ${other}; the chat ends when ${other} has it. It is stored here, and ${other} gets it when ` +
        'you are both connected.'
  const lines = unsaved === 1 ? 'One of your lines is' : `${unsaved} of your lines are`
  return {
    kind: 'quit',
    text:
      unsaved > 0
        ? `${lines} not stored yet and will be lost; quit anyway? (y quits, n stays)`
        : `${waits} (y quits now, n stays)`,
    answers: new Map([
      ['y', leave],
      ['n', () => {}],
    ]),
  }
}

export function pastePrompt(
  lines: readonly string[],
  {
    sendWhole,
    sendLines,
    edit,
  }: { readonly sendWhole: () => void; readonly sendLines: () => void; readonly edit: () => void },
): Prompt {
  return {
    kind: 'paste',
    text: `You pasted ${lines.length} lines. Enter sends them as one message, l line by line, e lets you edit them, Esc drops them.`,
    answers: new Map([
      ['return', sendWhole],
      ['l', sendLines],
      ['e', edit],
    ]),
  }
}
