import { bufferOf } from '../../../base/wire/bytes.js'
import type { Pixels } from '../../../pictures/pixels.js'
import { pngOf } from '../../../pictures/png-writer.js'

// Sequences that draw a picture at the cursor, `rows` rows high. They contain the pixels, encoded here: never bytes of a peer.

/** Longest payload of one sequence of kitty's protocol. */
const KITTY_PAYLOAD_MAX = 4_096

/** https://sw.kovidgoyal.net/kitty/graphics-protocol/: a PNG, without moving the cursor and without an answer. */
export function kittyPicture(pixels: Pixels, rows: number): string {
  const payload = base64Of(pixels)
  let sequence = ''
  for (let at = 0; at < payload.length; at += KITTY_PAYLOAD_MAX) {
    const hasMore = at + KITTY_PAYLOAD_MAX < payload.length ? 1 : 0
    const keys = at === 0 ? `a=T,f=100,q=2,C=1,r=${rows},m=${hasMore}` : `q=2,m=${hasMore}`
    sequence += `\u001b_G${keys};${payload.slice(at, at + KITTY_PAYLOAD_MAX)}\u001b\\`
  }
  return sequence
}

/** https://iterm2.com/documentation-images.html */
export function itermPicture(pixels: Pixels, rows: number): string {
  const payload = base64Of(pixels)
  return `\u001b]1337;File=inline=1;width=auto;height=${rows};preserveAspectRatio=1;doNotMoveCursor=1:${payload}\u0007`
}

/** A picture for DEC's sixel graphics. Its height in pixels decides its rows. Transparent pixels are black. */
export async function sixelPicture({ data, width, height }: Pixels): Promise<string> {
  const { image2sixel } = await import('sixel/lib/SixelEncoder.js')
  return image2sixel(Uint8Array.from(data), width, height) // a copy: it reads the whole buffer of a view
}

const base64Of = (pixels: Pixels): string => bufferOf(pngOf(pixels)).toString('base64')
