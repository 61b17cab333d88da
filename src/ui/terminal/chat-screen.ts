import { systemClock } from '../../base/clock.js'
import { errorLine, reasonOf } from '../../base/errors.js'
import { DisplayNames } from '../../chat/display-names.js'
import type { Draft } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import type { Present } from '../../chat/presence/roster.js'
import { People } from '../../chat/views/people.js'
import type { AuthorId } from '../../log/format/author.js'
import type { RoomApi } from '../../node/room-api.js'
import type { SavedView } from '../../session/saved-view.js'
import { TopicView } from '../../session/topic.js'
import { type Line, runCommand } from '../commands/commands.js'
import type { CommandContext, Task } from '../commands/context.js'
import { cutLine, MESSAGE_BYTES_MAX } from '../lines/input.js'
import { info } from '../lines/output.js'
import { type Palette, paletteOf } from '../palette.js'
import { piecesOfDraft } from '../split-lines.js'
import { BackgroundTask } from './background-task.js'
import { Composer, HINT } from './editor/composer.js'
import type { Key } from './keys.js'
import { EMPTY_FRAME } from './live-block.js'
import { type ArrivedMessages, MessageFeed } from './message-feed.js'
import { PendingLines } from './pending-lines.js'
import { PrintQueue } from './print-queue.js'
import { quitPrompt } from './prompts.js'
import { frameOf, rowsOf, sizeOf } from './screen-layout.js'
import { partsOf } from './status-bar.js'
import type { Terminal } from './terminal.js'
import { Transcript } from './transcript.js'

/** Shortest time between two rings of the bell. */
const BELL_MS = 1_000

export interface ChatScreenOptions {
  readonly conversation: RoomApi
  readonly terminal: Terminal
  /** What was remembered from the last run. */
  readonly view: SavedView
  /** How many messages of the history are shown first. */
  readonly last: number | 'all'
  readonly hasBell: boolean
  /** Whether the chat ends when this screen is closed. */
  readonly isLastWindow: () => boolean
}

/** A conversation on a terminal: messages scroll into its scrollback; below them are a status row and the line being written. */
export class ChatScreen {
  readonly #options: ChatScreenOptions
  readonly #palette: Palette = paletteOf(true)
  readonly #composer: Composer
  readonly #people = new People()
  readonly #task = new BackgroundTask(() => this.changed())
  readonly #hidden: Set<AuthorId>
  readonly #names: DisplayNames
  readonly #transcript: Transcript
  readonly #queue: PrintQueue
  readonly #topic: TopicView
  readonly #feed: MessageFeed
  readonly #closing = new AbortController()
  #nick: string
  #hasSpoken = false
  #isAway = false
  /** The draw that follows the changes of this turn of the event loop. */
  #drawing: NodeJS.Immediate | undefined
  #rangAt = 0
  #leave: () => void = () => {}

  constructor(options: ChatScreenOptions) {
    this.#options = options
    const { conversation, view, terminal } = options
    this.#nick = conversation.me
    this.#hidden = new Set(view.hidden)
    this.#topic = new TopicView(view.topic)
    this.#names = new DisplayNames(conversation.me, conversation.id)
    this.#transcript = this.#newTranscript()
    const pending = new PendingLines(
      seq => conversation.replicasOf(seq),
      this.#palette,
      () => terminal.columns,
    )
    this.#queue = new PrintQueue(this.#transcript, pending)
    this.#composer = this.#newComposer(view.draft.text)
    this.#feed = this.#newFeed()
  }

