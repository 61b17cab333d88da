import { systemClock } from '../../base/clock.js'
import { errorLine, reasonOf } from '../../base/errors.js'
import { shownRoom } from '../../base/names.js'
import type { Draft } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import type { Fields } from '../../host/protocol/codec.js'
import type { SavedView } from '../../session/saved-view.js'
import type { Session } from '../../session/session.js'
import { BackgroundTask } from '../background-task.js'
import { CommandOrder, type Line, lineOf } from '../commands/commands.js'
import type { CommandContext, QuoteStyle, Task } from '../commands/context.js'
import { quotedMessages } from '../commands/quoted.js'
import { cutLine, MESSAGE_BYTES_MAX } from '../lines/input.js'
import { olderLines } from '../older-text.js'
import { type Palette, paletteOf } from '../palette.js'
import type { RoomTab } from '../rooms/room-tab.js'
import type { RoomTabs } from '../rooms/room-tabs.js'
import { piecesOfDraft } from '../split-lines.js'
import { unreadTitle } from '../unread-text.js'
import { rowsOf } from './cells.js'
import { Composer, HINT } from './editor/composer.js'
import type { Key } from './keys.js'
import { EMPTY_FRAME } from './live-block.js'
import { type ArrivedMessages, MessageFeed } from './message-feed.js'
import { PendingLines } from './pending-lines.js'
import { graphicsOf } from './preview/graphics.js'
import { ScreenPictures } from './preview/screen-pictures.js'
import { PrintQueue } from './print-queue.js'
import { quitPrompt } from './prompts.js'
import { frameOf, sizeOf } from './screen-layout.js'
import { partsOf } from './status-bar.js'
import type { Terminal } from './terminal.js'
import { Transcript } from './transcript.js'

/** Shortest time between two rings of the bell. */
const BELL_MS = 1_000

/** Number of folded messages that /show can print. */
const FOLDED_MAX = 16

export interface ChatScreenOptions {
  readonly session: Session
  /** The terminal, already open. */
  readonly terminal: Terminal
  readonly rooms: RoomTabs
  /** The unsent line of an earlier session. */
  readonly draft: string
  /** Whether the user switched to the room: its name is shown above the history. */
  readonly isTitled: boolean
  /** How many messages of the history are shown first. */
  readonly last: number | 'all'
  readonly hasBell: boolean
  /** A message that rings was printed. */
  readonly onRing: (message: Message) => void
  /** Called when the history is on the screen, above the prompt. */
  readonly onShown: () => void
  /** Whether the chat ends when this screen is closed. */
  readonly isLastFace: () => boolean
  /** Runs a command in the node; yields its answer in parts. */
  readonly request: (command: Fields) => AsyncIterable<Fields>
  /** Whether the node does not answer. */
  readonly isSilent: () => boolean
}

/** A conversation on a terminal: messages scroll into its scrollback; below them are a status row and the line being written. */
export class ChatScreen {
  readonly #options: ChatScreenOptions
  readonly #palette: Palette = paletteOf(true)
  readonly #composer: Composer
  readonly #task = new BackgroundTask(() => this.changed())
  readonly #transcript: Transcript
  readonly #queue: PrintQueue
  readonly #feed: MessageFeed
  readonly #pictures: ScreenPictures
  readonly #closing = new AbortController()
  readonly #order = new CommandOrder(this.#closing.signal)
  /** The draw that follows the changes of this turn of the event loop. */
  #drawing: NodeJS.Immediate | undefined
  #rangAt = 0
  /** Messages of strangers that were folded. */
  #folded: readonly Message[] = []
  #leave: (next?: RoomTab) => void = () => {}

