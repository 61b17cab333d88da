import { styleText } from 'node:util'
import { systemClock } from '../base/clock.js'
import { lineOf } from '../chat/lines.js'
import type { Message } from '../chat/message.js'
import type { Names } from '../chat/names.js'
import { warn } from './output.js'

const COLOURS = ['cyan', 'green', 'yellow', 'magenta', 'blue', 'red'] as const

/** Formats messages for people: who said it as `names` has it, in the colour of his key; what is new about him is said aloud. */
export function labelled(names: Names, isTerminal: boolean): (message: Message) => string {
  const isColoured = isTerminal && !process.env['NO_COLOR']
  return message => {
    const { text, news } = names.labelOf(message, systemClock.now())
    if (news !== undefined) warn(news)
    const colour = COLOURS[Number.parseInt(message.author.slice(0, 2), 16) % COLOURS.length]
    return lineOf(isColoured && message.isVerified && colour !== undefined ? styleText(colour, text) : text, message)
  }
}
