import wrapAnsi from 'wrap-ansi'
import { systemClock } from '../../base/clock.js'
import { errorLine, reasonOf } from '../../base/errors.js'
import { sanitise } from '../../base/safe-text.js'
import { DisplayNames } from '../../chat/display-names.js'
import type { Draft } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import type { Present } from '../../chat/presence/roster.js'
import { People } from '../../chat/views/people.js'
import type { AuthorId, Seq } from '../../log/format/author.js'
import type { RoomApi } from '../../node/room-api.js'
import { UnreadMarker } from '../../session/absence.js'
import { Arrivals } from '../../session/arrivals.js'
import type { SavedView } from '../../session/saved-view.js'
import { TopicView } from '../../session/topic.js'
import { ANSWERS, type CommandContext } from '../commands/answers.js'
import { type Line, unknownCommandLine } from '../commands/commands.js'
import type { Task } from '../commands/reading.js'
import { noteLatest } from '../known-names.js'
import { cutLine, MESSAGE_BYTES_MAX } from '../lines/input.js'
import { info } from '../lines/output.js'
import { type Palette, paletteOf } from '../palette.js'
import { piecesOfDraft } from '../split-lines.js'
import { BackgroundTask } from './background-task.js'
import { COLUMNS_MIN, cut } from './cells.js'
import { Composer, HINT } from './editor/composer.js'
import { promptOf } from './editor/input-rows.js'
import type { Key } from './keys.js'
import { EMPTY_FRAME } from './live-block.js'
import { PendingLines } from './pending-lines.js'
import { quitPrompt } from './prompts.js'
import { partsOf, statusRow } from './status-bar.js'
import type { Terminal } from './terminal.js'
import { Transcript } from './transcript.js'

/** Rows that the line being written takes at most, if the terminal has them. */
const INPUT_ROWS = 6
/** Rows below the history that are there for something: the status, a question, the line that is written. */
const FRAME_ROWS = INPUT_ROWS + 3
/** The bell rings no more often than this. */
const BELL_MS = 1_000

export interface ChatScreenOptions {
  readonly conversation: RoomApi
  readonly terminal: Terminal
  readonly memory: SavedView
  /** How much history is shown first. */
  readonly last: number | 'all'
  readonly hasBell: boolean
  /** Whether the chat ends when this window is left. */
  readonly isLastWindow: () => boolean
}

/** A conversation on a terminal: history above in its own scrollback, and below it where things stand and what is written. */
export class ChatScreen {
  readonly #options: ChatScreenOptions
  readonly #palette: Palette = paletteOf(true)
  readonly #composer: Composer
  readonly #people = new People()
  readonly #arrivals: Arrivals
  readonly #work = new BackgroundTask(() => this.changed())
  readonly #hidden: Set<AuthorId>
  readonly #names: DisplayNames
  readonly #transcript: Transcript
  readonly #tail: PendingLines
  readonly #topic: TopicView
  readonly #absence: UnreadMarker
  readonly #closing = new AbortController()
  /** Lines that are to be printed for good with the next frame. */
  #lines: string[] = []
  /** What was told before the history is there. */
  #early: string[] | undefined = []
  #nick: string
  #own: Seq | undefined
  #hasSpoken = false
  #isAway = false
  /** Keys and changes that come together are drawn together. */
  #drawing: NodeJS.Immediate | undefined
  /** Until what has arrived is shown. */
  #showing: NodeJS.Timeout | undefined
  #rangAt = 0
  #leave: () => void = () => {}

  constructor(options: ChatScreenOptions) {
    this.#options = options
    const { conversation, memory } = options
    this.#nick = conversation.me
    this.#hidden = new Set(memory.hidden)
    this.#topic = new TopicView(memory.topic)
    this.#absence = new UnreadMarker(memory, conversation, author => this.#hidden.has(author), systemClock.now())
    this.#arrivals = new Arrivals(message => this.#absence.isMissed(message))
    this.#names = new DisplayNames(conversation.me, conversation.id)
    this.#transcript = this.#newTranscript()
    this.#tail = new PendingLines(
      seq => conversation.replicasOf(seq),
      this.#palette,
      () => options.terminal.columns,
    )
    this.#composer = new Composer(
      {
        say: text => this.#say({ kind: 'text', text }),
        command: line => void this.#command(line),
        typing: () => conversation.typing(),
        names: () => [
          ...new Set([...this.#people.names, ...conversation.presence.map(present => this.#nameOf(present))]),
        ],
        leave: () => this.#quit(),
      },
      memory.draft.text,
    )
  }

