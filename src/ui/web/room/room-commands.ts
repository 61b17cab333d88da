import { errorLine } from '../../../base/errors.js'
import { sanitise } from '../../../base/safe-text.js'
import type { Draft } from '../../../chat/kinds/kinds.js'
import type { Message } from '../../../chat/kinds/message.js'
import { BackgroundTask } from '../../background-task.js'
import { CommandOrder, lineOf } from '../../commands/commands.js'
import type { CommandContext, QuoteStyle, Task } from '../../commands/context.js'
import { quotedMessages } from '../../commands/quoted.js'
import { cutLine, MESSAGE_BYTES_MAX } from '../../lines/input.js'
import { piecesOfDraft } from '../../split-lines.js'
import type { ServerEvent } from '../protocol/messages.js'
import type { Notice } from '../protocol/state.js'
import type { Workspace } from '../workspace.js'
import { idOf } from './places.js'
import type { RoomView } from './room-view.js'

const QUIT = 'close this tab to leave; Ctrl-C ends persisted-chat web where it runs'

/** Executes the text that a user types on a page: lines, and the commands of the terminal. */
export class RoomCommands {
  readonly #view: RoomView
  readonly #workspace: Workspace
  readonly #send: (event: ServerEvent) => void
  readonly #task: BackgroundTask
  readonly #order: CommandOrder

  constructor(view: RoomView, workspace: Workspace, send: (event: ServerEvent) => void) {
    this.#view = view
    this.#workspace = workspace
    this.#send = send
    this.#task = new BackgroundTask(() => this.#showTask())
    this.#order = new CommandOrder(view.closing)
    view.closing.addEventListener('abort', () => this.#task.cancel())
  }

  /** Says a line, or runs a command; resolves when that is done. Rejects with a ChatError if a line is not stored. */
  async typed(text: string): Promise<void> {
    const line = lineOf(text)
    if (line.kind === 'message') return this.say({ kind: 'text', text: line.text })
    if (line.kind === 'command' && (line.name === 'jump' || line.name === 'preview')) {
      const isDone = await this.#goTo(line.name, line.argument)
      if (isDone) return
    }
    const said: Promise<void>[] = []
    try {
      await this.#order.run(this.#context(said), line)
    } catch (error) {
      this.#notice('warning', errorLine(error))
    }
    this.#view.choicesChanged()
    await Promise.all(said)
  }

  /** Says a draft, in pieces if it is long. */
  async say(draft: Draft): Promise<void> {
    const pieces = [...piecesOfDraft(draft, MESSAGE_BYTES_MAX)]
    if (pieces.length > 1) this.#notice('info', cutLine())
    await Promise.all(pieces.map(piece => this.#view.session.say(piece)))
  }

  cancelTask(): void {
    this.#task.cancel()
  }

  /** Lets the page scroll to a line of this room, or show its picture. False if that is not possible: then the command runs and reports why. */
  async #goTo(name: 'jump' | 'preview', argument: string): Promise<boolean> {
    if (argument === '' || /\s/.test(argument)) return false
    const found = await this.#view.session.references.find(argument)
    if (found.kind !== 'found' || (name === 'preview' && found.line.kind !== 'file')) return false
    const { room } = this.#view
    const line = idOf(found.line)
    this.#send(name === 'jump' ? { kind: 'show', room, line } : { kind: 'preview', room, line })
    return true
  }

  #context(said: Promise<void>[]): CommandContext {
    const { session, face } = this.#view
    return {
      session,
      now: () => this.#workspace.clock.now(),
      keyHelp: ['//text says /text.'],
      tell: (...lines) => this.#notice('info', ...lines),
      list: (...rows) => this.#notice('list', ...rows),
      complain: line => this.#notice('warning', line),
      showPicture: undefined,
      quote: (title, messages, end, style) => void said.push(this.#quote(title, messages, end, style)),
      folded: () => [],
      runTask: (title, work) => this.#runTask(title, work),
      say: draft => void said.push(this.say(draft)),
      forget: () => {}, // the page has no input history
      rooms: {
        join: async name => {
          const tab = await this.#workspace.open(name)
          return command => {
            if (command !== undefined) tab.start = { command, listed: session.restListed }
            this.#send({ kind: 'show', room: tab.room })
          }
        },
        leave: () => this.#send({ kind: 'show', room: this.#workspace.closeRoom(this.#view.room).room }),
        badges: () => this.#workspace.badges.map(badge => ({ ...badge, isShown: badge.room === this.#view.room })),
      },
      request: command => face.command(command),
      quit: () => this.#notice('info', QUIT),
    }
  }

  async #quote(title: string, messages: readonly Message[], end: string, style: QuoteStyle = {}): Promise<void> {
    const { session, rows, room } = this.#view
    session.noteNames(messages)
    const shown = await quotedMessages(session, messages, style)
    this.#send({ kind: 'quote', room, title: sanitise(title), rows: rows.of(shown, style), end: sanitise(end) })
  }

  async #runTask(title: string, work: (task: Task) => Promise<void>): Promise<void> {
    const outcome = await this.#task.run(title, work)
    if (outcome === 'busy') this.#notice('warning', 'another command is still running: cancel it first')
    if (outcome === 'cancelled') this.#notice('info', `cancelled ${title}`)
  }

  #showTask(): void {
    const { current } = this.#task
    const { room } = this.#view
    this.#send({ kind: 'task', room, ...(current !== undefined && { text: sanitise(current) }) })
  }

  #notice(level: Notice['level'], ...lines: readonly string[]): void {
    if (lines.length === 0) return
    this.#send({
      kind: 'notices',
      room: this.#view.room,
      notices: lines.map(line => ({ level, text: sanitise(line) })),
    })
  }
}