  /** Shows the conversation until the user leaves or `stop` is aborted. */
  async show(stop: AbortSignal): Promise<void> {
    const { terminal, last } = this.#options
    const left = new Promise<void>(resolve => {
      this.#leave = resolve
    })
    stop.addEventListener('abort', () => this.#leave(), { once: true })
    this.#openTerminal()
    this.#resized()
    const reading = this.#feed
      .read(last, this.#closing.signal)
      .catch(error => this.tell(`the history cannot be read: ${reasonOf(error)}`, 'alarm'))
    await left
    this.#closing.abort()
    this.#task.cancel()
    clearImmediate(this.#drawing)
    await reading
    this.#feed.flush()
    clearImmediate(this.#drawing)
    terminal.close(this.#queue.takeAll())
  }

  /** What to remember for the next run. */
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

  /** Prints a notice of the program. */
  tell(line: string, kind: 'info' | 'alarm' = 'info'): void {
    this.#queue.notice(line, kind)
    this.changed()
  }

  /** Notes who is present, so that a name that several people use is shown with their keys from the first time on. */
  presenceChanged(): void {
    this.#names.notePresent(this.#options.conversation.presence)
    this.changed()
  }

  /** Draws soon: something that the frame shows has changed. */
  changed(): void {
    this.#drawing ??= setImmediate(() => this.#draw())
  }

  #newTranscript(): Transcript {
    const { id } = this.#options.conversation
    const transcript = new Transcript({
      id,
      names: this.#names,
      palette: this.#palette,
      ownNames: () => [...new Set([this.#options.conversation.me, this.#nick])],
    })
    transcript.columns = this.#options.terminal.columns
    return transcript
  }

  #newComposer(draft: string): Composer {
    const { conversation } = this.#options
    return new Composer(
      {
        say: text => this.#say({ kind: 'text', text }),
        command: line => void this.#command(line),
        typing: () => conversation.typing(),
        names: () => [
          ...new Set([...this.#people.names, ...conversation.presence.map(present => this.#nameOf(present))]),
        ],
        leave: () => this.#quit(),
      },
      draft,
    )
  }

  #newFeed(): MessageFeed {
    const { conversation, view } = this.#options
    return new MessageFeed(
      { conversation, view, people: this.#people, names: this.#names, topic: this.#topic, hidden: this.#hidden },
      {
        onNick: nick => this.#recallNick(nick),
        onOwnLine: message => this.#composer.remember(message),
        onHistory: (message, title) => this.#queue.history(message, systemClock.now(), title),
        onHistoryRead: () => this.#draw(),
        onHistoryEnd: () => {
          this.#queue.endHistory(HINT)
          this.#draw()
        },
        onArrivals: arrived => this.#showArrivals(arrived),
        onTopic: () => this.changed(),
      },
    )
  }

  #openTerminal(): void {
    const { terminal } = this.#options
    terminal.keys.on('key', key => this.#press(key))
    terminal.keys.on('paste', text => {
      this.#composer.paste(text)
      this.#draw()
    })
    terminal.open({
      onResize: () => this.#resized(),
      onBackground: () => info('this chat runs in the background: fg shows it (under timeout, add --foreground)'),
      onLost: () => this.#leave(),
      onUnstoppable: () => this.tell('Ctrl-Z does nothing here: no shell could continue this program'),
    })
  }

  /** The user keeps the name that they used last. */
  #recallNick(nick: string): void {
    const { me } = this.#options.conversation
    this.#nick = nick
    if (nick !== me) this.tell(`your name is ${nick}: /nick ${me} changes it back`)
  }

  #showArrivals({ messages, title, skipped }: ArrivedMessages): void {
    const now = systemClock.now()
    if (title !== undefined) this.#queue.rule(title)
    if (skipped > 0)
      this.#queue.rule(`${skipped.toLocaleString('en')} lines came at once: /last 2000, /since and /search show them`)
    for (const message of messages) {
      const { isMention } = this.#queue.message(message, now, title === undefined ? 'live' : 'missed')
      if (isMention) this.#ring(now)
    }
    this.#draw()
  }

  #ring(now: number): void {
    if (!this.#options.hasBell || now - this.#rangAt < BELL_MS) return
    this.#rangAt = now
    this.#options.terminal.bell()
  }

  #resized(): void {
    this.#transcript.columns = this.#options.terminal.columns
    this.#draw()
  }

  #draw(): void {
    clearImmediate(this.#drawing)
    this.#drawing = undefined
    const { terminal, conversation } = this.#options
    const size = sizeOf(terminal)
    const lines = this.#queue.take(size.pendingRowsMax, text => rowsOf(text, size.columns).length)
    const { presence } = conversation
    this.#people.setPresent(presence)
    const status = partsOf(conversation, {
      presence,
      own: this.#hasSpoken ? this.#feed.ownSeq : undefined,
      topic: this.#topic.current?.text,
      isAway: this.#isAway,
      task: this.#task.current && `${this.#task.current} (Esc cancels)`,
      nameOf: present => this.#nameOf(present),
    })
    const content = { pending: this.#queue.pendingTexts, status, nick: this.#nick, composer: this.#composer }
    terminal.show(lines, this.#queue.isHistoryPrinted ? frameOf(content, size, this.#palette) : EMPTY_FRAME)
  }

  /** The name in a person's lines, otherwise the one that they announce. */
  #nameOf({ author, name }: Present): string {
    const shown = (author && this.#people.nameOf(author)) ?? name
    return this.#names.presentName({ author, name: shown })
  }

  #press(key: Key): void {
    const isInterrupt = key.name === 'c' || (key.name === 'd' && this.#composer.question !== undefined)
    if (key.ctrl && isInterrupt) this.#interrupt()
    else if (key.name === 'escape') {
      this.#composer.dismiss()
      this.#task.cancel()
    } else if (key.ctrl && key.name === 'z') this.#options.terminal.suspend()
    else if (key.ctrl && key.name === 'l') this.#options.terminal.clear()
    else this.#composer.press(key)
    this.changed()
  }

  #interrupt(): void {
    if (this.#task.cancel()) return
    if (this.#composer.question?.kind === 'quit') this.#leave()
    else this.#quit()
  }

  async #command(line: Exclude<Line, { kind: 'message' }>): Promise<void> {
    try {
      await runCommand(this.#commandContext, line)
    } catch (error) {
      this.tell(reasonOf(error), 'alarm')
    }
    this.changed()
  }

  get #commandContext(): CommandContext {
    const screen = this
    return {
      conversation: this.#options.conversation,
      people: this.#people,
      hidden: this.#hidden,
      nameOf: present => this.#nameOf(present),
      now: () => systemClock.now(),
      topic: () => this.#topic.current?.text,
      get nick() {
        return screen.#nick
      },
      set nick(name) {
        screen.#nick = name
      },
      tell: (...lines) => {
        for (const line of lines) this.tell(line)
      },
      list: (...rows) => {
        for (const row of rows) this.#queue.list(row)
      },
      complain: line => this.tell(line, 'alarm'),
      quote: (title, messages, end) => this.#quote(title, messages, end),
      runTask: (title, work) => this.#runTask(title, work),
      say: draft => this.#say(draft),
      setAway: text => this.#setAway(text),
      keyHelp: [
        'Tab completes commands and names, Alt-Enter begins a new line,',
        'Up brings back what you said, and //text says /text.',
      ],
      quit: () => this.#quit(),
    }
  }

  #quote(title: string, messages: readonly Message[], end: string): void {
    const shown = messages.filter(({ author }) => !this.#hidden.has(author))
    this.#queue.quote(this.#newTranscript(), title, shown, end, systemClock.now())
    this.changed()
  }

  async #runTask(title: string, work: (task: Task) => Promise<void>): Promise<void> {
    const outcome = await this.#task.run(title, work)
    if (outcome === 'busy') this.tell('another command is still running: Esc cancels it', 'alarm')
    if (outcome === 'cancelled') this.tell(`cancelled ${title}`)
  }

  #setAway(text: string | undefined): void {
    if (text === undefined && !this.#isAway) return
    this.#isAway = text !== undefined
    this.#options.conversation.setAway(text)
    this.tell(this.#isAway ? 'you are away until /back or your next line' : 'you are back')
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

  /** Leaves, or asks first if the chat ends with this screen and no other peer has the user's last line. */
  #quit(): void {
    const { conversation, isLastWindow } = this.#options
    const { ownSeq } = this.#feed
    const replicas = ownSeq === undefined ? undefined : conversation.replicasOf(ownSeq)
    const isUndelivered = replicas !== undefined && replicas.on + replicas.left === 0
    if (this.#hasSpoken && isUndelivered && isLastWindow())
      this.#composer.ask(quitPrompt(conversation.unsavedCount, () => this.#leave()))
    else this.#leave()
  }
}
