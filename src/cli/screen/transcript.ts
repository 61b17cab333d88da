import type { Millis } from '../../base/clock.js'
import { sanitise } from '../../base/sanitise.js'
import type { Message } from '../../chat/message.js'
import type { Label } from '../../chat/names.js'
import { type At, EARLIEST, isAhead, later, millisOf } from '../../log/at.js'
import type { AuthorId, Seq } from '../../log/author.js'
import { dateAndTimeOf, dayNumberOf, dayOf, timeOf } from '../commands/dates.js'
import { MESSAGE_BYTES_MAX } from '../input.js'
import type { Palette } from '../palette.js'
import { COLUMNS_MIN, cellsOf, cut } from './cells.js'
import { wrapWords } from './word-wrap.js'

/** A message with the rules above it, laid out for the width that the terminal has when it is read. */
export interface Printed {
  /** Harmless to any terminal. Rows end with a line break, but the last. */
  readonly text: string
  /** The cell at which a row below it begins. */
  readonly indent?: number
  /** Its place in the own log, if it is an own line. */
  readonly own?: Seq
  /** Whether somebody else mentioned the user by name. */
  readonly isMention?: boolean
}

/** From this width on names have a column of their own. */
const WIDE_COLUMNS = 60
/** From this width on rows are indented by the whole time column. */
const INDENTED_COLUMNS = 30
const TIME_COLUMNS = 5
const NAME_COLUMNS = 12
/** A narrower name column than this tells nobody apart. */
const NAME_COLUMNS_MIN = 4
/** The least cells for the second column of a list: with fewer it is below the first. */
const LIST_COLUMNS_MIN = 30
/** Where the gutter is that divides names from text. */
const GUTTER = TIME_COLUMNS + 1 + NAME_COLUMNS + 1
/** Rows of one message as it was typed. */
const ROWS_MAX = 24
/** How far a live line may be behind the newest one drawn before it is out of order: two people often write at the same time. */
const BEHIND_MS = 60_000

/** Where a line comes from: the disk, a peer that had what the user missed, or somebody who has just said it. */
export type Origin = 'history' | 'missed' | 'live'

export interface TranscriptOptions {
  readonly id: AuthorId
  readonly names: { labelOf(message: Message, now: Millis): Label }
  readonly palette: Palette
  /** The names by which the user may be mentioned. */
  readonly called: () => readonly string[]
}

/** Lays out messages for people: time, day, author and text. Decides which lines are late. */
export class Transcript {
  columns = 80
  readonly #options: TranscriptOptions
  #day: number | undefined
  /** The newest line drawn, in conversation order; and without what the user has said since the start. */
  #newest: At = EARLIEST
  #newestHeard: At = EARLIEST
  /** The day of the late lines drawn last; undefined after a line in order. */
  #lateDay: number | undefined

  constructor(options: TranscriptOptions) {
    this.#options = options
  }

