import { stripVTControlCharacters } from 'node:util'
import type { Millis } from '../../base/clock.js'
import { sanitise } from '../../base/safe-text.js'
import type { DisplayNames } from '../../chat/display-names.js'
import type { Message } from '../../chat/kinds/message.js'
import { concerns } from '../../chat/mention.js'
import { type Action, actionOf, EDITED, FOLDED_ROWS_MAX, UNKNOWN_LINE } from '../../chat/text-line.js'
import type { AuthorId } from '../../log/format/author.js'
import { EARLIEST, type Hlc, later, millisOf } from '../../log/format/hybrid-clock.js'
import { dateAndTimeOf, dayNumberOf, dayOf, timeOf } from '../../session/dates.js'
import type { ShownContext } from '../../session/references.js'
import type { OwnPlace } from '../../sync/receipts.js'
import { MESSAGE_BYTES_MAX } from '../lines/input.js'
import type { Palette } from '../palette.js'
import { gapLine } from '../text/gap-text.js'
import { COLUMNS_MIN, cellsOf, cut } from './cells.js'
import { wrapWords } from './word-wrap.js'

/** A message with the rules above it. `text` is laid out for the current width of the terminal. */
export interface Printed {
  /** Safe to print. Its rows are separated by line breaks. */
  readonly text: string
  /** Indent of the rows that continue the message. */
  readonly indent?: number
  /**
   * Draws a picture over its rows, with the cursor in the last of them. Written when the rows are printed and no longer
   * move.
   */
  readonly drawing?: string
  /** The place of the message in our log, if the user wrote it. */
  readonly own?: OwnPlace
  /** Whether someone else mentioned the user by name. */
  readonly isMention?: boolean
}

/** Minimum width for a separate name column. */
const WIDE_COLUMNS = 60
/** Minimum width for indenting rows by the time column. */
const INDENTED_COLUMNS = 30
const TIME_COLUMNS = 5
const NAME_COLUMNS = 12
/** Columns for labels; a longer label takes columns of the name. */
const LABEL_COLUMNS = 4
/** Narrowest name column in which people can be told apart. */
const NAME_COLUMNS_MIN = 4
/** Narrowest second column of a list. With less space it goes below the first. */
const LIST_COLUMNS_MIN = 30
/** Column of the gutter between names and text. */
const GUTTER = TIME_COLUMNS + 1 + LABEL_COLUMNS + NAME_COLUMNS + 1
/** Maximum lines of one message, before wrapping. */
const ROWS_MAX = 24
/** Kinds that only change another line, and so have no label. */
const REFERRING: ReadonlySet<Message['kind']> = new Set(['reaction', 'edit', 'delete'])
const NO_CONTEXT: ShownContext = { reactions: '' }
/** How far a live line may be behind the newest one before it counts as late: people often write at the same time. */
const BEHIND_MS = 60_000

/** The key and other marks after a name. Plain names have no brackets, and quoted names end with a quote. */
const MARKS = /(?: \((?:[0-9a-f]{8}|unsigned|clock ahead|dated ahead)\))+$/

