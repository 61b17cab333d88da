import { type ThumbnailFault, thumbnailOf } from '../../../pictures/decoding/thumbnail.js'
import type { Pixels } from '../../../pictures/pixels.js'
import type { Graphics } from './graphics.js'
import { halfBlocks } from './half-blocks.js'
import { itermPicture, kittyPicture, sixelPicture } from './protocols.js'

/** A picture for a terminal. */
export interface Preview {
  /** The rows of text that it occupies. */
  readonly text: string
  /** Draws it over its rows. The cursor is in the last of them, before and after. */
  readonly drawing?: string
}

export interface PreviewSize {
  readonly graphics: Graphics
  /** Cells to the left of the picture, and the largest size of the picture in cells. */
  readonly indent: number
  readonly columns: number
  readonly rows: number
}

/** Largest preview: small enough that the conversation stays readable beside it. */
const COLUMNS_MAX = 40
const ROWS_MAX = 12

/** Pixels per cell for kitty and iTerm2, which scale a picture: as many as on a screen with a high resolution. */
const SHARP_CELL = { width: 10, height: 20 }
/**
 * Pixels per cell for sixel, which does not scale a picture: the pixels of a small font, so that no picture is taller
 * than its rows.
 */
const SMALL_CELL = { width: 6, height: 12 }
const HALF_BLOCK_CELL = { width: 1, height: 2 }

const CELLS: Readonly<Record<Graphics, { readonly width: number; readonly height: number }>> = {
  kitty: SHARP_CELL,
  iterm: SHARP_CELL,
  sixel: SMALL_CELL,
  'true-colour': HALF_BLOCK_CELL,
  '256-colours': HALF_BLOCK_CELL,
}

/** A preview of a picture, or the reason why there is none. Accepts any bytes. */
export async function previewOf(
  bytes: Uint8Array,
  size: PreviewSize,
  signal?: AbortSignal,
): Promise<Preview | ThumbnailFault> {
  const cell = CELLS[size.graphics]
  const box = {
    width: Math.max(1, Math.min(COLUMNS_MAX, size.columns)) * cell.width,
    height: Math.max(1, Math.min(ROWS_MAX, size.rows)) * cell.height,
  }
  const pixels = await thumbnailOf(bytes, box, signal)
  if (typeof pixels === 'string') return pixels
  const indent = ' '.repeat(size.indent)
  if (size.graphics === 'true-colour' || size.graphics === '256-colours')
    return {
      text: halfBlocks(pixels, size.graphics === 'true-colour')
        .map(row => `${indent}${row}`)
        .join('\n'),
    }
  const rows = Math.ceil(pixels.height / cell.height)
  return {
    text: '\n'.repeat(rows - 1),
    drawing: drawnOver(rows, size.indent, await pictureOf(size.graphics, pixels, rows)),
  }
}

async function pictureOf(graphics: 'kitty' | 'iterm' | 'sixel', pixels: Pixels, rows: number): Promise<string> {
  if (graphics === 'kitty') return kittyPicture(pixels, rows)
  return graphics === 'iterm' ? itermPicture(pixels, rows) : sixelPicture(pixels)
}

/** Saves the cursor, draws from the first of `rows` rows, and restores the cursor. */
function drawnOver(rows: number, indent: number, picture: string): string {
  const up = rows > 1 ? `\u001b[${rows - 1}A` : ''
  const right = indent > 0 ? `\u001b[${indent}C` : ''
  return `\u001b7${up}\r${right}${picture}\u001b8`
}
