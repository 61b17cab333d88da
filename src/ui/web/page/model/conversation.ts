import type { Answer, Asked, RequestKind } from '../../protocol/requests.js'
import type { Page, Row, UnreadMark } from '../../protocol/rows.js'
import type { RoomState } from '../../protocol/state.js'
import type { Listener } from '../connection/listener.js'
import { RowWindow } from '../list/row-window.js'
import { Cell } from './cell.js'

/** Sends a request; resolves with its answer, rejects with a RequestError. */
export type Ask = <K extends RequestKind>(kind: K, asked: Asked<K>, listener?: Listener) => Promise<Answer<K>>

/** The row or end to which the list scrolls. */
export type Target =
  | { readonly kind: 'row'; readonly id: string; readonly isMarked: boolean }
  | { readonly kind: 'end' }

/** A change of the loaded rows. */
export interface RowsChange {
  /** Where to scroll; otherwise the rows in view stay where they are. */
  readonly target?: Target | undefined
  /** If all rows were replaced by those at a position in the history: this position, from 0 to 1. */
  readonly landing?: number
}

/** Rows of a page: enough for a few screens, and few enough to be processed within one frame. */
const PAGE_ROWS = 80

/** The selected room: its loaded rows, and its state. */
export class Conversation {
  readonly room: string
  readonly rows = new RowWindow()
  readonly state: Cell<RoomState>
  readonly mark: Cell<UnreadMark | undefined>
  /** New lines of others below the view. */
  readonly newBelow = new Cell(0)
  readonly isEmpty: Cell<boolean>
  readonly #ask: Ask
  readonly #listeners = new Set<(change: RowsChange) => void>()
  readonly #loading = new Set<'before' | 'after' | 'elsewhere'>()
  #readTo = ''
  /** Whether the view shows the end, and scrolls when rows are added there. */
  readonly isEndShown = new Cell(true)

  constructor(answer: Answer<'select'>, ask: Ask) {
    this.room = answer.room
    this.rows.show(answer.page)
    this.state = new Cell(answer.state)
    this.isEmpty = new Cell(answer.page.rows.length === 0)
    this.mark = new Cell(answer.mark)
    this.#ask = ask
  }

  get isAtEnd(): boolean {
    return this.isEndShown.value
  }

  set isAtEnd(isAtEnd: boolean) {
    this.isEndShown.set(isAtEnd)
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: (change: RowsChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(change: RowsChange = {}): void {
    this.isEmpty.set(this.rows.rows.length === 0)
    for (const listener of this.#listeners) listener(change)
  }

  /** Whether the end of the history is loaded. */
  get hasEnd(): boolean {
    return this.rows.after === 0
  }

  arrive(rows: readonly Row[], isNew: boolean, skipped: number): void {
    if (!isNew) {
      if (this.rows.replace(rows)) this.#changed()
      return
    }
    const last = this.rows.rows.at(-1)
    const wasAtEnd = this.isAtEnd && this.hasEnd
    const isChanged = this.rows.arrive(rows, skipped, wasAtEnd)
    const isBelow = (row: Row): boolean => row.kind === 'line' && (last === undefined || row.order > last.order)
    if (wasAtEnd && skipped > 0) void this.showEnd()
    else if (!wasAtEnd)
      this.newBelow.set(
        this.newBelow.value +
          skipped +
          rows.filter(row => isBelow(row) && row.kind === 'line' && !row.author.isOwn).length,
      )
    if (isChanged) this.#changed()
  }

  remove(ids: readonly string[]): void {
    if (this.rows.remove(ids)) this.#changed()
  }

  /** Loads rows before the first one, or after the last one. */
  async load(direction: 'before' | 'after'): Promise<void> {
    const edge = direction === 'before' ? this.rows.rows[0] : this.rows.rows.at(-1)
    if (edge === undefined || this.rows[direction] === 0) return
    await this.#load(direction, { [direction]: edge.id, count: PAGE_ROWS }, page => {
      const isSame = edge === (direction === 'before' ? this.rows.rows[0] : this.rows.rows.at(-1))
      if (!isSame) return
      if (direction === 'before') this.rows.prepend(page)
      else this.rows.append(page)
      this.#changed()
    })
  }

  /** Shows the rows at a place of the history, from 0 to 1. */
  async showAt(place: number): Promise<void> {
    await this.#load('elsewhere', { at: place, count: PAGE_ROWS }, page => {
      this.rows.show(page)
      this.#changed({ landing: place })
    })
  }

  /** Scrolls to a row. Resolves with false if it was removed from the history. */
  async showRow(id: string): Promise<boolean> {
    const target: Target = { kind: 'row', id, isMarked: true }
    if (this.rows.indexOf(id) < 0) {
      const isThere = await this.#load('elsewhere', { around: id, count: PAGE_ROWS }, page => this.rows.show(page))
      if (!isThere || this.rows.indexOf(id) < 0) return false
    }
    this.#changed({ target })
    return true
  }

  async showEnd(): Promise<void> {
    if (!this.hasEnd) await this.#load('elsewhere', { count: PAGE_ROWS }, page => this.rows.show(page))
    this.newBelow.set(0)
    this.#changed({ target: { kind: 'end' } })
  }

  async #load(
    what: 'before' | 'after' | 'elsewhere',
    where: Omit<Asked<'page'>, 'room'>,
    use: (page: Page) => void,
  ): Promise<boolean> {
    if (this.#loading.has(what)) return false
    this.#loading.add(what)
    try {
      use(await this.#ask('page', { room: this.room, ...where }))
      return true
    } catch {
      return false
    } finally {
      this.#loading.delete(what)
    }
  }

  /** The user has seen everything down to a row. */
  sawDownTo(row: Row): void {
    if (row.order <= this.#readTo) return
    this.#readTo = row.order
    if (this.hasEnd && row === this.rows.rows.at(-1)) this.newBelow.set(0)
    this.#ask('read', { room: this.room, line: row.id }).catch(() => {})
  }
}
