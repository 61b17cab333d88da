import type { Clock, Millis } from '../../../base/clock.js'
import { reasonOf } from '../../../base/errors.js'
import { isRunning } from '../../../base/files/running-process.js'
import { isLine } from '../../../chat/kinds/kinds.js'
import { lastPlaceOf, type Message } from '../../../chat/kinds/message.js'
import { keyOfPlace } from '../../../chat/views/lines.js'
import type { Face } from '../../../host/client/face.js'
import type { FaceEvent } from '../../../host/protocol/events.js'
import { type AuthorId, type LogId, logOf, type Seq } from '../../../log/format/author.js'
import type { ReadMark } from '../../../log/options.js'
import { loadView } from '../../../session/saved-view.js'
import { Session } from '../../../session/session.js'
import { olderLines } from '../../older-text.js'
import type { RoomTab } from '../../rooms/room-tab.js'
import type { EventText } from '../../text/event-text.js'
import { unreadTitle } from '../../unread-text.js'
import { PAGE_ROWS_MAX } from '../protocol/limits.js'
import type { ServerEvent } from '../protocol/messages.js'
import type { Answer, Asked } from '../protocol/requests.js'
import type { Page, Row, UnreadMark } from '../protocol/rows.js'
import type { RoomState } from '../protocol/state.js'
import { History, type Stretch } from './history.js'
import { idOf, placeIn } from './places.js'
import { RoomDraft } from './room-draft.js'
import { roomStateOf } from './room-state.js'
import { RowArrivals } from './row-arrivals.js'
import { hasRow, Rows } from './rows.js'
import { Throttled } from './throttled.js'

/** Rows that a page shows first. */
const FIRST_ROWS = 100
/** New rows that are collected for one message, and the interval between two messages. */
const ROWS_MAX = 200
const ROWS_MS: Millis = 50
const STATE_MS: Millis = 100
/** How often the draft is saved, in case the process is killed. */
const SAVE_MS: Millis = 5_000
/** The latest lines of the user whose delivery is followed. */
const OWN_MAX = 100
/** Ids of sent rows that the server remembers: more than a page has loaded. */
const SENT_MAX = 5_000

export interface RoomViewParts {
  readonly tab: RoomTab
  /** The saved view of the room. */
  readonly viewFile: string
  readonly clock: Clock
  readonly send: (event: ServerEvent) => void
}

type Withdrawn = Extract<FaceEvent, { readonly kind: 'lines-withdrawn' }>

/** A room as one page shows it: its session, pages of its history, and the rows of messages that arrive. */
export class RoomView {
  readonly tab: RoomTab
  readonly session: Session
  readonly rows: Rows
  readonly #parts: RoomViewParts
  readonly #history: History
  readonly #arrivals: RowArrivals
  readonly #draft: RoomDraft
  readonly #closing = new AbortController()
  readonly #sendRows: Throttled
  readonly #sendState: Throttled
  readonly #save: Throttled
  /** How far each log was read. */
  readonly #reached: Map<LogId, Seq>
  #older: readonly string[] = []
  /** The last row of the room, as far as the page knows. */
  #lastId: string | undefined
  readonly #sent = new Set<string>()
  #fresh: Row[] = []
  #changed = new Map<string, Row>()
  #skipped = 0
  #sentState = ''
  /** The latest lines of the user, with the delivery that the page knows. */
  readonly #own = new Map<string, { readonly message: Message; known: string }>()
  #choices = ''

  constructor(parts: RoomViewParts) {
    this.#parts = parts
    const { tab, viewFile, clock } = parts
    this.tab = tab
    this.session = new Session(tab.face, loadView(viewFile), clock)
    this.rows = new Rows(this.session, () => clock.now())
    this.#history = new History(tab.face, hasRow)
    this.#arrivals = new RowArrivals(this.session, this.rows)
    this.#draft = new RoomDraft(viewFile, this.session, pid => tab.face.others > 0 && isRunning(pid))
    this.#sendRows = new Throttled(clock, ROWS_MS, () => this.#flush())
    this.#sendState = new Throttled(clock, STATE_MS, () => this.#stateChanged())
    this.#save = new Throttled(clock, SAVE_MS, () => void this.#saveView(process.pid))
    this.#reached = new Map(this.session.heads)
    this.#choices = this.#choicesNow
  }

  get room(): string {
    return this.tab.room
  }

  get face(): Face {
    return this.tab.face
  }

