import type { ServerEvent, ServerMessage } from '../../protocol/messages.js'
import type { LineRow, Row } from '../../protocol/rows.js'
import type { NodeState, Notice, Room } from '../../protocol/state.js'
import { Link } from '../connection/link.js'
import { LOST, RequestError } from '../connection/request-error.js'
import { Cell } from './cell.js'
import { Conversation } from './conversation.js'
import { notifyOf } from './notifications.js'
import { Screen } from './screen.js'
import { Transfers } from './transfers.js'

export type Welcome = Extract<ServerMessage, { kind: 'welcome' }>

/** Output of a command or of the program: a notice, or lines of the conversation that a command quotes. */
export type Said =
  /** `isPassing`: not the output of a command; disappears after PASSING_MS. */
  | { readonly kind: 'notice'; readonly notice: Notice; readonly isPassing: boolean }
  | { readonly kind: 'quote'; readonly title: string; readonly rows: readonly Row[]; readonly end: string }

/** Notices and quotes that stay on the screen. */
const SAID_MAX = 400
const ROOM_KEY = 'room'

/** How long a notice of the program stays on the screen. */
const PASSING_MS = 10_000
const isPassingNotice = (said: Said): boolean => said.kind === 'notice' && said.isPassing

/** A text whose request was unanswered when the connection ended. It may or may not be stored. */
export interface Unsure {
  readonly room: string
  readonly text: string
  readonly sentMs: number
}

/** The state of the page, updated by the events of the server. */
export class Chat {
  readonly link: Link
  readonly screen = new Screen()
  readonly transfers: Transfers
  readonly welcome = new Cell<Welcome | undefined>(undefined)
  readonly rooms = new Cell<readonly Room[]>([])
  readonly asking = new Cell(0)
  readonly node = new Cell<NodeState>({ state: 'here', text: '' })
  readonly conversation = new Cell<Conversation | undefined>(undefined)
  /** Output of commands and of the program in the selected room, until the user closes it. */
  readonly said = new Cell<readonly Said[]>([])
  readonly task = new Cell<string | undefined>(undefined)
  /** The draft of the selected room. */
  readonly draft = new Cell('')
  readonly unsure = new Cell<readonly Unsure[]>([])
  /** Listeners for new rows: screen readers announce them. */
  readonly onArrival = new Set<(rows: readonly Row[], skipped: number) => void>()
  #selecting: string | undefined
  /** The number of unanswered `say` requests, lines and commands. */
  #commands = 0

  constructor(token: string | undefined) {
    this.link = new Link(token, event => this.#on(event))
    this.transfers = new Transfers(this.link)
  }

  /** The selected room's item in the list of rooms. */
  get room(): Room | undefined {
    return this.rooms.value.find(({ name }) => name === this.conversation.value?.room)
  }

  #on(event: ServerEvent): void {
    const { value: conversation } = this.conversation
    switch (event.kind) {
      case 'welcome':
        this.welcome.set(event)
        void this.select(conversation?.room ?? sessionStorage.getItem(ROOM_KEY) ?? event.room, { orElse: event.room })
        break
      case 'rooms':
        this.rooms.set(event.rooms)
        this.asking.set(event.asking)
        break
      case 'node':
        this.node.set(event.node)
        break
      case 'show':
        void this.#go(event.room, event.line)
        break
      case 'state':
        if (event.state.room === conversation?.room) conversation.state.set(event.state)
        break
      case 'rows':
        if (event.room !== conversation?.room) break
        conversation.arrive(event.rows, event.isNew, event.skipped)
        if (event.isNew) for (const listener of this.onArrival) listener(event.rows, event.skipped)
        break
      case 'removed':
        if (event.room === conversation?.room) conversation.remove(event.ids)
        break
      case 'notices':
        if (event.room === conversation?.room) this.#notice(event.notices)
        break
      case 'quote':
        if (event.room === conversation?.room) this.#say({ ...event, kind: 'quote' })
        break
      case 'task':
        if (event.room === conversation?.room) this.task.set(event.text)
        break
      case 'preview':
        this.#preview(event.line)
        break
      case 'ring':
        notifyOf(event, () => void this.show(event.room, event.line))
        break
      case 'resync':
        if (conversation !== undefined) void this.select(conversation.room)
        break
      case 'bye':
        break
      default:
        event satisfies never
    }
  }

