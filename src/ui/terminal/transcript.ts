import type { Millis } from '../../base/clock.js'
import { sanitise } from '../../base/safe-text.js'
import type { DisplayNames } from '../../chat/display-names.js'
import type { Message } from '../../chat/kinds/message.js'
import { type Action, actionOf } from '../../chat/text-line.js'
import type { AuthorId, Seq } from '../../log/format/author.js'
import { EARLIEST, type Hlc, isAhead, later, millisOf } from '../../log/format/hybrid-clock.js'
import { dateAndTimeOf, dayNumberOf, dayOf, timeOf } from '../../session/dates.js'
import { MESSAGE_BYTES_MAX } from '../lines/input.js'
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

/** The key and other marks behind a name. No plain name has brackets, and a quoted one ends with its quote. */
const MARKS = /(?: \((?:[0-9a-f]{8}|unsigned|clock ahead|disputed)\))+$/

/** A label with `…` in place of what does not fit of the name; in quotes it stays in quotes. */
function fitted(label: string, cells: number): string {
  const { name, marks } = partsOf(label)
  const room = cells - cellsOf(marks)
  const isCutQuote = name.startsWith('"') && cellsOf(name) > room
  return cut(`${isCutQuote ? `${cut(name, room - 1)}"` : cut(name, room)}${marks}`, cells)
}

function partsOf(label: string): { name: string; marks: string } {
  const marks = MARKS.exec(label)?.[0] ?? ''
  return { name: label.slice(0, label.length - marks.length), marks }
}

/** Where a line comes from: the disk, a peer that had what the user missed, or somebody who has just said it. */
export type Origin = 'history' | 'missed' | 'live'

export interface TranscriptOptions {
  readonly id: AuthorId
  readonly names: Pick<DisplayNames, 'labelOf' | 'hasOtherBeginning'>
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
  #newest: Hlc = EARLIEST
  #newestHeard: Hlc = EARLIEST
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
    const { text: label, news, before } = this.#options.names.labelOf(message, now)
    const deed = actionOf(label, message, before)
    const isMention = !isOwn && this.#isMention(message)
    if (news !== undefined) parts.push(() => this.notice(news, 'alarm'))
    parts.push(() => (deed ? this.#done(message, deed, isMention) : this.#said(message, label, isMention)))
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

  /** An action or a notice: `* bob waves`. Names are whole, because nothing is beside them. */
  #done(message: Message, { who, text, renamed }: Action, isMention: boolean): string {
    const { palette } = this.#options
    const gap = this.#isWide ? ' '.repeat(GUTTER - TIME_COLUMNS - 1) : ''
    const shown = fitted(who, this.#width - TIME_COLUMNS - gap.length - 6)
    const start = {
      text: `${palette.faint(timeOf(message.timeMs))} ${gap}* ${this.#painted(message, shown)}`,
      cells: TIME_COLUMNS + 1 + gap.length + 2 + cellsOf(shown),
    }
    return this.#rows(`${text}${renamed}`, start, isMention).join('\n')
  }

  #said(message: Message, label: string, isMention: boolean): string {
    const { palette } = this.#options
    const time = `${palette.faint(timeOf(message.timeMs))} `
    const { shown, isBeside } = this.#nameIn(label, message.author)
    const name = this.#painted(message, shown)
    const mark = isMention ? palette.alarm('»') : palette.faint('│')
    let start: { text: string; cells: number }
    if (!this.#isWide) {
      const end = isMention ? ' »' : ':'
      const cells = TIME_COLUMNS + 1 + cellsOf(shown) + end.length + 1
      start = { text: `${time}${name}${isMention ? palette.alarm(end) : end} `, cells }
    } else {
      const gap = ' '.repeat(Math.max(0, NAME_COLUMNS - cellsOf(shown)))
      const above = isBeside ? `${time}${gap}${name} ` : `${time}${name}\n${' '.repeat(GUTTER)}`
      start = { text: `${above}${mark} `, cells: GUTTER + 2 }
    }
    return this.#rows(message.message, start, isMention).join('\n')
  }

  /** A name in the colour of its key. */
  #painted({ author }: Message, name: string): string {
    const { id, palette } = this.#options
    return (author === id ? palette.own : palette.name)(author, name)
  }

  /** The message as rows: those that its author began with a line break carry a mark, those that only wrap do not. */
  #rows(message: string, start: { text: string; cells: number }, isMention: boolean): string[] {
    const { palette } = this.#options
    const strong = isMention ? palette.strong : (text: string): string => text
    const broken = palette.faint('┊')
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
   * A label as it is shown, and whether that is beside the text. A label that does not fit the name column has a row of its
   * own if it carries a key or another mark, or if what is left of the name would be another person's as well.
   */
  #nameIn(label: string, author: AuthorId): { shown: string; isBeside: boolean } {
    const columns = Math.min(NAME_COLUMNS, Math.max(NAME_COLUMNS_MIN, Math.floor(this.columns * 0.3)))
    const { name, marks } = partsOf(label)
    if (cellsOf(label) <= (marks === '' ? columns : NAME_COLUMNS)) return { shown: label, isBeside: true }
    const short = cut(name, columns)
    const isAmbiguous = this.#options.names.hasOtherBeginning(author, short.replace(/…$/, ''))
    if (marks === '' && !isAmbiguous) return { shown: short, isBeside: true }
    const cells = this.#width - TIME_COLUMNS - 4
    const wanted = this.#isWide || isAmbiguous ? cells : Math.min(cells, columns + cellsOf(marks))
    return { shown: fitted(label, wanted), isBeside: false }
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

  /** Only what is shown of a message can mention anybody. */
  #isMention(message: Message): boolean {
    if (message.kind === 'nick') return false
    const text = message.kind === 'topic' ? message.topic : message.message
    return this.#options.called().some(name => {
      const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(text)
    })
  }
}