  /** Reads the first page. Rejects with a ChatError. */
  async open(): Promise<Answer<'select'>> {
    const { session, face } = this
    face.look(true)
    await session.readLatest()
    await session.countUnread()
    this.#older = await olderLines(session, command => face.command(command))
    const stretch = await this.#firstStretch()
    const page = await this.#pageOf(stretch)
    if (page.after === 0) this.#lastId = page.rows.at(-1)?.id
    const mark = this.#markIn(stretch.messages, page)
    for (const message of stretch.messages) this.#arrivals.read(message)
    const state = this.#stateNow
    this.#sentState = JSON.stringify(state)
    return { room: this.room, page, draft: this.#draft.text, state, ...(mark !== undefined && { mark }) }
  }

  /** From now on, sends new and changed rows, and changes of the state. */
  start(): void {
    const { face, session } = this
    face.on('change', this.#sendState.call).on('presence', this.#onPresence).on('delivery', this.#sendState.call)
    face.on('withdrawn', this.#onWithdrawn).on('forgotten', this.#onForgotten)
    session.on('away', isAway => this.tell({ level: 'info', line: isAway ? 'you are away' : 'you are back' }))
    void this.#read()
    void session.findTopic(this.#closing.signal).then(this.#sendState.call, () => {}) // the reader fails too
    this.#sendState.call()
  }

  /** Ends the view, and saves its draft. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const throttled of [this.#sendRows, this.#sendState, this.#save]) throttled.close()
    const { face } = this
    face.off('change', this.#sendState.call).off('presence', this.#onPresence).off('delivery', this.#sendState.call)
    face.off('withdrawn', this.#onWithdrawn).off('forgotten', this.#onForgotten)
    await this.#saveView(undefined)
  }

  /** Aborted when the page shows another room. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Sends a notice. */
  readonly tell = ({ level, line }: EventText): void =>
    this.#parts.send({ kind: 'notices', room: this.room, notices: [{ level, text: line }] })

  /** Rows of the history. Undefined if the request names a row that is not stored. */
  async page({ around, before, after, at, count }: Asked<'page'>): Promise<Page | undefined> {
    const size = Math.min(PAGE_ROWS_MAX, Math.max(1, count))
    const place = placeIn(around ?? before ?? after ?? '')
    let stretch: Stretch | undefined
    if (place !== undefined)
      if (around !== undefined) stretch = await this.#history.around(place, size)
      else if (before !== undefined) stretch = await this.#history.before(place, size)
      else stretch = await this.#history.after(place, size)
    else if (around !== undefined || before !== undefined || after !== undefined) return undefined
    else stretch = at === undefined ? await this.#history.last(size) : await this.#history.at(at, size)
    return stretch && this.#pageOf(stretch)
  }

  /** The message of a row; undefined if it is not a line, or is not stored. */
  async line(id: string): Promise<Message | undefined> {
    const place = placeIn(id)
    const found = place && (await this.session.references.findAt(place, 'the line'))
    return found?.kind === 'found' ? found.line : undefined
  }

  /** The user has seen the room down to this row. */
  async read(id: string): Promise<void> {
    const place = placeIn(id)
    if (place === undefined) return
    const isLast = this.#lastId === id
    const older = isLast ? [] : await this.face.before(place, 0)
    const marks = isLast ? [...this.#reached].map(([author, seq]) => ({ author, seq })) : [...older, place]
    this.tab.read(marks.filter(({ seq }) => seq > 0))
  }

  draft(text: string): void {
    this.#draft.text = text
    this.#save.call()
  }

  /** After a command: if it hid or showed something, or changed the notify level, counts unread lines again and saves the choice. */
  choicesChanged(): void {
    if (this.#choices === this.#choicesNow) return
    this.#choices = this.#choicesNow
    this.tab.count(this.session)
    void this.#saveView(process.pid)
    this.#sendState.call()
  }

  get #choicesNow(): string {
    const { notifyLevel, hidden, hiddenLines } = this.session
    return [notifyLevel, ...hidden, ...hiddenLines].join()
  }

  /** The rows at the unread mark if it is far from the end, else the last ones. */
  async #firstStretch(): Promise<Stretch> {
    const last = await this.#history.last(FIRST_ROWS)
    const unread = await this.#firstUnread()
    if (unread === undefined || last.messages.some(message => idOf(message) === unread)) return last
    const place = placeIn(unread)
    return (place && (await this.#history.around(place, FIRST_ROWS))) ?? last
  }

  /** The first line of others that the user has not read. Undefined if the user has read nothing in this room yet. */
  async #firstUnread(): Promise<string | undefined> {
    const { readMarks, passed } = this.face
    if (readMarks.size === 0) return undefined
    const since: ReadMark[] = [...readMarks].map(([author, seq]) => ({ author, seq, passed: passed.get(author) ?? [] }))
    for await (const messages of this.face.batches({ since })) {
      const found = messages.find(
        message => isLine(message) && !this.session.isOurs(message) && !this.session.hides(message),
      )
      if (found !== undefined) return idOf(found)
    }
    return undefined
  }

  #markIn(messages: readonly Message[], { rows }: Page): UnreadMark | undefined {
    const shown = new Set(rows.map(({ id }) => id))
    for (const message of messages) {
      if (!shown.has(idOf(message))) continue
      const mark = this.session.unread.markAbove(message)
      if (mark !== undefined) return { above: idOf(message), text: unreadTitle(mark) }
    }
    return undefined
  }

  async #pageOf({ messages, following, before, after }: Stretch): Promise<Page> {
    const { session } = this
    session.noteNames(messages)
    for (const message of [...messages, ...following]) session.references.lines.note(message)
    await session.references.fetch(messages).catch(() => {}) // without the node, quoted lines stay unknown
    for (const message of messages) {
      // Somebody may have changed their name since.
      if (session.people.nameOf(message.author) === undefined) session.note(message)
      session.references.drawn(message)
      this.#follow(message)
    }
    const rows = this.rows.of(messages)
    this.#sentRows(rows)
    return { rows, before, after }
  }

  /** Reads new messages until the view is closed. */
  async #read(): Promise<void> {
    const { session, face } = this
    const since = [...session.heads].map(([author, seq]) => ({ author, seq }))
    try {
      for await (const batch of face.batches({ live: true, gaps: true, since, signal: this.#closing.signal })) {
        const { fresh, changed, notices } = await this.#arrivals.rowsOf(batch, this.#parts.clock.now())
        if (this.#closing.signal.aborted) return
        for (const message of batch) {
          const { author, seq } = lastPlaceOf(message)
          this.#reached.set(author, Math.max(this.#reached.get(author) ?? 0, seq))
          this.#follow(message)
        }
        for (const line of notices) this.tell({ level: 'warning', line })
        this.#arrived(fresh, changed)
      }
    } catch (error) {
      if (!this.#closing.signal.aborted)
        this.tell({ level: 'warning', line: `the history cannot be read: ${reasonOf(error)}` })
    }
  }

  #arrived(fresh: readonly Row[], changed: readonly Row[]): void {
    this.#fresh.push(...fresh)
    const more = this.#fresh.length - ROWS_MAX
    if (more > 0) this.#skipped += this.#fresh.splice(0, more).length
    for (const row of changed) if (this.#changed.size < ROWS_MAX) this.#changed.set(row.id, row)
    if (fresh.length + changed.length > 0) this.#sendRows.call()
    this.#sendState.call()
  }

  #flush(): void {
    const { send } = this.#parts
    const [rows, skipped, changed] = [this.#fresh, this.#skipped, [...this.#changed.values()]]
    this.#fresh = []
    this.#skipped = 0
    this.#changed = new Map()
    this.#lastId = rows.at(-1)?.id ?? this.#lastId
    this.#sentRows(rows)
    if (rows.length > 0) send({ kind: 'rows', room: this.room, isNew: true, rows, skipped })
    if (changed.length > 0) send({ kind: 'rows', room: this.room, isNew: false, rows: changed, skipped: 0 })
  }

  /** Remembers which rows the page may have. */
  #sentRows(rows: readonly Row[]): void {
    for (const { id } of rows) {
      this.#sent.delete(id)
      this.#sent.add(id)
    }
    for (const oldest of this.#sent) {
      if (this.#sent.size <= SENT_MAX) return
      this.#sent.delete(oldest)
    }
  }

  /** Follows the delivery of a line of the user. */
  #follow(message: Message): void {
    if (!this.session.isOurs(message) || !isLine(message)) return
    this.#own.set(idOf(message), { message, known: JSON.stringify(this.rows.delivery(message)) })
    const [oldest] = this.#own.keys()
    if (this.#own.size > OWN_MAX && oldest !== undefined) this.#own.delete(oldest)
  }

  /** Sends the rows of the user's lines whose delivery has changed. */
  #deliver(): void {
    const rows: Row[] = []
    for (const [id, own] of this.#own) {
      const now = JSON.stringify(this.rows.delivery(own.message))
      if (now === own.known || this.session.references.lines.isDeleted(id)) continue
      own.known = now
      const row = this.rows.row(own.message)
      if (row !== undefined) rows.push(row)
    }
    if (rows.length > 0) this.#parts.send({ kind: 'rows', room: this.room, isNew: false, rows, skipped: 0 })
  }

  get #stateNow(): RoomState {
    return roomStateOf(this.session, this.#older)
  }

  #stateChanged(): void {
    const state = this.#stateNow
    const text = JSON.stringify(state)
    if (text !== this.#sentState) this.#parts.send({ kind: 'state', state })
    this.#sentState = text
    this.#deliver()
  }

  readonly #onPresence = (): void => {
    this.session.presenceChanged()
    this.#sendState.call()
  }

  readonly #onWithdrawn = ({ author, run, seq, count }: Withdrawn): void => {
    const log = logOf(author as AuthorId, run)
    const ids = Array.from({ length: Math.min(count, ROWS_MAX) }, (_, index) => keyOfPlace(log, seq + index))
    this.#parts.send({ kind: 'removed', room: this.room, ids })
  }

  readonly #onForgotten = (log: LogId): void => {
    this.#reached.delete(log)
    const ids = [...this.#sent].filter(id => id.startsWith(`${log}/`))
    for (const id of ids) this.#sent.delete(id)
    if (ids.length > 0) this.#parts.send({ kind: 'removed', room: this.room, ids })
  }

  #saveView(pid: number | undefined): Promise<void> {
    return this.#draft
      .save(pid)
      .catch(error => this.tell({ level: 'warning', line: `the draft cannot be saved: ${reasonOf(error)}` }))
  }
}
