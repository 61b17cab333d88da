import { Component, createRef, type JSX, type RefObject } from 'preact'
import type { Row as RowData } from '../../protocol/rows.js'
import { continuesGroup, startsDay } from '../list/grouping.js'
import { ListGeometry } from '../list/list-geometry.js'
import { Slots } from '../list/slots.js'
import type { Conversation, RowsChange, Target } from '../model/conversation.js'
import { stepOf } from './list-keys.js'
import { Row, type RowActions } from './row.js'

/** Rows up to this far outside the view are in the DOM, in CSS pixels. */
const MARGIN_PX = 600
/** More rows are loaded when the view is this close to the first or last loaded row, in CSS pixels. */
const LOAD_PX = 2_500
/** Time without scrolling after which the space around the loaded rows is corrected. */
const IDLE_MS = 200
/** Within this distance from the end, the view scrolls to new rows. */
const END_PX = 24
/** Distance of a row with the focus from the edge of the view. */
const FOCUS_PX = 8
/** How long a row stays highlighted after a jump to it. */
const MARKED_MS = 2_500

interface Props {
  /** Refers to the list while it is mounted. */
  readonly handle: RefObject<MessageList | null>
  readonly conversation: Conversation
  readonly label: string
  readonly actions: RowActions
  /** Whether the page is visible and has the focus: rows in view are marked as read. */
  readonly isAttended: boolean
}

interface State {
  readonly from: number
  readonly to: number
  /** The row that has the focus, or had it last. */
  readonly current: string | undefined
  readonly isFocused: boolean
  /** The row under the pointer. */
  readonly hovered: string | undefined
  /** The highlighted row, to which the user has jumped. */
  readonly marked: string | undefined
  readonly rows: readonly RowData[]
}

/** The virtual list of the conversation: only the rows in and near the view are in the DOM. */
export class MessageList extends Component<Props, State> {
  override state: State = {
    from: 0,
    to: 0,
    current: undefined,
    isFocused: false,
    hovered: undefined,
    marked: undefined,
    rows: [],
  }
  readonly #scroller = createRef<HTMLDivElement>()
  readonly #canvas = createRef<HTMLDivElement>()
  readonly #list = createRef<HTMLOListElement>()
  #geometry = new ListGeometry()
  #slots = new Slots()
  /** The number of the shown conversation, a part of each element's key: no element is reused for another conversation. */
  #entered = 0
  #end: () => void = () => {}
  #idle: ReturnType<typeof setTimeout> | undefined
  /** By how much to scroll once the rows are in the DOM. */
  #shift = 0
  #target: Target | undefined
  /** The row that gets the focus once it is in the DOM. */
  #wanted: string | undefined
  #viewHeight = 0
  #isScrolling = false
  /** Where the pointer is, while it is over the list. */
  #pointer: { readonly x: number; readonly y: number } | undefined
  #top = 0
  readonly #sizes = new ResizeObserver(entries => this.#measured(entries))
  readonly #view = new ResizeObserver(() => this.#viewResized())

  override componentDidMount(): void {
    this.props.handle.current = this
    const { current: scroller } = this.#scroller
    if (scroller === null) return
    this.#view.observe(scroller)
    this.#viewHeight = scroller.clientHeight
    this.#enter()
  }

  override componentDidUpdate(before: Props): void {
    if (before.conversation !== this.props.conversation) this.#enter()
    else this.#applied()
    this.#keepFocus()
    if (!before.isAttended && this.props.isAttended) this.#noteRead()
  }

