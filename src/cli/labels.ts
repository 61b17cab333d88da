import { systemClock } from '../base/clock.js'
import { lineOf, nameBefore } from '../chat/lines.js'
import type { Message } from '../chat/message.js'
import type { Names } from '../chat/names.js'
import { warn } from './output.js'
import { paletteOf } from './palette.js'

/** Formats messages for people: who said it as `names` has it, in the colour of their key; news about them are reported. */
export function labelled(names: Names, isTerminal: boolean): (message: Message) => string {
  const palette = paletteOf(isTerminal)
  return message => {
    const { author } = message
    const called = message.kind === 'nick' ? (names.calledBefore(author) ?? nameBefore(message)) : undefined
    const before = called === undefined ? undefined : names.nameOf(author, called)
    const { text, news } = names.labelOf(message, systemClock.now())
    if (news !== undefined) warn(news)
    return lineOf(palette.name(author, text), message, before && palette.name(author, before))
  }
}
