import { styleText } from 'node:util'
import { type AuthorId, isSigned } from '../log/author.js'

/** Colours of names: of the terminal's own sixteen those that can be read on light and on dark. */
const COLOURS = ['cyan', 'green', 'magenta', 'blueBright', 'red'] as const

/** How parts of a line stand out. The texts are harmless already. */
export interface Palette {
  readonly name: (author: AuthorId, text: string) => string
  readonly own: (author: AuthorId, text: string) => string
  readonly faint: (text: string) => string
  readonly strong: (text: string) => string
  readonly alarm: (text: string) => string
}

const PLAIN: Palette = {
  name: (_author, text) => text,
  own: (_author, text) => text,
  faint: text => text,
  strong: text => text,
  alarm: text => text,
}

const COLOURED: Palette = {
  name: (author, text) => (isSigned(author) ? styled(colourOf(author), text) : text),
  own: (author, text) => styled('bold', styled(colourOf(author), text)),
  faint: text => styled('dim', text),
  strong: text => styled('bold', text),
  alarm: text => styled('yellow', text),
}

/** The colours of a terminal, unless NO_COLOR is set (no-color.org). */
export const paletteOf = (isTerminal: boolean): Palette => (isTerminal && !process.env['NO_COLOR'] ? COLOURED : PLAIN)

const styled = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { validateStream: false })

const colourOf = (author: AuthorId): (typeof COLOURS)[number] =>
  COLOURS[Number.parseInt(author.slice(0, 2), 16) % COLOURS.length] ?? 'cyan'