  constructor(options: ChatScreenOptions) {
    this.#options = options
    const { session, terminal, draft } = options
    session.on('away', isAway => this.tell(isAway ? 'you are away until /back or your next line' : 'you are back'))
    this.#transcript = this.#newTranscript()
    const pending = new PendingLines(
      place => session.room.replicasOf(place),
      this.#palette,
      () => terminal.columns,
    )
    this.#queue = new PrintQueue(this.#transcript, pending)
    this.#composer = this.#newComposer(draft)
    this.#feed = this.#newFeed()
    this.#pictures = this.#newPictures()
  }

  /** Shows the conversation until the user leaves or goes to another room, or `stop` is aborted. Resolves with the other room. */
  async show(stop: AbortSignal): Promise<RoomTab | undefined> {
    const { terminal, last, session, isTitled } = this.#options
    const left = new Promise<RoomTab | undefined>(resolve => {
      this.#leave = resolve
    })
    const onStop = (): void => this.#leave()
    stop.addEventListener('abort', onStop)
    if (stop.aborted) this.#leave()
    terminal.keys.on('key', this.#press).on('paste', this.#paste)
    if (isTitled) this.#queue.title(shownRoom(session.room.room))
    this.resized()
    const reading = this.#feed
      .read(last, this.#closing.signal)
      .catch(error => this.tell(`the history cannot be read: ${reasonOf(error)}`, 'alarm'))
    const next = await left
    stop.removeEventListener('abort', onStop)
    terminal.keys.off('key', this.#press).off('paste', this.#paste)
    this.#closing.abort()
    this.#task.cancel()
    clearImmediate(this.#drawing)
    await reading
    this.#feed.flush()
    clearImmediate(this.#drawing)
    terminal.show(this.#queue.takeAll(), EMPTY_FRAME)
    return next
  }

  get #session(): Session {
    return this.#options.session
  }

  /** State to save for the next run. */
  get remembered(): Omit<SavedView, 'draft'> & { readonly draft: string } {
    return { ...this.#session.saved, draft: this.#composer.draft }
  }

  /** Prints a notice of the program. */
  tell(line: string, kind: 'info' | 'alarm' = 'info'): void {
    this.#queue.notice(line, kind)
    this.changed()
  }

  /** Updates the list of people who are present, so that a name that several people use is shown with their keys from the start. */
  presenceChanged(): void {
    this.#session.presenceChanged()
    this.changed()
  }

  /** Schedules a redraw, because something in the frame has changed. */
  changed(): void {
    this.#drawing ??= setImmediate(() => this.#draw())
  }

  #newTranscript({ isWhole = false, isRaw = false }: QuoteStyle = {}): Transcript {
    const { room, names } = this.#session
    const transcript = new Transcript({
      id: room.id,
      names,
      palette: this.#palette,
      ownNames: () => [...new Set([room.me, this.#session.nick])],
      isFolded: author => !isWhole && !this.#session.isKnown(author),
      ...(!isRaw && { contextOf: message => this.#session.references.contextOf(message) }),
      onFolded: message => {
        this.#folded = [...this.#folded.filter(other => other !== message), message].slice(-FOLDED_MAX)
      },
    })
    transcript.columns = this.#options.terminal.columns
    return transcript
  }

  #newComposer(draft: string): Composer {
    return new Composer(
      {
        maySay: () => this.#maySay(),
        say: text => this.#say({ kind: 'text', text }),
        command: line => void this.#command(line),
        typing: () => this.#session.room.typing(),
        names: () => this.#session.knownNames,
        leave: () => this.#quit(),
      },
      draft,
    )
  }

  #newFeed(): MessageFeed {
    const { isTitled } = this.#options
    return new MessageFeed(this.#session, {
      onLatest: () => this.#recallNick(),
      onOwnLine: message => this.#composer.remember(message),
      onHistory: (message, mark) => this.#queue.history(message, systemClock.now(), mark && unreadTitle(mark)),
      onHistoryRead: () => this.#draw(),
      older: () => olderLines(this.#session, this.#options.request),
      onOlder: row => this.#queue.title(row),
      onHistoryEnd: () => {
        this.#queue.endHistory(isTitled ? undefined : HINT)
        this.#draw()
        this.#options.onShown()
        this.#runFirst()
      },
      onArrivals: arrived => this.#showArrivals(arrived),
      onTopic: () => this.changed(),
    })
  }

  #newPictures(): ScreenPictures {
    const { room } = this.#session
    return new ScreenPictures({
      graphics: graphicsOf(process.env, process.stdout.getColorDepth?.() ?? 0),
      room,
      isShown: ({ author }) => author === room.id || this.#session.isKnown(author),
      space: () => ({ rows: sizeOf(this.#options.terminal).pendingRowsMax, ...this.#transcript.pictureSpace }),
      print: (preview, caption) => {
        if (caption !== undefined) this.#queue.notice(caption, 'info')
        this.#queue.picture(preview)
        this.changed()
      },
      closing: this.#closing.signal,
    })
  }

  readonly #paste = (text: string): void => {
    this.#composer.paste(text)
    this.#draw()
  }

  /** Prints which name was restored from the user's last message. */
  #recallNick(): void {
    const {
      nick,
      room: { me },
    } = this.#session
    if (nick !== me) this.tell(`your name is ${nick}: /nick ${me} changes it back`)
  }

  #showArrivals({ messages, mark, skipped }: ArrivedMessages): void {
    const now = systemClock.now()
    if (mark !== undefined) this.#queue.rule(unreadTitle(mark))
    if (skipped > 0)
      this.#queue.rule(`${skipped.toLocaleString('en')} lines came at once: /last 2000, /since and /search show them`)
    for (const message of messages) {
      this.#queue.message(message, now, mark === undefined ? 'live' : 'missed')
      if (mark === undefined) this.#pictures.arrived(message)
      if (!this.#session.rings(message)) continue
      this.#ring(now)
      this.#options.onRing(message)
    }
    this.#draw()
  }

  #ring(now: number): void {
    if (!this.#options.hasBell || now - this.#rangAt < BELL_MS) return
    this.#rangAt = now
    this.#options.terminal.bell()
  }

  /** The size of the terminal has changed. */
  resized(): void {
    this.#transcript.columns = this.#options.terminal.columns
    this.#draw()
  }

  #draw(): void {
    clearImmediate(this.#drawing)
    this.#drawing = undefined
    if (this.#composer.question?.kind === 'quit' && !this.#leavesLineBehind()) this.#leave()
    const { terminal } = this.#options
    const session = this.#session
    const size = sizeOf(terminal)
    const lines = this.#queue.take(size.pendingRowsMax, text => rowsOf(text, size.columns).length)
    const status = partsOf(
      session,
      this.#options.rooms.badges,
      this.#task.current && `${this.#task.current} (Esc cancels)`,
    )
    const content = { pending: this.#queue.pendingTexts, status, nick: session.nick, composer: this.#composer }
    terminal.show(lines, this.#queue.isHistoryPrinted ? frameOf(content, size, this.#palette) : EMPTY_FRAME)
  }

  readonly #press = (key: Key): void => {
    const { rooms } = this.#options
    const isInterrupt = key.name === 'c' || (key.name === 'd' && this.#composer.question !== undefined)
    if (key.ctrl && isInterrupt) this.#interrupt()
    else if (key.name === 'escape') {
      this.#composer.dismiss()
      this.#task.cancel()
    } else if (key.ctrl && key.name === 'z') this.#options.terminal.suspend()
    else if (key.ctrl && key.name === 'l') this.#options.terminal.clear()
    else if (key.alt && key.name === 'a') this.#goTo(rooms.urgent)
    else if (key.alt && /^[1-9]$/.test(key.name)) this.#goTo(rooms.at(Number(key.name)))
    else this.#composer.press(key)
    this.changed()
  }

  #interrupt(): void {
    if (this.#task.cancel()) return
    if (this.#composer.question?.kind === 'quit') this.#leave()
    else this.#quit()
  }

  /** Runs the command that the room was shown for. */
  #runFirst(): void {
    const { shown } = this.#options.rooms
    const { start } = shown
    shown.start = undefined
    if (start === undefined) return
    this.#session.listed(start.listed)
    const line = lineOf(start.command)
    if (line.kind !== 'message') void this.#command(line)
  }

  async #command(line: Exclude<Line, { kind: 'message' }>): Promise<void> {
    await this.#order.run(this.#commandContext, line).catch(error => this.tell(errorLine(error), 'alarm'))
    this.changed()
  }

  get #commandContext(): CommandContext {
    return {
      session: this.#session,
      now: () => systemClock.now(),
      tell: (...lines) => {
        for (const line of lines) this.tell(line)
      },
      list: (...rows) => {
        for (const row of rows) this.#queue.list(row)
      },
      complain: line => this.tell(line, 'alarm'),
      showPicture: this.#pictures.show,
      quote: (title, messages, end, style) => void this.#quote(title, messages, end, style),
      folded: () => this.#folded,
      runTask: (title, work) => this.#runTask(title, work),
      say: draft => this.#say(draft),
      forget: message => this.#composer.forget(message),
      keyHelp: [
        'Tab completes commands and names, Alt-Enter begins a new line,',
        'Up brings back what you said, and //text says /text.',
      ],
      rooms: {
        join: async name => {
          const tab = await this.#options.rooms.join(name)
          return command => {
            if (command !== undefined) tab.start = { command, listed: this.#session.restListed }
            this.#goTo(tab)
          }
        },
        leave: () => this.#goTo(this.#options.rooms.close()),
        badges: () => this.#options.rooms.badges,
      },
      request: this.#options.request,
      quit: () => this.#quit(),
    }
  }

  /** Shows another room instead. */
  #goTo(tab: RoomTab | undefined): void {
    if (tab !== undefined && tab !== this.#options.rooms.shown) this.#leave(tab)
  }

  async #quote(title: string, messages: readonly Message[], end: string, style: QuoteStyle = {}): Promise<void> {
    const shown = await quotedMessages(this.#session, messages, style)
    this.#queue.quote(this.#newTranscript(style), title, shown, end, systemClock.now())
    this.changed()
  }

  async #runTask(title: string, work: (task: Task) => Promise<void>): Promise<void> {
    const outcome = await this.#task.run(title, work)
    if (outcome === 'busy') this.tell('another command is still running: Esc cancels it', 'alarm')
    if (outcome === 'cancelled') this.tell(`cancelled ${title}`)
  }

  #maySay(): boolean {
    const isSilent = this.#options.isSilent()
    if (isSilent) this.tell('not sent, because the node does not answer: the line stays here', 'alarm')
    return !isSilent
  }

  #say(draft: Draft): void {
    const pieces = [...piecesOfDraft(draft, MESSAGE_BYTES_MAX)]
    if (pieces.length > 1) this.tell(cutLine())
    for (const piece of pieces)
      this.#session.say(piece).catch(error => {
        if (!this.#closing.signal.aborted) this.tell(errorLine(error), 'alarm')
      })
  }

  /** Leaves, or asks first if the user's last line would be left behind. */
  #quit(): void {
    if (this.#leavesLineBehind())
      this.#composer.ask(quitPrompt(this.#session.room.unsavedCount, this.#session.room.room, () => this.#leave()))
    else this.#leave()
  }

  /** Whether this is the last face, and either lines are unsaved or no other peer has the user's last line. */
  #leavesLineBehind(): boolean {
    const { delivery, room } = this.#session
    const isUndelivered = delivery !== undefined && delivery.on + delivery.left + (delivery.strangers ?? 0) === 0
    return (isUndelivered || room.unsavedCount > 0) && this.#options.isLastFace()
  }
}