  async #go(room: string, line: string | undefined): Promise<void> {
    if (line === undefined) await this.select(room)
    else await this.show(room, line)
  }

  #say(...said: readonly Said[]): void {
    this.said.set([...this.said.value, ...said].slice(-SAID_MAX))
  }

  #notice(notices: readonly Notice[]): void {
    const isPassing = this.#commands === 0
    const said = notices.map(
      (notice): Said => ({ kind: 'notice', notice, isPassing: isPassing && notice.level === 'info' }),
    )
    this.#say(...said)
    if (isPassing)
      setTimeout(
        () => this.said.set(this.said.value.filter(one => !said.includes(one) || !isPassingNotice(one))),
        PASSING_MS,
      )
  }

  /** Shows below the conversation why something failed. */
  readonly complain = (error: unknown): void => {
    const text = error instanceof RequestError ? error.sentence : String(error)
    if (text !== '') this.#say({ kind: 'notice', notice: { level: 'warning', text }, isPassing: false })
  }

  readonly closeSaid = (): void => this.said.set([])

  #preview(line: string): void {
    const row = this.conversation.value?.rows.rows.find(({ id }) => id === line)
    if (row?.kind === 'line') this.screen.dialog.set({ kind: 'picture', line: row })
  }

  /** Shows a room. `orElse`: the room to show if this one cannot be selected. */
  async select(room: string, { orElse }: { readonly orElse?: string } = {}): Promise<void> {
    this.#selecting = room
    try {
      const answer = await this.link.request('select', { room })
      if (this.#selecting !== room) return
      const isSame = this.conversation.value?.room === room
      this.conversation.set(
        new Conversation(answer, (kind, asked, listener) => this.link.request(kind, asked, listener)),
      )
      sessionStorage.setItem(ROOM_KEY, room)
      this.#forgetStored(answer.page.rows)
      if (isSame) return
      this.said.set([])
      this.task.set(undefined)
      this.draft.set(answer.draft)
      this.screen.composing.set({ kind: 'say' })
    } catch (error) {
      if (orElse !== undefined && orElse !== room) await this.select(orElse)
      else if (!(error instanceof RequestError && error.code === LOST)) this.complain(error)
    }
  }

  /** Shows a line of any room. */
  async show(room: string, line: string): Promise<void> {
    this.screen.showsRooms.set(false)
    if (this.conversation.value?.room !== room) await this.select(room)
    const isShown = await this.conversation.value?.showRow(line)
    if (isShown === false) this.screen.status.set('that line is not in the history any more')
  }

  /** Moves the selection by `by` rooms in the list. */
  step(by: number): void {
    const { value: rooms } = this.rooms
    const at = rooms.findIndex(({ name }) => name === this.conversation.value?.room)
    const next = rooms[(at + by + rooms.length) % rooms.length]
    if (next !== undefined) void this.select(next.name)
  }

  /** Shows the room with the most unread mentions; if there are none, the room with the most unread lines. */
  mostUrgent(): void {
    const [best] = this.rooms.value
      .filter(({ unread, name }) => unread > 0 && name !== this.conversation.value?.room)
      .sort((a, b) => b.mentions - a.mentions || b.unread - a.unread)
    if (best !== undefined) void this.select(best.name)
  }

  /** Sends the typed text: as a new line, a reply or an edit. */
  async say(text: string): Promise<void> {
    const { value: conversation } = this.conversation
    const { composing } = this.screen
    if (conversation === undefined) return
    const { room } = conversation
    const sentMs = Date.now()
    const doing = composing.value
    composing.set({ kind: 'say' })
    try {
      if (doing.kind === 'reply') await this.link.request('reply', { room, line: doing.line.id, text })
      else if (doing.kind === 'edit') await this.link.request('edit', { room, line: doing.line.id, text })
      else await this.#run(room, text)
    } catch (error) {
      if (error instanceof RequestError && error.code === LOST && doing.kind === 'say')
        this.unsure.set([...this.unsure.value, { room, text, sentMs }])
      else {
        this.complain(error)
        if (this.draft.value === '' && doing.kind !== 'say') composing.set(doing)
        if (this.draft.value === '' && !text.startsWith('/')) this.draft.set(text)
      }
    }
  }

  /** Runs a command in the selected room. */
  async command(text: string): Promise<void> {
    const room = this.conversation.value?.room
    if (room !== undefined) await this.#run(room, text).catch(this.complain)
  }

  async #run(room: string, text: string): Promise<void> {
    this.#commands++
    try {
      await this.link.request('say', { room, text })
    } finally {
      this.#commands--
    }
  }

  /** Forgets the unsure texts that are among these rows. */
  #forgetStored(rows: readonly Row[]): void {
    const isStored = ({ text, sentMs }: Unsure): boolean =>
      rows.some(row => row.kind === 'line' && row.author.isOwn && row.text === text && row.at >= sentMs - 60_000)
    this.unsure.set(
      this.unsure.value.filter(unsure => unsure.room !== this.conversation.value?.room || !isStored(unsure)),
    )
  }

  readonly forgetUnsure = (unsure: Unsure): void => this.unsure.set(this.unsure.value.filter(other => other !== unsure))

  async react(line: LineRow, emoji: string): Promise<void> {
    const room = this.conversation.value?.room
    if (room === undefined || emoji === '') return
    const isRemoved = line.reactions.some(reaction => reaction.emoji === emoji && reaction.isOwn)
    await this.link.request('react', { room, line: line.id, emoji, isRemoved }).catch(this.complain)
  }

  reply(line: LineRow): void {
    this.screen.composing.set({ kind: 'reply', line })
  }

  /** Begins to edit a line of the user: puts its text into the text field. */
  edit(line: LineRow): void {
    this.screen.composing.set({ kind: 'edit', line, draft: this.draft.value })
    this.draft.set(line.text)
  }

  /** Cancels a reply or an edit. */
  stopComposing(): void {
    const { value } = this.screen.composing
    this.screen.composing.set({ kind: 'say' })
    if (value.kind === 'edit') this.draft.set(value.draft)
  }
}
