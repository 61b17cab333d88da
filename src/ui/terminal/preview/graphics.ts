/**
 * How a terminal shows a picture: with a protocol for graphics, with half blocks in 24-bit or 256 colours, or not at all.
 * The sequences are those of kitty, of iTerm2 and of DEC.
 */
export type Graphics = 'kitty' | 'iterm' | 'sixel' | 'true-colour' | '256-colours'

/** Terminals that understand kitty's graphics protocol, by `TERM` and `TERM_PROGRAM`. */
const KITTY_TERM = /^xterm-(kitty|ghostty)$/
const KITTY_PROGRAM = /^ghostty$/i
/** Terminals that understand iTerm2's inline images, by `TERM_PROGRAM`. */
const ITERM_PROGRAM = /^(iTerm\.app|WezTerm|mintty)$/
/** Terminals that understand sixel in every version that is in use, by `TERM`. */
const SIXEL_TERM = /^(foot|mlterm|contour|yaft)/
/** A multiplexer between the program and the terminal does not pass graphics on. */
const MULTIPLEXER_TERM = /^(screen|tmux)/

const DEPTH_256 = 8
const DEPTH_TRUE_COLOUR = 24

/**
 * The best of these that the terminal is known to support; undefined if it has too few colours or the user asks for none (no-color.org).
 * Decides by the environment alone: a query would wait for an answer that many terminals never send. `depth`: bits of a colour.
 */
export function graphicsOf(env: Readonly<Record<string, string | undefined>>, depth: number): Graphics | undefined {
  if (env['NO_COLOR'] || depth < DEPTH_256) return undefined
  const term = env['TERM'] ?? ''
  const program = env['TERM_PROGRAM'] ?? ''
  if (env['TMUX'] === undefined && env['STY'] === undefined && !MULTIPLEXER_TERM.test(term)) {
    if (env['KITTY_WINDOW_ID'] !== undefined || KITTY_TERM.test(term) || KITTY_PROGRAM.test(program)) return 'kitty'
    if (ITERM_PROGRAM.test(program)) return 'iterm'
    if (SIXEL_TERM.test(term)) return 'sixel'
  }
  return depth >= DEPTH_TRUE_COLOUR ? 'true-colour' : '256-colours'
}
