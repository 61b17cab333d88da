import { styleText } from 'node:util'
import { type AuthorId, isSigned } from '../log/format/author.js'

/**
 * Colours of names, from xterm's 256. Each has a contrast of at least 3.4 to white and to black. The first ones differ most,
 * because most rooms are small.
 */
export const NAME_COLOURS = [33, 28, 164, 166, 30, 160, 99, 100, 168, 94] as const

/**
 * Codes for terminals with few colours: five that are readable on light and on dark backgrounds, and the same five
 * underlined.
 */
const FEW_COLOURS = [94, 32, 35, 36, 31].flatMap(code => [`${code}`, `${code};4`]).sort((a, b) => a.length - b.length)

/** Colour depth, in bits, of a terminal with 256 colours. */
const DEPTH_256 = 8

/** Largest number of authors whose colour is remembered. Further authors get a colour derived from their key. */
const AUTHORS_MAX = 10_000

/** Styles for the parts of a line. The texts must be sanitised already. */
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

/** The colours of a terminal, unless NO_COLOR is set (no-color.org). Each palette assigns colours to authors independently. */
export function paletteOf(isTerminal: boolean, depth = process.stdout.getColorDepth?.() ?? DEPTH_256): Palette {
  if (!isTerminal || process.env['NO_COLOR'] || depth <= 1) return PLAIN
  const colourOf = colours(depth >= DEPTH_256 ? NAME_COLOURS.map(code => `38;5;${code}`) : FEW_COLOURS)
  return {
    name: (author, text) => (isSigned(author) ? sgr(colourOf(author), text) : text),
    own: (author, text) => styled('bold', sgr(colourOf(author), text)),
    faint: text => styled('dim', text),
    strong: text => styled('bold', text),
    alarm: text => styled(['bold', 'magenta'], text),
  }
}

/** Assigns colours to authors in order of appearance. */
function colours(codes: readonly string[]): (author: AuthorId) => string {
  const assigned = new Map<AuthorId, string>()
  return author => {
    const known = assigned.get(author)
    if (known !== undefined) return known
    const index = assigned.size < AUTHORS_MAX ? assigned.size : Number.parseInt(author.slice(0, 2), 16)
    const colour = codes[index % codes.length] ?? '39'
    if (assigned.size < AUTHORS_MAX) assigned.set(author, colour)
    return colour
  }
}

const styled = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { validateStream: false })

/** SGR sequence for a foreground colour, with underlining if the code has it, and the sequence that ends it. */
const sgr = (code: string, text: string): string =>
  `\u001b[${code}m${text}\u001b[${code.endsWith(';4') ? '39;24' : '39'}m`
