import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import type { Millis } from '../../base/clock.js'
import { sanitise } from '../../base/sanitise.js'
import type { Message } from '../../chat/message.js'
import type { Names } from '../../chat/names.js'
import type { AuthorId, Seq } from '../../log/author.js'
import { dateAndTimeOf, dayNumberOf, dayOf, timeOf } from '../commands/dates.js'
import type { Palette } from '../palette.js'

/** What is printed at once: a message with the rules before it. */
export interface Printed {
  /** Harmless to any terminal. Rows end with a line break, but the last. */
  readonly text: string
  /** Where it stands in the own log, if it is an own line. */
  readonly own?: Seq
  /** Somebody else called the user by his name. */
  readonly isMention?: boolean
}

/** Columns from which on names stand in a column of their own. */
const WIDE_COLUMNS = 60
const TIME_COLUMNS = 5
const NAME_COLUMNS = 12
/** Rows of one message; of more it is said how many they are. */
const ROWS_MAX = 24
/** A line is late when it is older than one that is shown by more than this, or than now by more than that. */
const BEHIND_MS = 60_000
const OLD_MS = 300_000

export interface TranscriptOptions {
  readonly id: AuthorId
  readonly names: Names
  readonly palette: Palette
  /** The names by which the user may be called. */
  readonly called: () => readonly string[]
}

/** Messages as people read them: times, days, who said it, what is new, what comes late. */
export class Transcript {
  columns = 80
  readonly #options: TranscriptOptions
  #day: number | undefined
  /** The time of the newest line that is shown. */
  #newest = 0

  constructor(options: TranscriptOptions) {
    this.#options = options
  }

  /** A line of history, or one that has just arrived, which may be late. */
  message(message: Message, now: Millis, isLive: boolean): Printed {
    const at = message.timeMs
    const isOwn = message.author === this.#options.id
    const isLate = isLive && !isOwn && (at < this.#newest - BEHIND_MS || at < now - OLD_MS) && this.#newest > 0
    const rules: string[] = []
    if (!isLate) {
      const day = dayNumberOf(at)
      if (day !== this.#day) rules.push(this.rule(dayOf(at)))
      this.#day = day
      this.#newest = Math.max(this.#newest, at)
    }
    const isMention = !isOwn && this.#isMention(message)
    const { text: label, news } = this.#options.names.labelOf(message, now)
    if (news !== undefined) rules.push(this.notice(news, 'alarm'))
    return {
      text: [...rules, this.#said(message, label, isLate, isMention)].join('\n'),
      ...(isOwn && { own: message.seq }),
      ...(isMention && { isMention }),
    }
  }

  /** A rule across the transcript: `── 3 new since you left ──` */
  rule(text: string): string {
    return this.#options.palette.faint(`── ${sanitise(text)} ──`)
  }

  /** Something the program says. */
  notice(text: string, kind: 'info' | 'alarm' = 'info'): string {
    const { palette } = this.#options
    const indent = this.#indent
    const wrapped = wrapAnsi(sanitise(text), Math.max(20, this.columns - indent.length - 3), { hard: true }).split('\n')
    const rows = wrapped.map((row, index) => `${indent}${index > 0 ? ' ' : kind === 'info' ? '·' : '!'} ${row}`)
    return rows.map(kind === 'info' ? palette.faint : palette.alarm).join('\n')
  }

  /** A row of a list. */
  listed(text: string): string {
    return wrapAnsi(sanitise(text), Math.max(20, this.columns - 6), { hard: true, trim: false })
      .split('\n')
      .map((row, index) => `${index > 0 ? '    ' : '  '}${row}`)
      .join('\n')
  }

  #said(message: Message, label: string, isLate: boolean, isMention: boolean): string {
    const { id, palette } = this.#options
    const time = isLate ? `late ${dateAndTimeOf(message.timeMs)}` : timeOf(message.timeMs)
    const name = (message.author === id ? palette.own : palette.name)(message.author, label)
    const [first = '', ...more] = this.#rowsOf(message)
    const text = isMention ? palette.strong(first) : first
    const start = `${palette.faint(time)} `
    const gap = this.#gap(time.length, message.kind === 'line' ? label : '*')
    const rest = more.map(row => `\n${this.#indent}${palette.faint('┊')} ${row}`).join('')
    if (message.kind === 'action') return `${start}${gap}* ${name} ${text}${rest}`
    if (message.kind === 'nick' || message.kind === 'topic') return `${start}${gap}* ${name}: ${text}${rest}`
    if (!this.#isWide) return `${start}${name}${isMention ? palette.alarm(' »') : ':'} ${text}${rest}`
    const gutter = isMention ? palette.alarm('»') : palette.faint('│')
    return `${start}${gap}${name} ${gutter} ${text}${rest}`
  }

  #rowsOf({ message }: Message): string[] {
    const rows = message.split('\n').map(row => sanitise(row.replace(/\r$/, '')))
    if (rows.length <= ROWS_MAX) return rows
    return [...rows.slice(0, ROWS_MAX), `… and ${rows.length - ROWS_MAX} rows more`]
  }

  get #isWide(): boolean {
    return this.columns >= WIDE_COLUMNS
  }

  /** Where rows begin that are no beginning of a message: behind the column of names, if there is one. */
  get #indent(): string {
    return this.#isWide ? ' '.repeat(TIME_COLUMNS + 1 + NAME_COLUMNS + 1) : '  '
  }

  /** What brings a label to the end of its column. */
  #gap(timeColumns: number, label: string): string {
    if (!this.#isWide) return ''
    return ' '.repeat(Math.max(0, NAME_COLUMNS - stringWidth(label) - (timeColumns - TIME_COLUMNS)))
  }

  #isMention({ message }: Message): boolean {
    return this.#options.called().some(name => {
      const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(message)
    })
  }
}
