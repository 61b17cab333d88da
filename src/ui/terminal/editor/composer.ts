import { type Line, lineOf, typedFor } from '../../commands/commands.js'
import type { Key } from '../keys.js'
import { type Prompt, pastePrompt } from '../prompts.js'
import { complete } from './completion.js'
import { Editor } from './editor.js'
import { type InputRows, type InputSize, inputRows } from './input-rows.js'

/** Shown at the start, and to those who look for help by `?` or F1. */
export const HINT = '/help lists the commands, Tab completes them'

/** What comes of what the user writes. */
export interface ComposerActs {
  readonly say: (message: string) => void
  readonly command: (line: Exclude<Line, { kind: 'message' }>) => void
  /** Something is typed that is no command. */
  readonly typing: () => void
  /** Names that can be completed. */
  readonly names: () => readonly string[]
  /** The user wants to leave. */
  readonly leave: () => void
}

/** What the user writes: the line, what it could be completed to, and a question that is to be answered first. */
export class Composer {
  readonly #acts: ComposerActs
  readonly #editor = new Editor()
  #question: Prompt | undefined
  #choices: readonly string[] = []
  #hint: string | undefined

  constructor(acts: ComposerActs, draft: string) {
    this.#acts = acts
    this.#editor.set(draft)
  }

  /** What is written and not sent. */
  get draft(): string {
    return this.#editor.text
  }

  get question(): Prompt | undefined {
    return this.#question
  }

  /** What the word before the cursor could go on to, where that is not certain. */
  get choices(): readonly string[] {
    return this.#choices
  }

  /** Where to find help, for somebody who seems to look for it. */
  get hint(): string | undefined {
    return this.#hint
  }

  rows(prompt: string, size: InputSize): InputRows {
    return inputRows(prompt, this.#editor.characters, this.#editor.cursor, size)
  }

  /** Asks something; keys answer it from now on. */
  ask(question: Prompt): void {
    this.#question = question
  }

  /** Takes a question back. */
  dismiss(): void {
    this.#question = undefined
  }

  /** A line that was said in an earlier run, and can be called back as it was typed. */
  remember(message: string): void {
    this.#editor.remember(typedFor(message))
  }

  press(key: Key): void {
    this.#choices = []
    this.#hint = undefined
    if (this.#question !== undefined) this.#answer(this.#question, key)
    else this.#edit(key)
  }

  #edit(key: Key): void {
    const isAsking = key.name === 'f1' || (key.text === '?' && this.#editor.text === '')
    if (isAsking) this.#hint = HINT
    const request = this.#editor.press(key)
    if (request === 'send') this.#send()
    if (request === 'complete') this.#complete()
    if (request === 'end-of-input') this.#acts.leave()
    if (key.text !== '' && !this.#editor.text.startsWith('/')) this.#acts.typing()
  }

  /** One line goes where the cursor is; what several are to become is asked. */
  pasted(text: string): void {
    const lines = text.replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n')
    if (lines.length === 1) this.#editor.insert(lines[0] ?? '')
    else this.#question = this.#questionOf(lines)
  }

  #questionOf(lines: readonly string[]): Prompt {
    const { say } = this.#acts
    return pastePrompt(lines, {
      whole: () => say(lines.join('\n')),
      apart: () => {
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
    this.#editor.finish()
    if (text.trim() === '') return
    const line = lineOf(text)
    if (line.kind === 'message') this.#acts.say(line.text)
    else this.#acts.command(line)
  }

  #complete(): void {
    const { before, characters, cursor } = this.#editor
    const completion = complete(before, this.#acts.names())
    if (completion === undefined) return
    const after = characters.slice(cursor).join('')
    this.#editor.set(completion.text)
    const place = this.#editor.cursor
    this.#editor.set(completion.text + after)
    this.#editor.moveTo(place)
    this.#choices = completion.choices
  }
}
