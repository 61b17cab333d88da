import type { Pixels } from '../../../pictures/pixels.js'

/** Pixels with less alpha show the background of the terminal. */
const OPAQUE_MIN = 128

/** SGR parameters of a colour: after 38 for the foreground, after 48 for the background. */
type Colour = string

/**
 * A picture as rows of text: each cell is two pixels, one above the other, as foreground and background of a half block. Each row
 * ends with the default colours.
 */
export function halfBlocks(pixels: Pixels, isTrueColour: boolean): string[] {
  const rows: string[] = []
  for (let y = 0; y < pixels.height; y += 2) {
    let row = ''
    let style = ''
    for (let x = 0; x < pixels.width; x++) {
      const cell = cellOf(colourAt(pixels, x, y, isTrueColour), colourAt(pixels, x, y + 1, isTrueColour))
      row += cell.style === style ? cell.text : `\u001b[${cell.style}m${cell.text}`
      style = cell.style
    }
    rows.push(`${row}\u001b[0m`)
  }
  return rows
}

function cellOf(upper: Colour | undefined, lower: Colour | undefined): { style: string; text: string } {
  if (upper === undefined && lower === undefined) return { style: '0', text: ' ' }
  if (upper === undefined) return { style: `0;38;${lower}`, text: '▄' }
  if (lower === undefined) return { style: `0;38;${upper}`, text: '▀' }
  return { style: `38;${upper};48;${lower}`, text: '▀' }
}

/** The colour of a pixel; undefined if it is transparent or below the picture. */
function colourAt({ width, height, data }: Pixels, x: number, y: number, isTrueColour: boolean): Colour | undefined {
  const at = (y * width + x) * 4
  if (y >= height || (data[at + 3] ?? 0) < OPAQUE_MIN) return undefined
  const [red, green, blue] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0]
  return isTrueColour ? `2;${red};${green};${blue}` : `5;${xtermColour(red, green, blue)}`
}

/** Levels of a channel in xterm's colour cube, which begins at colour 16. */
const CUBE_LEVELS = [0, 95, 135, 175, 215, 255] as const
const CUBE_START = 16
/** xterm's greys: 8, 18, … 238. */
const GREY_START = 232
const GREYS = 24

/** The nearest of xterm's 256 colours. */
function xtermColour(red: number, green: number, blue: number): number {
  const levels = [nearestLevel(red), nearestLevel(green), nearestLevel(blue)] as const
  const cube = levels.map(level => CUBE_LEVELS[level] ?? 0)
  const grey = Math.min(GREYS - 1, Math.max(0, Math.round(((red + green + blue) / 3 - 8) / 10)))
  const greyLevel = 8 + 10 * grey
  const isGreyNearer =
    distance([red, green, blue], [greyLevel, greyLevel, greyLevel]) < distance([red, green, blue], cube)
  return isGreyNearer ? GREY_START + grey : CUBE_START + 36 * levels[0] + 6 * levels[1] + levels[2]
}

function nearestLevel(value: number): number {
  if (value < 48) return 0
  return value < 115 ? 1 : Math.round((value - 55) / 40)
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0)
