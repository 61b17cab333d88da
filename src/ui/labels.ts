import { type Millis, systemClock } from '../base/clock.js'
import type { DisplayNames } from '../chat/display-names.js'
import type { Message } from '../chat/kinds/message.js'
import { FOLDED_ROWS_MAX, lineOf } from '../chat/text-line.js'
import type { AuthorId } from '../log/format/author.js'
import { secondOf, timeOf } from '../session/dates.js'
import type { ShownContext } from '../session/references.js'
import { warn } from './lines/output.js'
import { paletteOf } from './palette.js'
import { gapLine } from './text/gap-text.js'
import { folded, wrapped } from './wrapped.js'

/** Time of a line: none, `14:03`, or `2026-11-21 14:03:09`. */
export type TimeStyle = 'none' | 'time' | 'date and time'

export interface Folding {
  isFolded(author: AuthorId): boolean
  /** A message was folded. Returns the command that shows the rest of it. */
  folded(message: Message): string
}

interface LabelOptions {
  readonly time: TimeStyle
  /** Whether rows that continue a line are indented, so that no text in it looks like another line. */
  readonly isWrapped: boolean
  /** Decides which long messages are folded on a terminal. Default: none. */
  readonly folding?: Folding | undefined
  /** What messages refer to, and their edits and reactions. Default: unknown. */
  readonly contextOf?: ((message: Message) => ShownContext) | undefined
  /** Whether lines begin with their labels. */
  readonly hasLabels?: boolean
}

const PLAIN: LabelOptions = { time: 'none', isWrapped: false }

/** Formats messages as lines for people, with names in the colour of their key. Prints notices about authors as warnings. */
export function labelled(
  names: DisplayNames,
  isColoured: boolean,
  { time, isWrapped, folding, contextOf, hasLabels }: LabelOptions = PLAIN,
): (message: Message) => string {
  const palette = paletteOf(isColoured)
  return message => {
    if (message.kind === 'gap') return `* ${gapLine(message)}`
    const { author, timeMs } = message
    const { text, notice, before } = names.labelOf(message, systemClock.now())
    if (notice !== undefined) warn(notice)
    const context = contextOf?.(message)
    const shownBefore = before && palette.name(author, before)
    const said = lineOf(palette.name(author, text), message, { ...context, before: shownBefore })
    const reactions = context === undefined || context.reactions === '' ? '' : `  [${context.reactions}]`
    const label = hasLabels && message.label !== undefined ? `${message.label} ` : ''
    const line = `${timePrefix(timeMs, time)}${label}${said}${reactions}`
    if (!isWrapped) return line
    const { columns } = process.stdout
    const shown = folding?.isFolded(author) === true ? folded(line, FOLDED_ROWS_MAX, columns) : undefined
    if (folding === undefined || shown === undefined) return wrapped(line, columns)
    return `${shown}\n  … and more: ${folding.folded(message)}`
  }
}

function timePrefix(at: Millis, style: TimeStyle): string {
  if (style === 'none') return ''
  return `${style === 'time' ? timeOf(at) : secondOf(at)} `
}
