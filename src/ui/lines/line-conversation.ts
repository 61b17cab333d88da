import path from 'node:path'
import { systemClock } from '../../base/clock.js'
import { errorLine, reasonOf } from '../../base/errors.js'
import { sanitisedJson } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import { jsonLineOf, savedJsonOf, withdrawnJsonOf } from '../../chat/json.js'
import { type Draft, plainTextOf } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import { isLive } from '../../chat/liveness.js'
import type { Face } from '../../host/client/face.js'
import { type AuthorId, isSigned } from '../../log/format/author.js'
import { dayNumberOf, dayOf } from '../../session/dates.js'
import { loadView, saveView } from '../../session/saved-view.js'
import { Session } from '../../session/session.js'
import type { OwnPlace } from '../../sync/receipts.js'
import { Alerts } from '../alerts.js'
import { CommandOrder, lineOf } from '../commands/commands.js'
import type { CommandContext, QuoteStyle, Task } from '../commands/context.js'
import { quotedMessages } from '../commands/quoted.js'
import { type Folding, labelled, type TimeStyle } from '../labels.js'
import { olderLines } from '../older-text.js'
import { isOlder } from '../text/gap-text.js'
import { cutLine, type FetchedFile, sendLines } from './input.js'
import { info, warn, writeLines } from './output.js'
import { PresenceChanges } from './presence-changes.js'

/** Number of messages of the history that a terminal shows first. */
const TERMINAL_HISTORY = 200

/** Number of folded messages that /show can print. */
const FOLDED_MAX = 16

export interface LineOptions {
  readonly me: string
  /** How many messages of the history are shown first. Default: 200 on a terminal, all when piped. */
  readonly last: number | 'all' | undefined
  readonly isJson: boolean
  readonly isPlain: boolean
  /** Whether each line begins with its time, as always on a terminal. */
  readonly hasTimes: boolean
  /** Whether JSON output includes presence changes. */
  readonly hasPresence: boolean
  /** The command to run for messages that should alert the user, who does not see them. */
  readonly onMention: string | undefined
  /** The saved view: hidden people, and the topic. */
  readonly viewFile: string
  /** Ends the conversation. */
  readonly quit: () => void
}

/** A conversation in lines: messages go to stdout, everything else to stderr. Typed lines may be commands. */
export class LineConversation {
  readonly #face: Face
  readonly #options: LineOptions
  /** Whether a person types the input and may use commands. */
  readonly #isTyped: boolean
  /** Whether the terminal echoes what the person types. */
  readonly #isEchoed: boolean
  readonly #startedAt = systemClock.now()
  readonly #alerts: Alerts
  readonly #session: Session
  readonly #closing = new AbortController()
  readonly #order = new CommandOrder(this.#closing.signal)
  /** Typed lines that have not been read from the log yet. */
  readonly #echoed: string[] = []
  #reading: Promise<void> = Promise.resolve()
  /** Messages of strangers that were folded, the latest last. */
  #folded: readonly Message[] = []
  #isBusy = false
  #day: number | undefined

  constructor(face: Face, options: LineOptions) {
    this.#face = face
    this.#options = options
    this.#isTyped = process.stdin.isTTY === true && !options.isJson
    this.#isEchoed = this.#isTyped && process.stdout.isTTY === true
    const view = loadView(options.viewFile)
    this.#session = new Session(
      face,
      this.#isTyped ? view : { ...view, hidden: new Set(), companions: new Map(), hiddenLines: new Set() },
      systemClock,
    )
    this.#session.on('away', isAway => info(isAway ? 'you are away until /back or your next line' : 'you are back'))
    this.#alerts = new Alerts({ command: options.onMention, notify: () => {}, warn })
    face.on('presence', () => this.#session.presenceChanged())
    if (options.isJson)
      face.on('withdrawn', event => {
        writeLines(process.stdout, [withdrawnJsonOf(event)]).catch(() => {}) // the conversation ends, too
      })
  }