/** Cuts a label to `cells` cells. Shortens the name, keeps the marks and the quotes. */
function fitted(label: string, cells: number): string {
  const { name, marks } = partsOf(label)
  const available = cells - cellsOf(marks)
  const isCutQuote = name.startsWith('"') && cellsOf(name) > available
  return cut(`${isCutQuote ? `${cut(name, available - 1)}"` : cut(name, available)}${marks}`, cells)
}

function partsOf(label: string): { name: string; marks: string } {
  const marks = MARKS.exec(label)?.[0] ?? ''
  return { name: label.slice(0, label.length - marks.length), marks }
}

/** `history` is read from disk, `missed` was written while the user was away, `live` has just been written. */
export type Origin = 'history' | 'missed' | 'live'

export interface TranscriptOptions {
  readonly id: AuthorId
  readonly names: Pick<DisplayNames, 'labelOf' | 'hasOtherBeginning'>
  readonly palette: Palette
  /** Names that mention the user. */
  readonly ownNames: () => readonly string[]
  /** Whether long messages of an author are folded. Default: nobody's. */
  readonly isFolded?: (author: AuthorId) => boolean
  /** What messages refer to, and their edits and reactions. Default: unknown. */
  readonly contextOf?: (message: Message) => ShownContext
  /** A message was folded. */
  readonly onFolded?: (message: Message) => void
}

/** Lays out messages with time, day, author and text. Decides which ones are late. */
export class Transcript {
  columns = 80
  readonly #options: TranscriptOptions
  #day: number | undefined
  /** The newest line so far in conversation order, with and without the lines that the user wrote in this session. */
  #newest: Hlc = EARLIEST
  #newestOfOthers: Hlc = EARLIEST
  /** Whether the history has reached the lines that are dated ahead. */
  #isAhead = false
  /** The day of the latest late line; undefined after a line in order. */
  #lateDay: number | undefined

  constructor(options: TranscriptOptions) {
    this.#options = options
  }

  /** Lays out a message. An arrived message is late if it is far older than the newest one so far. */
  message(message: Message, now: Millis, origin: Origin): Printed {
    if (message.kind === 'gap') return this.#printed([() => this.rule(gapLine(message))], {})
    const isOwn = message.author === this.#options.id
    // Missed lines have a marker above them, and are compared with the lines of others only.
    const newest = origin === 'missed' ? this.#newestOfOthers : this.#newest
    const isLate = origin !== 'history' && !isOwn && millisOf(message.at) < millisOf(newest) - BEHIND_MS
    const day = dayNumberOf(message.timeMs)
    const blocks: (() => string)[] = []
    if (message.isAhead && origin === 'history') {
      if (!this.#isAhead) blocks.push(() => this.rule("dated ahead of this computer's clock"))
      this.#isAhead = true
      this.#day = undefined // the next line in order shows its day again
    } else if (isLate) {
      if (day !== this.#lateDay) blocks.push(() => this.rule(`late ${dateAndTimeOf(message.timeMs)}`))
      this.#lateDay = day
      this.#day = undefined // the next line in order shows its day again
    } else {
      if (day !== this.#day) blocks.push(() => this.rule(dayOf(message.timeMs)))
      this.#day = day
      this.#lateDay = undefined
      if (!message.isAhead) {
        this.#newest = later(this.#newest, message.at)
        if (origin === 'history' || !isOwn) this.#newestOfOthers = later(this.#newestOfOthers, message.at)
      }
    }
    const { text: label, notice, before } = this.#options.names.labelOf(message, now)
    const context = { ...(this.#options.contextOf?.(message) ?? NO_CONTEXT), before }
    const action = message.kind === 'reply' ? undefined : actionOf(label, message, context)
    const isMention = !isOwn && concerns(message, this.#options.id, this.#options.ownNames())
    if (notice !== undefined) blocks.push(() => this.notice(notice, 'alarm'))
    blocks.push(() =>
      action
        ? this.#actionText(message, action, isMention, context)
        : this.#lineText(message, label, isMention, context),
    )
    if (context.reactions !== '') blocks.push(() => this.#reactions(context.reactions))
    return this.#printed(blocks, {
      ...(isOwn && { own: { run: message.run, seq: message.seq } }),
      ...(isMention && { isMention }),
    })
  }

  /** Lays the blocks out again only when the width has changed. */
  #printed(blocks: readonly (() => string)[], details: Omit<Printed, 'text' | 'indent'>): Printed {
    const transcript = this
    let columns: number | undefined
    let text = ''
    return {
      ...details,
      get text() {
        if (columns !== transcript.columns) text = blocks.map(block => block()).join('\n')
        columns = transcript.columns
        return text
      },
      get indent() {
        return transcript.#textColumn
      },
    }
  }

  /** A rule across the transcript: `── 3 new since you left ──` */
  rule(text: string): string {
    const rows = wrapWords(sanitise(text), { columns: Math.max(COLUMNS_MIN, this.#width - 3), first: 3, indent: 3 })
    const last = rows.length - 1
    return rows
      .map(({ text }, index) => `${index === 0 ? '── ' : '   '}${text}${index === last ? ' ──' : ''}`)
      .map(this.#options.palette.faint)
      .join('\n')
  }

  /** A notice of the program. */
  notice(text: string, kind: 'info' | 'alarm' = 'info'): string {
    const paint = kind === 'info' ? this.#options.palette.faint : this.#options.palette.alarm
    const mark = `${' '.repeat(this.#noticeColumn)}${kind === 'info' ? '·' : '!'} `
    return this.#hanging(mark, sanitise(text), mark.length).map(paint).join('\n')
  }

  /** A row of a list. The text after two spaces is a second column, which is aligned when it wraps. */
  listed(text: string): string {
    const [head = '', rest = ''] = /^(\S.*? {2,})(\S.*)$/.exec(sanitise(text))?.slice(1) ?? []
    if (head === '') return this.#hanging('  ', sanitise(text), 2).join('\n')
    if (this.#width - head.length - 2 >= LIST_COLUMNS_MIN)
      return this.#hanging(`  ${head}`, rest, head.length + 2).join('\n')
    return [`  ${head.trimEnd()}`, ...this.#hanging('    ', rest, 4)].join('\n')
  }

  #hanging(prefix: string, text: string, indent: number): string[] {
    const rows = wrapWords(text, { columns: this.#width, first: cellsOf(prefix), indent })
    return rows.map((row, index) => `${index === 0 ? prefix : ' '.repeat(row.indent)}${row.text}`)
  }

  /** An action or an event: `* bob waves`. Names are not cut to a column. */
  #actionText(message: Message, { who, text, renamed }: Action, isMention: boolean, context: ShownContext): string {
    const time = this.#timeAndLabel(message)
    const gap = ' '.repeat(this.#isWide ? GUTTER - time.cells : 0)
    const shown = fitted(who, this.#width - time.cells - gap.length - 5)
    const start = {
      text: `${time.text}${gap}* ${this.#painted(message, shown)}`,
      cells: time.cells + gap.length + 2 + cellsOf(shown),
    }
    return this.#rows(`${text}${renamed}`, start, isMention, message, context.isEdited).join('\n')
  }

  #lineText(message: Message, label: string, isMention: boolean, context: ShownContext): string {
    const { palette } = this.#options
    const time = this.#timeAndLabel(message)
    const { shown, isBeside } = this.#nameIn(label, message.author, this.#isWide ? time.cells - TIME_COLUMNS - 1 : 0)
    const name = this.#painted(message, shown)
    const mark = isMention ? palette.alarm('»') : palette.faint('│')
    const quoted = message.kind === 'reply' ? `┌ ${sanitise(context.about ?? UNKNOWN_LINE)}` : undefined
    let start: { text: string; cells: number }
    if (this.#isWide) {
      const gap = ' '.repeat(Math.max(0, GUTTER - 1 - time.cells - cellsOf(shown)))
      const first = isBeside ? `${time.text}${gap}${name} ` : `${time.text}${name}\n${' '.repeat(GUTTER)}`
      const above = quoted === undefined ? first : `${first}${this.#quoted(quoted, GUTTER)}\n${' '.repeat(GUTTER)}`
      start = { text: `${above}${mark} `, cells: GUTTER + 2 }
    } else if (quoted === undefined) {
      const end = isMention ? ' »' : ':'
      const cells = time.cells + cellsOf(shown) + end.length + 1
      start = { text: `${time.text}${name}${isMention ? palette.alarm(end) : end} `, cells }
    } else {
      const indent = this.#textColumn
      const cells = time.cells + cellsOf(shown) + 1
      start = { text: `${time.text}${name} ${this.#quoted(quoted, cells)}\n${' '.repeat(indent)}`, cells: indent }
    }
    return this.#rows(context.text ?? message.message, start, isMention, message, context.isEdited).join('\n')
  }

  /** A quoted line on one row, after `before` cells. */
  #quoted(text: string, before: number): string {
    return this.#options.palette.faint(cut(text, Math.max(2, this.#width - before)))
  }

  /** The reactions below a line. */
  #reactions(text: string): string {
    return this.#hanging(' '.repeat(this.#textColumn), text, this.#textColumn)
      .map(this.#options.palette.faint)
      .join('\n')
  }

  /** The time, and the label of a line. A very narrow terminal has no room for labels. */
  #timeAndLabel({ timeMs, label, kind }: Message): { readonly text: string; readonly cells: number } {
    const { palette } = this.#options
    const hasLabel = label !== undefined && !REFERRING.has(kind) && this.columns >= INDENTED_COLUMNS
    const text = hasLabel ? `${timeOf(timeMs)} ${label} ` : `${timeOf(timeMs)} `
    return { text: palette.faint(text), cells: text.length }
  }

  /** Colours a name by its key. */
  #painted({ author }: Message, name: string): string {
    const { id, palette } = this.#options
    return (author === id ? palette.own : palette.name)(author, name)
  }

  /** Lays out a text as rows. Rows after the author's line breaks carry a mark; wrapped rows do not. */
  #rows(
    text: string,
    start: { text: string; cells: number },
    isMention: boolean,
    message: Message,
    isEdited: boolean | undefined,
  ): string[] {
    const { palette, isFolded, onFolded } = this.#options
    const strong = isMention ? palette.strong : (text: string): string => text
    const broken = palette.faint('┊')
    const indent = this.#textColumn
    const folds = isFolded?.(message.author) === true
    // Bounds the work for text that is folded anyway. The factor leaves room for characters without width.
    const cutText = folds ? text.slice(0, 4 * FOLDED_ROWS_MAX * this.#width) : text
    const typed = cutText.split('\n').map(row => sanitise(row.replace(/\r$/, '')))
    const shown = typed.slice(0, folds ? FOLDED_ROWS_MAX : ROWS_MAX)
    const rows = shown.flatMap((row, index) => {
      const first = index === 0 ? start.cells : indent
      const prefix = index === 0 ? start.text : `${' '.repeat(indent - 2)}${broken} `
      return wrapWords(row, { columns: this.#width, first, indent }).map(({ indent, text }, wrapped) => {
        const painted = index === 0 && text !== '' ? strong(text) : text
        return `${wrapped === 0 ? prefix : ' '.repeat(indent)}${painted}`
      })
    })
    // A message that fits into one entry is never truncated.
    const wholeRowsMax = ROWS_MAX + Math.ceil(MESSAGE_BYTES_MAX / Math.max(1, this.#width - indent))
    const rowsMax = folds ? FOLDED_ROWS_MAX : wholeRowsMax
    const left = Math.max(0, rows.length - rowsMax) + typed.length - shown.length
    if (left === 0 && cutText.length === text.length) return isEdited ? this.#withMark(rows) : rows
    if (folds) onFolded?.(message)
    const more = folds ? '… and more: /show prints all of it' : `… and ${left} more rows`
    return [...rows.slice(0, rowsMax), `${' '.repeat(indent)}${more}`]
  }

  /** The rows with the mark of an edited line, on a row of its own if it does not fit. */
  #withMark(rows: readonly string[]): string[] {
    const mark = this.#options.palette.faint(EDITED)
    const last = (rows.at(-1) ?? '').split('\n').at(-1) ?? ''
    const fits = cellsOf(stripVTControlCharacters(last)) + 1 + EDITED.length <= this.#width
    if (!fits) return [...rows, `${' '.repeat(this.#textColumn)}${mark}`]
    return [...rows.slice(0, -1), `${rows.at(-1)} ${mark}`]
  }

  /**
   * The label as shown, and whether it is beside the text. A label wider than the name column gets a row of its own if it
   * carries a key or another mark, or if the cut name could be another person's.
   */
  #nameIn(label: string, author: AuthorId, taken: number): { shown: string; isBeside: boolean } {
    const free = Math.min(NAME_COLUMNS, NAME_COLUMNS + LABEL_COLUMNS - taken)
    const columns = Math.max(NAME_COLUMNS_MIN, Math.min(free, Math.floor(this.columns * 0.3)))
    const { name, marks } = partsOf(label)
    if (cellsOf(label) <= (marks === '' ? columns : free)) return { shown: label, isBeside: true }
    const short = cut(name, columns)
    const isAmbiguous = this.#options.names.hasOtherBeginning(author, short.replace(/…$/, ''))
    if (marks === '' && !isAmbiguous) return { shown: short, isBeside: true }
    const cells = this.#width - TIME_COLUMNS - 4
    const labelCells = this.#isWide || isAmbiguous ? cells : Math.min(cells, columns + cellsOf(marks))
    return { shown: fitted(label, labelCells), isBeside: false }
  }

  get #isWide(): boolean {
    return this.columns >= WIDE_COLUMNS
  }

  /** Cells of a row. The last column stays empty, so that the terminal never wraps a row. */
  get #width(): number {
    return Math.max(COLUMNS_MIN, this.columns - 1)
  }

  /** Column of the text on all rows of a message except the first. */
  get #textColumn(): number {
    if (this.#isWide) return GUTTER + 2
    return this.columns >= INDENTED_COLUMNS ? TIME_COLUMNS + 1 : 2
  }

  /** Where a picture is placed: below the texts of messages. */
  get pictureSpace(): { readonly indent: number; readonly columns: number } {
    return { indent: this.#textColumn, columns: this.#width - this.#textColumn }
  }

  get #noticeColumn(): number {
    return this.#textColumn - 2
  }
}
