import { type Line, lineOf, typedFor } from '../../commands/commands.js'
import { isDraggedFile } from '../../typed-path.js'
import type { Key } from '../keys.js'
import { type Prompt, pastePrompt } from '../prompts.js'
import { complete } from './completion.js'
import { Editor } from './editor.js'
import { type InputRows, type InputSize, inputRows } from './input-rows.js'

/** Shown at the start, and when the user presses F1, or `?` on an empty line. */
export const HINT = '/help lists the commands, Tab completes them'

/** Actions that the user's input triggers. */
export interface ComposerActions {
  /** Whether a message can be sent. If not, says why, and the message stays in the editor. */
  readonly maySay: () => boolean
  readonly say: (message: string) => void
  readonly command: (line: Exclude<Line, { kind: 'message' }>) => void
  /** The user types a message. */
  readonly typing: () => void
  /** Names for completion. */
  readonly names: () => readonly string[]
  /** The user wants to leave. */
  readonly leave: () => void
}

/** The line being written, its completions, and a question that the next key answers. */
export class Composer {
  readonly #acts: ComposerActions
  readonly #editor = new Editor()
  #question: Prompt | undefined
  #choices: readonly string[] = []
  #hint: string | undefined

  constructor(acts: ComposerActions, draft: string) {
    this.#acts = acts
    this.#editor.set(draft)
  }

  /** The text that is not sent yet. */
  get draft(): string {
    return this.#editor.text
  }

  get question(): Prompt | undefined {
    return this.#question
  }

  /** Possible completions of the word before the cursor, if there are several. */
  get choices(): readonly string[] {
    return this.#choices
  }

  /** Where to find help, if the user asked for it. */
  get hint(): string | undefined {
    return this.#hint
  }

  rows(prompt: string, size: InputSize): InputRows {
    return inputRows(prompt, this.#editor.characters, this.#editor.cursor, size)
  }

  /** Asks a question, which the next keys answer. */
  ask(question: Prompt): void {
    this.#question = question
  }

  /** Withdraws the question. */
  dismiss(): void {
    this.#question = undefined
  }

  /** Adds a line that the user sent before this start to those that Up brings back. */
  remember(message: string): void {
    this.#editor.remember(typedFor(message))
  }

  /** Removes a deleted line from those that Up brings back. */
  forget(message: string): void {
    this.#editor.forget(typedFor(message))
  }

  press(key: Key): void {
    this.#choices = []
    this.#hint = undefined
    if (this.#question !== undefined) this.#answer(this.#question, key)
    else this.#edit(key)
  }

  #edit(key: Key): void {
    const isHelpKey = key.name === 'f1' || (key.text === '?' && this.#editor.text === '')
    if (isHelpKey) this.#hint = HINT
    const request = this.#editor.press(key)
    if (request === 'send') this.#send()
    if (request === 'complete') this.#complete()
    if (request === 'end-of-input') this.#acts.leave()
    if (key.text !== '' && !this.#editor.text.startsWith('/')) this.#acts.typing()
  }

  /** Inserts a single line at the cursor. Turns a file dragged onto an empty line into the command that sends it. Asks what to do with several lines. */
  paste(text: string): void {
    const lines = text.replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n')
    const [line = ''] = lines
    if (lines.length === 1)
      this.#editor.insert(this.#editor.text === '' && isDraggedFile(line) ? `/send ${line.trim()}` : line)
    else this.#question = this.#pasteQuestion(lines)
  }

  #pasteQuestion(lines: readonly string[]): Prompt {
    const { say } = this.#acts
    return pastePrompt(lines, {
      sendWhole: () => say(lines.join('\n')),
      sendLines: () => {
        for (const line of lines) if (line.trim() !== '') say(line)
      },
      edit: () => this.#editor.insert(lines.join('\n')),
    })
  }

  #answer(question: Prompt, key: Key): void {
    const answer = question.answers.get(key.name)
    if (answer === undefined) return
    this.#question = undefined
    answer()
  }

  #send(): void {
    const { text } = this.#editor
    const line = lineOf(text)
    if (text.trim() !== '' && line.kind === 'message' && !this.#acts.maySay()) return
    this.#editor.finish()
    if (text.trim() === '') return
    if (line.kind === 'message') this.#acts.say(line.text)
    else this.#acts.command(line)
  }

  #complete(): void {
    const { before, characters, cursor } = this.#editor
    const completion = complete(before, this.#acts.names())
    if (completion === undefined) return
    const after = characters.slice(cursor).join('')
    this.#editor.set(completion.text)
    const cursorAfter = this.#editor.cursor
    this.#editor.set(completion.text + after)
    this.#editor.moveTo(cursorAfter)
    this.#choices = completion.choices
  }
}