  override componentWillUnmount(): void {
    this.props.handle.current = null
    this.#end()
    this.#sizes.disconnect()
    this.#view.disconnect()
    clearTimeout(this.#idle)
  }

  /** If the element with the focus now shows another row, because its row left the view, moves the focus to the list. */
  #keepFocus(): void {
    const { activeElement } = document
    if (!(activeElement instanceof HTMLElement) || this.#list.current?.contains(activeElement) !== true) return
    const id = activeElement.closest<HTMLElement>('.row')?.dataset['id']
    if (id !== this.state.current) this.#scroller.current?.focus({ preventScroll: true })
  }

  /** Shows a conversation from its unread mark, or from its end. */
  #enter(): void {
    const { conversation } = this.props
    this.#end()
    this.#end = conversation.subscribe(change => this.#changed(change))
    this.#geometry = new ListGeometry()
    this.#entered++
    const above = conversation.mark.value?.above
    conversation.isAtEnd = above === undefined && conversation.hasEnd
    this.#top = 0
    this.#shift = 0
    this.#target = above === undefined ? { kind: 'end' } : { kind: 'row', id: above, isMarked: false }
    this.setState({ current: undefined, hovered: undefined, marked: undefined })
    this.#changed({ target: this.#target })
  }

  #changed({ target, landing }: RowsChange): void {
    const { conversation } = this.props
    const { rows, before, after } = conversation.rows
    const all = before + rows.length + after
    const row = landing === undefined ? 0 : Math.round(landing * all - before)
    const ids = rows.map(({ id }) => id)
    const landingRow = Math.min(rows.length - 1, Math.max(0, row))
    this.#shift += this.#geometry.setRows(ids, { before, after }, this.#top + this.#shift, landingRow)
    if (target !== undefined) this.#target = target
    if (target?.kind === 'row') {
      conversation.isAtEnd = false
      this.#shift = this.#topFor(target.id) - this.#top
      if (target.isMarked) this.#mark(target.id)
    }
    if (target?.kind === 'end') conversation.isAtEnd = true
    if (conversation.isAtEnd) this.#shift = Math.max(0, this.#geometry.height - this.#viewHeight) - this.#top
    this.#place(rows)
  }

  /** The scroll position that puts a row at one third of the view. */
  #topFor(id: string): number {
    const index = this.props.conversation.rows.indexOf(id)
    return Math.max(0, this.#geometry.topOf(index) - this.#viewHeight / 3)
  }

  #mark(id: string): void {
    this.setState({ marked: id, current: id })
    setTimeout(() => this.setState(({ marked }) => (marked === id ? { marked: undefined } : null)), MARKED_MS)
  }

  /** Updates the range of rows in the DOM. */
  #place(rows: readonly RowData[] = this.state.rows): void {
    const { from, to } = this.#geometry.range(this.#top + this.#shift, this.#viewHeight, MARGIN_PX)
    if (rows === this.state.rows && from === this.state.from && to === this.state.to) this.#applied()
    else this.setState({ rows, from, to })
  }

  /** Runs when the rows are in the DOM: positions them, scrolls, and sets the focus. */
  #applied(): void {
    const { current: scroller } = this.#scroller
    const { current: canvas } = this.#canvas
    const { current: list } = this.#list
    if (scroller === null || canvas === null || list === null) return
    const height = `${Math.ceil(this.#geometry.height)}px`
    if (canvas.style.height !== height) canvas.style.height = height
    // A short conversation is at the bottom of the view, next to the text field.
    const free = Math.max(0, this.#viewHeight - this.#geometry.height)
    const transform = `translateY(${this.#geometry.topOf(this.state.from) + free}px)`
    if (list.style.transform !== transform) list.style.transform = transform
    if (this.#shift !== 0) {
      scroller.scrollTop = this.#top + this.#shift
      this.#shift = 0
      this.#top = scroller.scrollTop
    }
    this.#noteRead()
    const wanted = this.#wanted && list.querySelector<HTMLElement>(`[data-id="${CSS.escape(this.#wanted)}"]`)
    if (!wanted) return
    this.#wanted = undefined
    wanted.focus({ preventScroll: true })
  }

  readonly #onScroll = (): void => {
    const { current: scroller } = this.#scroller
    if (scroller === null) return
    const { conversation } = this.props
    this.#top = scroller.scrollTop
    conversation.isAtEnd = conversation.hasEnd && this.#top + this.#viewHeight >= this.#geometry.height - END_PX
    if (conversation.isAtEnd) conversation.newBelow.set(0)
    else if (this.#target?.kind === 'end') this.#target = undefined
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#onIdle(), IDLE_MS)
    this.#isScrolling = true
    if (this.state.hovered !== undefined) this.setState({ hovered: undefined })
    this.#load()
    this.#place()
  }

  /** Loads more rows if the view is near the first or last loaded row. */
  #load(): void {
    const { conversation } = this.props
    const { origin, end } = this.#geometry
    const top = this.#top
    const bottom = top + this.#viewHeight
    if (bottom < origin - LOAD_PX || top > end + LOAD_PX) return
    if (top < origin + LOAD_PX) void conversation.load('before')
    if (bottom > end - LOAD_PX) void conversation.load('after')
  }

  #onIdle(): void {
    this.#isScrolling = false
    this.#hover()
    const { origin, end } = this.#geometry
    const isOutside = this.#top + this.#viewHeight < origin || this.#top > end
    if (isOutside) {
      void this.props.conversation.showAt(this.#geometry.placeAt(this.#top))
      return
    }
    this.#target = undefined
    this.#shift += this.#geometry.rebase()
    this.#load()
    this.#place()
  }

  #measured(entries: readonly ResizeObserverEntry[]): void {
    const heights = new Map<string, number>()
    for (const { target, borderBoxSize } of entries) {
      const { id } = (target as HTMLElement).dataset
      const height = borderBoxSize[0]?.blockSize ?? 0
      if (id !== undefined && height > 0) heights.set(id, height)
    }
    const { conversation } = this.props
    this.#shift += this.#geometry.setHeights(heights, this.#top + this.#shift)
    if (conversation.hasEnd && this.#geometry.height <= this.#viewHeight) conversation.isAtEnd = true
    // After a jump, the target row stays in place until the user scrolls, while the rows around it are measured.
    if (conversation.isAtEnd) this.#shift = Math.max(0, this.#geometry.height - this.#viewHeight) - this.#top
    else if (this.#target?.kind === 'row') this.#shift = this.#topFor(this.#target.id) - this.#top
    this.#place()
  }

  #viewResized(): void {
    const { current: scroller } = this.#scroller
    if (scroller === null || scroller.clientHeight === this.#viewHeight) return
    this.#viewHeight = scroller.clientHeight
    if (this.props.conversation.isAtEnd) this.#shift = Math.max(0, this.#geometry.height - this.#viewHeight) - this.#top
    this.#place()
  }

  /** Marks as read all rows down to the last one whose bottom is in view. */
  #noteRead(): void {
    const { conversation, isAttended } = this.props
    const { rows } = this.state
    if (!isAttended || rows.length === 0) return
    const bottom = this.#top + this.#viewHeight
    const index = this.#geometry.indexAt(bottom - 1)
    const seen = this.#geometry.topOf(index + 1) <= bottom + 1 ? index : index - 1
    const row = rows[seen]
    if (row !== undefined) conversation.sawDownTo(row)
  }

  /** Moves the focus by a number of rows. */
  #step(by: number): void {
    const { rows } = this.props.conversation.rows
    const at = rows.findIndex(({ id }) => id === this.state.current)
    const index = at < 0 && Number.isFinite(by) ? this.#lastInView : at + by
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))]
    if (row !== undefined) this.#focus(row.id)
  }

  /** Scrolls just enough to show a row, and gives it the focus. */
  #focus(id: string): void {
    const index = this.props.conversation.rows.indexOf(id)
    const from = this.#top + this.#shift
    const top = this.#geometry.topOf(index)
    const bottom = this.#geometry.topOf(index + 1)
    if (top < from) this.#shift += top - FOCUS_PX - from
    else if (bottom > from + this.#viewHeight) this.#shift += bottom + FOCUS_PX - this.#viewHeight - from
    this.#wanted = id
    this.setState({ current: id })
    this.#place()
  }

  /** Gives the focus to the last row in view. */
  focus(): void {
    const row = this.props.conversation.rows.rows[this.#lastInView]
    if (row !== undefined) this.#focus(row.id)
  }

  get #lastInView(): number {
    return this.#geometry.indexAt(this.#top + this.#viewHeight - 1)
  }

  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target as HTMLElement).matches('.row, .scroller'))
      return
    const { current, rows } = this.state
    const by = stepOf(event.key, this.#viewHeight)
    const row = rows.find(({ id }) => id === current)
    if (by !== undefined) this.#step(by)
    else if (event.key === 'End')
      void this.props.conversation.showEnd().then(() => this.#step(Number.POSITIVE_INFINITY))
    else if (event.key === 'Home')
      void this.props.conversation.showAt(0).then(() => this.#step(Number.NEGATIVE_INFINITY))
    else if (row === undefined || !this.props.actions.onKey(event.key, row)) return
    event.preventDefault()
  }

  readonly #onFocusIn = (event: FocusEvent): void => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('.row')?.dataset['id']
    if (id !== undefined && (id !== this.state.current || !this.state.isFocused))
      this.setState({ current: id, isFocused: true })
  }

  readonly #onFocusOut = ({ relatedTarget }: FocusEvent): void => {
    if (!(relatedTarget instanceof Node) || !this.#list.current?.contains(relatedTarget))
      this.setState({ isFocused: false })
  }

  readonly #onPointerOver = ({ clientX, clientY }: PointerEvent): void => {
    this.#pointer = { x: clientX, y: clientY }
    // Rows that scroll past under the pointer get no buttons.
    if (!this.#isScrolling) this.#hover()
  }

  readonly #onPointerLeave = (): void => {
    this.#pointer = undefined
    this.#hover()
  }

  /** The row under the pointer shows its buttons. */
  #hover(): void {
    const element = this.#pointer && document.elementFromPoint(this.#pointer.x, this.#pointer.y)
    const hovered = element?.closest<HTMLElement>('.row')?.dataset['id']
    if (hovered !== this.state.hovered) this.setState({ hovered })
  }

  readonly #observe = (element: HTMLElement): void => this.#sizes.observe(element)
  readonly #unobserve = (element: HTMLElement): void => this.#sizes.unobserve(element)

  override render(
    { conversation, label, actions }: Props,
    { from, to, current, isFocused, hovered, marked, rows }: State,
  ): JSX.Element {
    const shown = rows.slice(from, to)
    const slots = this.#slots.assign(shown.map(({ id }) => id))
    const isCurrentShown = shown.some(({ id }) => id === current)
    const above = conversation.mark.value
    return (
      <section
        class="scroller"
        aria-label={label}
        ref={this.#scroller}
        tabIndex={-1}
        onScroll={this.#onScroll}
        onKeyDown={this.#onKeyDown}
        onPointerLeave={this.#onPointerLeave}
      >
        <div class="canvas" ref={this.#canvas}>
          <ol
            key={this.#entered}
            class="rows"
            ref={this.#list}
            onFocusIn={this.#onFocusIn}
            onFocusOut={this.#onFocusOut}
            onPointerOver={this.#onPointerOver}
          >
            {shown.map((row, index) => {
              const previous = rows[from + index - 1]
              return (
                <Row
                  key={slots[index]}
                  row={row}
                  day={startsDay(row, previous) ? row.day : ''}
                  isContinued={continuesGroup(row, previous) && above?.above !== row.id}
                  mark={above?.above === row.id ? above.text : ''}
                  isTabStop={isCurrentShown ? row.id === current : index === shown.length - 1}
                  isActive={row.id === hovered || (isFocused && row.id === current)}
                  isMarked={row.id === marked}
                  actions={actions}
                  observe={this.#observe}
                  unobserve={this.#unobserve}
                />
              )
            })}
          </ol>
        </div>
      </section>
    )
  }
}