  /** A line of history, or one that has just arrived: that one is late if it belongs far above the newest line drawn. */
  message(message: Message, now: Millis, origin: Origin): Printed {
    const isOwn = message.author === this.#options.id
    // Missed lines have a marker above them: what the user said before they came does not make them late.
    const newest = origin === 'missed' ? this.#newestHeard : this.#newest
    const isLate = origin !== 'history' && !isOwn && millisOf(message.at) < millisOf(newest) - BEHIND_MS
    const day = dayNumberOf(message.timeMs)
    const parts: (() => string)[] = []
    if (isLate) {
      if (day !== this.#lateDay) parts.push(() => this.rule(`late ${dateAndTimeOf(message.timeMs)}`))
      this.#lateDay = day
      this.#day = undefined // the next line in order shows its day again
    } else {
      if (day !== this.#day) parts.push(() => this.rule(dayOf(message.timeMs)))
      this.#day = day
      this.#lateDay = undefined
      if (!isAhead(message.at, now)) {
        this.#newest = later(this.#newest, message.at)
        if (origin === 'history' || !isOwn) this.#newestHeard = later(this.#newestHeard, message.at)
      }
    }
    const isMention = !isOwn && this.#isMention(message)
    const { text: label, news } = this.#options.names.labelOf(message, now)
    if (news !== undefined) parts.push(() => this.notice(news, 'alarm'))
    parts.push(() => this.#said(message, label, isMention))
    return this.#printed(parts, { ...(isOwn && { own: message.seq }), ...(isMention && { isMention }) })
  }

  /** Laid out again only when the width has changed. */
  #printed(parts: readonly (() => string)[], more: Omit<Printed, 'text' | 'indent'>): Printed {
    const transcript = this
    let columns: number | undefined
    let text = ''
    return {
      ...more,
      get text() {
        if (columns !== transcript.columns) text = parts.map(part => part()).join('\n')
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

  /** A line of the program's own. */
  notice(text: string, kind: 'info' | 'alarm' = 'info'): string {
    const paint = kind === 'info' ? this.#options.palette.faint : this.#options.palette.alarm
    const mark = `${' '.repeat(this.#noticeColumn)}${kind === 'info' ? '·' : '!'} `
    return this.#hanging(mark, sanitise(text), mark.length).map(paint).join('\n')
  }

  /** A row of a list: what follows two spaces in it is aligned when it wraps. */
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

  #said(message: Message, label: string, isMention: boolean): string {
    const { palette } = this.#options
    const isOwn = message.author === this.#options.id
    const name = (text: string): string => (isOwn ? palette.own : palette.name)(message.author, text)
    const strong = isMention ? palette.strong : (text: string): string => text
    const time = `${palette.faint(timeOf(message.timeMs))} `
    const { shown, isBeside } = this.#nameIn(label, message)
    const wide = this.#isWide
    const mark = isMention ? palette.alarm('»') : palette.faint('│')
    let start: { text: string; cells: number }
    if (message.kind !== 'line') {
      const end = message.kind === 'action' ? ' ' : ': '
      const gap = wide ? ' '.repeat(GUTTER - TIME_COLUMNS - 1) : ''
      const cells = TIME_COLUMNS + 1 + gap.length + 2 + cellsOf(shown) + end.length
      start = { text: `${time}${gap}* ${name(shown)}${end}`, cells }
    } else if (!wide) {
      const end = isMention ? ' »' : ':'
      const cells = TIME_COLUMNS + 1 + cellsOf(shown) + end.length + 1
      start = { text: `${time}${name(shown)}${isMention ? palette.alarm(end) : end} `, cells }
    } else {
      const gap = ' '.repeat(Math.max(0, NAME_COLUMNS - cellsOf(shown)))
      const above = isBeside ? `${time}${gap}${name(shown)} ` : `${time}${name(shown)}\n${' '.repeat(GUTTER)}`
      start = { text: `${above}${mark} `, cells: GUTTER + 2 }
    }
    return this.#rows(message, start, strong, palette.faint('┊')).join('\n')
  }

  /** The message as rows: those that its author began with a line break carry a mark, those that only wrap do not. */
  #rows(
    { message }: Message,
    start: { text: string; cells: number },
    strong: (text: string) => string,
    broken: string,
  ): string[] {
    const indent = this.#textColumn
    const typed = message.split('\n').map(row => sanitise(row.replace(/\r$/, '')))
    const shown = typed.slice(0, ROWS_MAX)
    const rows = shown.flatMap((row, index) => {
      const first = index === 0 ? start.cells : indent
      const prefix = index === 0 ? start.text : `${' '.repeat(indent - 2)}${broken} `
      return wrapWords(row, { columns: this.#width, first, indent }).map(({ indent, text }, wrapped) => {
        const painted = index === 0 && text !== '' ? strong(text) : text
        return `${wrapped === 0 ? prefix : ' '.repeat(indent)}${painted}`
      })
    })
    // A message as long as people can type is always whole.
    const rowsMax = ROWS_MAX + Math.ceil(MESSAGE_BYTES_MAX / Math.max(1, this.#width - indent))
    const left = Math.max(0, rows.length - rowsMax) + typed.length - shown.length
    return left === 0 ? rows : [...rows.slice(0, rowsMax), `${' '.repeat(indent)}… and ${left} rows more`]
  }

  /**
   * A label as it is shown, and whether that is beside the text. A long name is cut, but not the key or another mark
   * behind it: where those do not fit, the label has a row of its own.
   */
  #nameIn(label: string, { username }: Message): { shown: string; isBeside: boolean } {
    const columns = Math.min(NAME_COLUMNS, Math.max(NAME_COLUMNS_MIN, Math.floor(this.columns * 0.3)))
    const name = sanitise(username)
    const marks = label.startsWith(name) ? label.slice(name.length) : ''
    if (marks === '') return { shown: cut(label, columns), isBeside: true }
    if (cellsOf(label) <= NAME_COLUMNS) return { shown: label, isBeside: true }
    const room = this.#isWide ? this.#width - TIME_COLUMNS - 1 - cellsOf(marks) : columns
    return { shown: cut(cut(name, room) + marks, this.#width - TIME_COLUMNS - 4), isBeside: false }
  }

  get #isWide(): boolean {
    return this.columns >= WIDE_COLUMNS
  }

  /** Cells of a row: a terminal's last one stays empty, so that no row wraps by itself. */
  get #width(): number {
    return Math.max(COLUMNS_MIN, this.columns - 1)
  }

  /** Where text begins on every row of a message but its first. */
  get #textColumn(): number {
    if (this.#isWide) return GUTTER + 2
    return this.columns >= INDENTED_COLUMNS ? TIME_COLUMNS + 1 : 2
  }

  get #noticeColumn(): number {
    return this.#textColumn - 2
  }

  #isMention({ message }: Message): boolean {
    return this.#options.called().some(name => {
      const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(message)
    })
  }
}
