import { type Millis, systemClock } from '../base/clock.js'
import type { DisplayNames } from '../chat/display-names.js'
import type { Message } from '../chat/kinds/message.js'
import { lineOf } from '../chat/text-line.js'
import { secondOf, timeOf } from '../session/dates.js'
import { warn } from './lines/output.js'
import { paletteOf } from './palette.js'
import { wrapped } from './wrapped.js'

/** How a line says when it was written: not at all, as `14:03`, or as `2026-11-21 14:03:09`. */
export type TimeStyle = 'none' | 'time' | 'date and time'

interface LabelOptions {
  readonly time: TimeStyle
  /** Whether a row of the terminal that continues a line is indented, so that it cannot be taken for another line. */
  readonly isWrapped: boolean
}

const PLAIN: LabelOptions = { time: 'none', isWrapped: false }

/** Formats messages for people: who said it as `names` has it, in the colour of their key; news about them are reported. */
export function labelled(
  names: DisplayNames,
  isColoured: boolean,
  { time, isWrapped }: LabelOptions = PLAIN,
): (message: Message) => string {
  const palette = paletteOf(isColoured)
  return message => {
    const { author, timeMs } = message
    const { text, news, before } = names.labelOf(message, systemClock.now())
    if (news !== undefined) warn(news)
    const line = `${timePrefix(timeMs, time)}${lineOf(palette.name(author, text), message, before && palette.name(author, before))}`
    return isWrapped ? wrapped(line, process.stdout.columns) : line
  }
}

function timePrefix(at: Millis, style: TimeStyle): string {
  if (style === 'none') return ''
  return `${style === 'time' ? timeOf(at) : secondOf(at)} `
}
