import { systemClock } from '../base/clock.js'
import { lineOf } from '../chat/lines.js'
import type { Message } from '../chat/message.js'
import type { Names } from '../chat/names.js'
import { warn } from './output.js'
import { paletteOf } from './palette.js'

/** Formats messages for people: who said it as `names` has it, in the colour of his key; what is new about him is said aloud. */
export function labelled(names: Names, isTerminal: boolean): (message: Message) => string {
  const palette = paletteOf(isTerminal)
  return message => {
    const { text, news } = names.labelOf(message, systemClock.now())
    if (news !== undefined) warn(news)
    return lineOf(palette.name(message.author, text), message)
  }
}
