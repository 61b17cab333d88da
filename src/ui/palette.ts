import { styleText } from 'node:util'
import { type AuthorId, isSigned } from '../log/format/author.js'

/**
 * Colours of names, of xterm's 256: each has a contrast of at least 3.4 to white and to black. The first ones differ most,
 * because most rooms are small.
 */
export const NAME_COLOURS = [33, 28, 164, 166, 30, 160, 99, 100, 168, 94] as const

/** Without 256 colours: five that can be read on light and on dark backgrounds, and the same underlined. */
const FEW_COLOURS = [94, 32, 35, 36, 31].flatMap(code => [`${code}`, `${code};4`]).sort((a, b) => a.length - b.length)

/** Colour depth in bits from which on a terminal has 256 colours. */
const DEPTH_256 = 8

/** Authors that are remembered with their colour; any more get the one that their key picks. */
const AUTHORS_MAX = 10_000

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

/** The colours of a terminal, unless NO_COLOR is set (no-color.org). Each palette gives colours to authors in its own order. */
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

/** Gives each author the next colour, in order of appearance. */
function colours(codes: readonly string[]): (author: AuthorId) => string {
  const given = new Map<AuthorId, string>()
  return author => {
    const known = given.get(author)
    if (known !== undefined) return known
    const place = given.size < AUTHORS_MAX ? given.size : Number.parseInt(author.slice(0, 2), 16)
    const colour = codes[place % codes.length] ?? '39'
    if (given.size < AUTHORS_MAX) given.set(author, colour)
    return colour
  }
}

const styled = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { validateStream: false })

/** SGR: a foreground colour, and underlining where the code has it, each with its own end. */
const sgr = (code: string, text: string): string =>
  `\u001b[${code}m${text}\u001b[${code.endsWith(';4') ? '39;24' : '39'}m`