  /** Shows the conversation until the user leaves it, or `stop` is aborted. */
  async show(stop: AbortSignal): Promise<void> {
    const { terminal, conversation } = this.#options
    const left = new Promise<void>(resolve => {
      this.#leave = resolve
    })
    stop.addEventListener('abort', () => this.#leave(), { once: true })
    terminal.keys.on('key', key => this.#press(key))
    terminal.keys.on('paste', text => {
      this.#composer.pasted(text)
      this.#draw()
    })
    terminal.open({
      onResize: () => this.#resized(),
      onBackground: () => info('this chat runs in the background: fg shows it (under timeout, add --foreground)'),
      onLost: () => this.#leave(),
      onUnstoppable: () => this.tell('Ctrl-Z does nothing here: no shell waits to continue this program'),
    })
    this.#resized()
    const heads = new Map(conversation.heads.map(({ author, seq }) => [author, seq]))
    const reading = this.#read(heads)
    const failed = reading.catch(error => this.tell(`the history cannot be read any more: ${reasonOf(error)}`, 'alarm'))
    await left
    this.#closing.abort()
    this.#work.giveUp()
    clearImmediate(this.#drawing)
    await failed
    this.#showArrivals()
    this.#lines.push(...this.#tail.takeAll())
    terminal.close(this.#lines)
  }

  /** What to remember for the next time. */
  get remembered(): Omit<SavedView, 'draft'> & { readonly draft: string } {
    const { conversation } = this.#options
    return {
      seen: new Map(conversation.heads.map(({ author, seq }) => [author, seq])),
      leftAt: systemClock.now(),
      hidden: this.#hidden,
      topic: this.#topic.current,
      draft: this.#composer.draft,
    }
  }

  /** A line of the program's own. */
  tell(line: string, kind: 'info' | 'alarm' = 'info'): void {
    const notice = this.#transcript.notice(line, kind)
    if (this.#early !== undefined) this.#early.push(notice)
    else this.#printAfterTail(notice)
    this.changed()
  }

  /** Who is there has changed: names that several people use are known before any of them is drawn. */
  presenceChanged(): void {
    this.#names.notePresent(this.#options.conversation.presence)
    this.changed()
  }

  /** Something that the frame shows is not the same any more. */
  changed(): void {
    this.#drawing ??= setImmediate(() => this.#draw())
  }

  #newTranscript(): Transcript {
    const { id } = this.#options.conversation
    const transcript = new Transcript({
      id,
      names: this.#names,
      palette: this.#palette,
      called: () => [...new Set([this.#options.conversation.me, this.#nick])],
    })
    transcript.columns = this.#options.terminal.columns
    return transcript
  }

  async #read(heads: ReadonlyMap<AuthorId, Seq>): Promise<void> {
    const { conversation, last } = this.#options
    await this.#recallNick(heads)
    const isHistory = ({ author, seq }: Message): boolean => seq <= (heads.get(author) ?? 0)
    for await (const batch of conversation.batches(last === 'all' ? {} : { last })) {
      if (this.#closing.signal.aborted) return
      this.#showHistory(batch.filter(isHistory))
    }
    this.#lines.push(...(this.#early ?? []), this.#transcript.notice(HINT))
    this.#early = undefined
    this.#draw()
    const since = [...heads].map(([author, seq]) => ({ author, seq }))
    void this.#topic.find(conversation, this.#options.memory.seen, this.#closing.signal).then(() => this.changed())
    for await (const batch of conversation.batches({ live: true, since, signal: this.#closing.signal })) {
      for (const message of batch) {
        this.#people.note(message)
        this.#topic.note(message)
        if (message.author === conversation.id) this.#own = message.seq
      }
      this.#arrivals.push(
        batch.filter(({ author }) => !this.#hidden.has(author)),
        systemClock.now(),
      )
      this.#showWhenDue()
    }
  }

  /** The name that was used last is used on. */
  async #recallNick(heads: ReadonlyMap<AuthorId, Seq>): Promise<void> {
    const { conversation } = this.#options
    this.#own = heads.get(conversation.id)
    this.#names.notePresent(conversation.presence)
    const digests = [...heads].map(([author, seq]) => ({ author, seq }))
    const latest = await noteLatest(this.#names, digests, options => conversation.batches(options))
    for (const { author, seq, username } of latest)
      if (author === conversation.id && seq === this.#own) this.#nick = sanitise(username)
    if (this.#nick !== conversation.me) this.tell(`you are called ${this.#nick}: /nick ${conversation.me} goes back`)
  }

  #showHistory(messages: readonly Message[]): void {
    const { conversation } = this.#options
    for (const { author, username } of messages) this.#names.note(author, username)
    for (const message of messages) {
      this.#people.note(message)
      this.#topic.note(message)
      const isOwn = message.author === conversation.id
      if (isOwn && message.kind === 'text') this.#composer.remember(message.message)
      if (this.#hidden.has(message.author)) continue
      const title = this.#absence.titleOf(message)
      if (title !== undefined) this.#lines.push(this.#transcript.rule(title))
      this.#lines.push(this.#transcript.message(message, systemClock.now(), 'history').text)
    }
    this.#draw()
  }

  #showWhenDue(): void {
    const due = this.#arrivals.dueAt
    if (due === undefined || this.#showing !== undefined) return
    this.#showing = setTimeout(
      () => {
        this.#showing = undefined
        if ((this.#arrivals.dueAt ?? 0) > systemClock.now()) return this.#showWhenDue()
        this.#showArrivals()
        this.#draw()
      },
      Math.max(0, due - systemClock.now()),
    )
  }

  #showArrivals(): void {
    clearTimeout(this.#showing)
    const now = systemClock.now()
    const { messages, skipped, missed, isCut } = this.#arrivals.take(now)
    const title = this.#absence.arrivalTitle(missed, isCut)
    if (title !== undefined) this.#printAfterTail(this.#transcript.rule(title))
    if (skipped > 0)
      this.#printAfterTail(
        this.#transcript.rule(
          `${skipped.toLocaleString('en')} lines came at once: /last 2000, /since and /search show them`,
        ),
      )
    for (const { author, username } of messages) this.#names.note(author, username)
    for (const message of messages) {
      const printed = this.#transcript.message(message, now, title === undefined ? 'live' : 'missed')
      this.#tail.push(printed)
      if (printed.isMention) this.#ring(now)
    }
  }

  #ring(now: number): void {
    if (!this.#options.hasBell || now - this.#rangAt < BELL_MS) return
    this.#rangAt = now
    this.#options.terminal.bell()
  }

  /** What is printed stays in order with the lines that are kept back. */
  #printAfterTail(text: string): void {
    this.#tail.push({ text })
  }

  #resized(): void {
    this.#transcript.columns = this.#options.terminal.columns
    this.#draw()
  }

  #draw(): void {
    clearImmediate(this.#drawing)
    this.#drawing = undefined
    const { terminal, conversation } = this.#options
    const columns = Math.max(COLUMNS_MIN, terminal.columns - 1)
    // Lower than the terminal, whatever there is to show: what scrolled up could not be taken back.
    const rowsMax = Math.max(2, terminal.rows - 2)
    const input = this.#composer.rows(promptOf(this.#nick, columns), {
      columns,
      rows: Math.min(INPUT_ROWS, rowsMax - 1),
    })
    const rowsOf = (text: string): string[] =>
      wrapAnsi(text, columns, { hard: true, wordWrap: false, trim: false }).split('\n')
    this.#lines.push(...this.#tail.take(Math.max(0, terminal.rows - FRAME_ROWS), text => rowsOf(text).length))
    const { presence } = conversation
    this.#people.setPresent(presence)
    const status = statusRow(
      partsOf(conversation, {
        presence,
        own: this.#hasSpoken ? this.#own : undefined,
        topic: this.#topic.current?.text,
        isAway: this.#isAway,
        busy: this.#work.current && `${this.#work.current} (Esc ends it)`,
        nameOf: present => this.#nameOf(present),
      }),
      columns,
    )
    const { question, choices, hint } = this.#composer
    const rows = [
      ...this.#tail.texts.flatMap(rowsOf),
      this.#palette.faint(status),
      ...(choices.length === 0 ? [] : [this.#palette.faint(cut(sanitise(choices.join('  ')), columns))]),
      ...(hint === undefined ? [] : [this.#palette.faint(cut(hint, columns))]),
      ...(question === undefined ? [] : rowsOf(this.#palette.alarm(sanitise(question.text)))),
    ]
    const lines = this.#lines
    this.#lines = []
    const frame = { rows: rows.slice(-(rowsMax - input.rows.length)), input }
    terminal.show(lines, this.#early === undefined ? frame : EMPTY_FRAME)
  }

  /** Somebody is called as their lines are. */
  #nameOf({ author, name }: Present): string {
    const called = (author && this.#people.nameOf(author)) ?? name
    return this.#names.presentName({ author, name: called })
  }

  #press(key: Key): void {
    const isLeaving = key.name === 'c' || (key.name === 'd' && this.#composer.question !== undefined)
    if (key.ctrl && isLeaving) this.#interrupt()
    else if (key.name === 'escape') {
      this.#composer.dismiss()
      this.#work.giveUp()
    } else if (key.ctrl && key.name === 'z') this.#options.terminal.suspend()
    else if (key.ctrl && key.name === 'l') this.#options.terminal.clear()
    else this.#composer.press(key)
    this.changed()
  }

  #interrupt(): void {
    if (this.#work.giveUp()) return
    if (this.#composer.question?.kind === 'quit') this.#leave()
    else this.#quit()
  }

  async #command(line: Exclude<Line, { kind: 'message' }>): Promise<void> {
    if (line.kind === 'unknown') return this.tell(unknownCommandLine(line), 'alarm')
    try {
      await ANSWERS[line.name](this.#desk, line.argument)
    } catch (error) {
      this.tell(reasonOf(error), 'alarm')
    }
    this.changed()
  }

  get #desk(): CommandContext {
    const { conversation } = this.#options
    const window = this
    return {
      conversation,
      people: this.#people,
      hidden: this.#hidden,
      nameOf: present => this.#nameOf(present),
      now: () => systemClock.now(),
      topic: () => this.#topic.current?.text,
      get nick() {
        return window.#nick
      },
      set nick(name) {
        window.#nick = name
      },
      tell: (...lines) => {
        for (const line of lines) this.tell(line)
      },
      list: (...rows) => {
        for (const row of rows) this.#printAfterTail(this.#transcript.listed(row))
      },
      complain: line => this.tell(line, 'alarm'),
      quote: (title, messages, end) => this.#quote(title, messages, end),
      busy: (what, work) => this.#doWork(what, work),
      say: draft => this.#say(draft),
      away: text => this.#setAway(text),
      keyHelp: [
        'Tab completes commands and names, Alt-Enter begins a new line,',
        'Up brings back what you said, and //text says /text.',
      ],
      quit: () => this.#quit(),
    }
  }

  #quote(title: string, messages: readonly Message[], end: string): void {
    const transcript = this.#newTranscript()
    this.#printAfterTail(transcript.rule(title))
    for (const message of messages)
      if (!this.#hidden.has(message.author))
        this.#printAfterTail(transcript.message(message, systemClock.now(), 'history').text)
    this.#printAfterTail(transcript.rule(end))
    this.changed()
  }

  async #doWork(what: string, work: (task: Task) => Promise<void>): Promise<void> {
    const outcome = await this.#work.begin(what, work)
    if (outcome === 'busy') this.tell('one thing after the other: Esc ends what is being done', 'alarm')
    if (outcome === 'given up') this.tell(`${what}: given up`)
  }

  #setAway(text: string | undefined): void {
    if (text === undefined && !this.#isAway) return
    this.#isAway = text !== undefined
    this.#options.conversation.setAway(text)
    this.tell(this.#isAway ? 'you are away; /back, or your next line, ends it' : 'you are back')
  }

  #say(draft: Draft): void {
    const { conversation } = this.#options
    this.#hasSpoken = true
    this.#setAway(undefined)
    const pieces = [...piecesOfDraft(draft, MESSAGE_BYTES_MAX)]
    if (pieces.length > 1) this.tell(cutLine())
    for (const piece of pieces)
      conversation.say(this.#nick === conversation.me ? piece : { username: this.#nick, ...piece }).catch(error => {
        if (!this.#closing.signal.aborted) this.tell(errorLine(error), 'alarm')
      })
  }

  #quit(): void {
    const holders = this.#own === undefined ? undefined : this.#options.conversation.replicasOf(this.#own)
    const isAlone = holders !== undefined && holders.on + holders.left === 0
    // In another window the chat goes on.
    const isLast = this.#options.isLastWindow()
    const { unsavedCount } = this.#options.conversation
    if (this.#hasSpoken && isAlone && isLast) this.#composer.ask(quitPrompt(unsavedCount, () => this.#leave()))
    else this.#leave()
  }
}