  /** Sends lines from stdin and prints messages to stdout until `stopped` resolves. Rejects with `OutputClosed` if stdout closes. */
  async run(stopped: Promise<void>): Promise<void> {
    const { isJson } = this.#options
    if (!isJson) {
      await this.#readLatest()
      for (const row of await olderLines(this.#session, command => this.#face.command(command))) info(row)
    }
    // Reading begins before the first line is sent, so that --last 0 shows that line, and nothing stored earlier.
    const printing = Promise.all([this.#print(), this.#printPresence()])
    const say = (text: string): Promise<void> => (this.#isTyped ? this.#handleTyped(text) : this.#face.say(text))
    const actions = {
      say,
      erase: (place: OwnPlace) => this.#face.erase(place),
      sendFile: (file: string, isRaw: boolean) =>
        this.#face.sendFile(path.resolve(file), { signal: this.#closing.signal, isRaw }),
      fetchFile: (fetched: FetchedFile) => void this.#fetchFile(fetched),
    }
    this.#reading = sendLines(actions, process.stdin, isJson, () => info(cutLine())).catch(error => {
      if (!process.stdin.destroyed) warn(`stdin cannot be read: ${error.message}`)
    })
    try {
      await Promise.race([stopped, printing])
    } finally {
      this.#closing.abort()
      process.stdin.destroy()
    }
  }

  /** Fetches a file, and prints where it is saved, or why it is not. */
  async #fetchFile({ to, path: directory }: FetchedFile): Promise<void> {
    const { signal } = this.#closing
    try {
      const saved = await this.#face.getFile(to, path.resolve(directory), { signal })
      await writeLines(process.stdout, [savedJsonOf(to, saved)])
    } catch (error) {
      if (!signal.aborted) warn(errorLine(error))
    }
  }

  /** Resolves after `run` when all lines that were read from stdin are stored or rejected. */
  get sent(): Promise<void> {
    return this.#reading
  }

  /** Reads the latest entry of each author, to label the first lines and to restore the name that the user used last. */
  async #readLatest(): Promise<void> {
    await this.#session.readLatest()
    if (!this.#isTyped) return
    const { nick, room } = this.#session
    if (nick !== room.me) info(`your name is ${nick}: /nick ${room.me} changes it back`)
    void this.#session.findTopic(this.#closing.signal).catch(() => {}) // the reader of messages fails as well, and reports it
  }

  /** Prints messages until the log is closed. */
  async #print(): Promise<void> {
    const { last, isJson } = this.#options
    const count = last ?? (process.stdout.isTTY ? TERMINAL_HISTORY : 'all')
    const format = isJson ? (message: Message) => jsonLineOf(message, this.#isLive(message)) : this.#formatter()
    if (count !== 'all') this.#session.historyShown()
    for await (const messages of this.#face.batches({
      live: true,
      gaps: true,
      ...(count !== 'all' && { last: count }),
    })) {
      await this.#session.hideNewCompanions(messages)
      // Note all names first, so that two people of the same name are shown with their keys from the first line on.
      this.#session.noteNames(messages)
      const shown = isJson ? messages : this.#session.references.note(messages)
      if (!isJson) await this.#session.references.fetch(shown)
      let lines: string[] = []
      for (const message of shown) {
        if (!this.#isShown(message)) continue
        if (this.#isEchoed && this.#isNewDay(message)) {
          await writeLines(process.stdout, lines)
          lines = []
          info(dayOf(message.timeMs))
        }
        lines.push(format(message))
        this.#session.references.drawn(message)
      }
      await writeLines(process.stdout, lines)
      for (const message of this.#session.visible(shown)) this.#alert(message)
      this.#session.shown(messages)
    }
  }

  /** Prints presence changes as fast as stdout is read. Changes during a write are merged. */
  async #printPresence(): Promise<void> {
    if (!this.#options.hasPresence) return
    const { signal } = this.#closing
    let hasChanged = true
    let wake = (): void => {}
    const onChange = (): void => {
      hasChanged = true
      wake()
    }
    const isKnown = (author: AuthorId | undefined): boolean => this.#session.isKnown(author)
    const changes = new PresenceChanges({ isKnown, clock: systemClock, onSum: onChange })
    this.#face.on('presence', onChange)
    signal.addEventListener('abort', () => wake(), { once: true })
    while (!signal.aborted) {
      if (hasChanged) {
        hasChanged = false
        const time = new Date(systemClock.now()).toISOString()
        const lines = changes.since(this.#face.presence).map(change => sanitisedJson({ ...change, time }))
        await writeLines(process.stdout, lines)
      } else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
    this.#face.off('presence', onChange)
    changes.close()
  }

  #alert(message: Message): void {
    if (this.#session.isHistory(message) || !this.#session.rings(message)) return
    const { room, connectionSummary } = this.#face
    this.#alerts.rang({ room, message, connectedAt: connectionSummary.openedAt, isShown: this.#isTyped })
  }

  /** False for lines that the terminal has echoed, and for lines of hidden people. */
  #isShown(message: Message): boolean {
    const session = this.#session
    session.note(message)
    if (session.hides(message) || (isOlder(message) && !this.#options.isJson)) return false
    if (!session.isOurs(message) || message.kind !== 'text') return true
    const index = this.#echoed.indexOf(message.message)
    if (index === -1 || session.isHistory(message)) return true
    this.#echoed.splice(index, 1)
    session.references.drawn(message) // the terminal has echoed it
    return false
  }

  #isNewDay({ timeMs }: Message): boolean {
    const day = dayNumberOf(timeMs)
    const isNew = day !== this.#day
    this.#day = day
    return isNew
  }

  #formatter(): (message: Message) => string {
    const isTerminal = process.stdout.isTTY === true
    const time: TimeStyle = this.#isEchoed ? 'time' : this.#options.hasTimes ? 'date and time' : 'none'
    const folding: Folding = {
      isFolded: author => !this.#session.isKnown(author),
      folded: message => this.#fold(message),
    }
    return labelled(this.#session.names, isTerminal && !this.#options.isPlain, {
      time,
      isWrapped: isTerminal,
      folding,
      contextOf: message => this.#session.references.contextOf(message),
      hasLabels: this.#isTyped,
    })
  }

  /** Remembers a message that was folded; returns the command that prints all of it. */
  #fold(message: Message): string {
    if (!this.#isTyped) return 'persisted-chat log prints all of it'
    this.#folded = [...this.#folded, message].slice(-FOLDED_MAX)
    const whose = isSigned(message.author) ? ` ${shortKey(message.author)}` : ''
    return `/show${whose} prints all of it`
  }

  #isLive(message: Message): boolean {
    if (this.#session.isHistory(message)) return false
    return isLive(message.timeMs, {
      now: systemClock.now(),
      startedAt: this.#startedAt,
      connectedAt: this.#face.connectionSummary.openedAt ?? 0,
      isOurs: this.#session.isOurs(message),
    })
  }

  /** Handles a line that a person has typed. */
  async #handleTyped(text: string): Promise<void> {
    this.#alerts.used()
    const line = lineOf(text)
    if (line.kind === 'message') return this.#say({ kind: 'text', text: line.text })
    const before = this.#choices
    try {
      await this.#order.run(this.#commandContext, line)
    } catch (error) {
      warn(errorLine(error))
    }
    if (this.#choices !== before) await this.#saveChoices()
  }

  /** The hidden people and lines, and the notify level, as a text to compare. */
  get #choices(): string {
    return [this.#session.notifyLevel, ...this.#session.hidden, ...this.#session.hiddenLines].join()
  }

  async #say(draft: Draft): Promise<void> {
    const message = plainTextOf(draft)
    if (this.#isEchoed && draft.kind === 'text') this.#echoed.push(message)
    try {
      await this.#session.say(draft)
    } catch (error) {
      const index = this.#echoed.indexOf(message)
      if (index !== -1) this.#echoed.splice(index, 1)
      throw error
    }
  }

  get #commandContext(): CommandContext {
    return {
      session: this.#session,
      now: () => systemClock.now(),
      keyHelp: ['//text says /text.'],
      tell: (...lines) => lines.forEach(info),
      list: (...rows) => rows.forEach(info),
      complain: warn,
      quote: (title, messages, end, style) => void this.#quote(title, messages, end, style),
      showPicture: undefined,
      runTask: (_title, work) => this.#runTask(work),
      say: draft => void this.#say(draft).catch(error => warn(reasonOf(error))),
      forget: () => {}, // the terminal has no lines to recall
      rooms: undefined,
      request: command => this.#face.command(command),
      folded: () => this.#folded,
      quit: this.#options.quit,
    }
  }

  /** Prints to stderr, because stdout gets each message once. */
  async #quote(title: string, messages: readonly Message[], end: string, style: QuoteStyle = {}): Promise<void> {
    const shown = await quotedMessages(this.#session, messages, style)
    const format = labelled(this.#session.names, false, {
      time: 'date and time',
      isWrapped: false,
      hasLabels: true,
      ...(!style.isRaw && { contextOf: message => this.#session.references.contextOf(message) }),
    })
    info(title)
    for (const message of shown) info(format(message))
    info(end)
  }

  async #runTask(work: (task: Task) => Promise<void>): Promise<void> {
    if (this.#isBusy) return warn('another command is still running: try again when it has ended')
    this.#isBusy = true
    try {
      await work({ signal: this.#closing.signal, onProgress: () => {}, onStatus: () => {} })
    } finally {
      this.#isBusy = false
    }
  }

  /** Saves the user's choices for the next start of any face. */
  async #saveChoices(): Promise<void> {
    const { viewFile } = this.#options
    const { hidden, companions, hiddenLines, notifyLevel } = this.#session.saved
    await saveView(viewFile, { ...loadView(viewFile), hidden, companions, hiddenLines, notifyLevel }).catch(error =>
      warn(`what is hidden and what rings cannot be saved: ${reasonOf(error)}`),
    )
  }
}
