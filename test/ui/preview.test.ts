import assert from 'node:assert/strict'
import test from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { decode as decodeSixel } from 'sixel'
import { utf8 } from '../../src/base/wire/bytes.js'
import { decoded } from '../../src/pictures/decoding/decoder.js'
import type { Pixels } from '../../src/pictures/pixels.js'
import { pngOf } from '../../src/pictures/png-writer.js'
import { type Graphics, graphicsOf } from '../../src/ui/terminal/preview/graphics.js'
import { halfBlocks } from '../../src/ui/terminal/preview/half-blocks.js'
import { type Preview, previewOf } from '../../src/ui/terminal/preview/preview.js'
import { itermPicture, kittyPicture } from '../../src/ui/terminal/preview/protocols.js'
import { painted } from '../helper/pictures.js'
import { SEED } from '../helper/seed.js'

const SIZE = { indent: 25, columns: 54, rows: 14 }

async function preview(graphics: Graphics, size = SIZE, pixels = painted(800, 480)): Promise<Preview> {
  const result = await previewOf(pngOf(pixels), { graphics, ...size })
  assert.ok(typeof result !== 'string', String(result))
  return result
}

test('shows pictures by the best means of the terminal', () => {
  const of = (env: Record<string, string>, depth = 24): Graphics | undefined => graphicsOf(env, depth)
  assert.equal(of({ TERM: 'xterm-kitty', KITTY_WINDOW_ID: '1' }), 'kitty')
  assert.equal(of({ TERM: 'xterm-256color', TERM_PROGRAM: 'ghostty' }), 'kitty')
  assert.equal(of({ TERM: 'xterm-256color', TERM_PROGRAM: 'iTerm.app' }), 'iterm')
  assert.equal(of({ TERM: 'foot' }), 'sixel')
  assert.equal(of({ TERM: 'xterm-256color' }), 'true-colour')
  assert.equal(of({ TERM: 'xterm-256color' }, 8), '256-colours')
})

test('shows half blocks within a multiplexer, which does not pass graphics on', () => {
  assert.equal(graphicsOf({ TERM: 'tmux-256color', TMUX: '/tmp/tmux,1,0', KITTY_WINDOW_ID: '1' }, 24), 'true-colour')
  assert.equal(graphicsOf({ TERM: 'screen.foot', STY: '1.pts' }, 8), '256-colours')
})

test('shows no pictures without colours', () => {
  assert.equal(graphicsOf({ TERM: 'xterm-kitty', NO_COLOR: '1' }, 24), undefined)
  assert.equal(graphicsOf({ TERM: 'linux' }, 4), undefined)
})

test('writes half blocks, two pixels in each cell', () => {
  const data = Uint8Array.of(255, 0, 0, 255, 0, 0, 255, 255, 0, 255, 0, 255, 0, 0, 0, 0)
  assert.deepEqual(halfBlocks({ width: 2, height: 2, data }, true), [
    '\u001b[38;2;255;0;0;48;2;0;255;0m▀\u001b[0;38;2;0;0;255m▀\u001b[0m',
  ])
  assert.deepEqual(halfBlocks({ width: 1, height: 1, data: Uint8Array.of(0, 0, 95, 255) }, false), [
    '\u001b[0;38;5;17m▀\u001b[0m',
  ])
  const onBlack = (level: number): Pixels => ({ width: 1, height: 1, data: Uint8Array.of(level, level, level, 255) })
  assert.match(halfBlocks(onBlack(130), false)[0] ?? '', /38;5;244m/)
})

test('keeps half blocks within their size, with an indent', async () => {
  for (const [pixels, width, height] of [
    [painted(800, 480), 40, 12],
    [painted(30, 300), 2, 12],
    [painted(300, 3), 40, 1],
    [painted(1, 1), 1, 1],
  ] as const) {
    const rows = stripVTControlCharacters((await preview('true-colour', SIZE, pixels)).text).split('\n')
    assert.equal(rows.length, height)
    for (const row of rows) assert.match(row, new RegExp(`^ {25}▀{${width}}$`))
  }
})

test('reserves the rows of a picture, draws over them and returns', async () => {
  for (const graphics of ['kitty', 'iterm', 'sixel'] as const) {
    const { text, drawing = '' } = await preview(graphics)
    assert.equal(text, '\n'.repeat(11), graphics)
    assert.ok(drawing.startsWith('\u001b7\u001b[11A\r\u001b[25C\u001b') && drawing.endsWith('\u001b8'), graphics)
  }
})

test('sends kitty and iTerm2 the scaled pixels in files of our own', async () => {
  const pixels = painted(90, 60)
  const kitty = kittyPicture(pixels, 3)
  const sequences = [...kitty.matchAll(/\u001b_G([^;]*);([A-Za-z0-9+/=]*)\u001b\\/g)]
  assert.equal(sequences.map(([sequence]) => sequence).join(''), kitty)
  assert.ok(sequences.length > 1)
  assert.equal(sequences[0]?.[1], 'a=T,f=100,q=2,C=1,r=3,m=1')
  assert.deepEqual([...new Set(sequences.slice(1, -1).map(([, keys]) => keys))], ['q=2,m=1'])
  assert.equal(sequences.at(-1)?.[1], 'q=2,m=0')
  for (const [, , payload = ''] of sequences) assert.ok(payload.length <= 4_096)
  const [, file = ''] = /^\u001b\]1337;File=[^:]*:([A-Za-z0-9+/=]+)\u0007$/.exec(itermPicture(pixels, 3)) ?? []
  for (const base64 of [sequences.map(([, , payload]) => payload).join(''), file])
    assert.deepEqual(Buffer.from((await decoded('png', Buffer.from(base64, 'base64'))).data), Buffer.from(pixels.data))
})

test('sends sixel terminals a picture that is not higher than its rows', async () => {
  const { text, drawing = '' } = await preview('sixel')
  const sixel = drawing.slice(drawing.indexOf('\u001bP'), -2)
  const { width, height, data32 } = decodeSixel(sixel)
  assert.deepEqual({ width, height }, { width: 240, height: 144 })
  assert.ok(height <= text.split('\n').length * 12)
  assert.ok(new Set(data32).size > 50)
})

test('says why there is no preview', async () => {
  assert.equal(await previewOf(utf8('\u001b[2J'), { graphics: 'kitty', ...SIZE }), 'unknown')
})

/** All that half blocks may contain besides the blocks. */
const COLOURS = /\u001b\[(0|(0;)?38;(2;\d+;\d+;\d+|5;\d+)(;48;(2;\d+;\d+;\d+|5;\d+))?)m/g

test('writes nothing but colours and blocks, whatever the pixels are', () => {
  const pixels = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), fc.infiniteStream(fc.nat(255)))
    .map(([width, height, isTrueColour, bytes]) => ({
      pixels: { width, height, data: Uint8Array.from(bytes.take(width * height * 4)) },
      isTrueColour,
    }))
  fc.assert(
    fc.property(pixels, ({ pixels, isTrueColour }) => {
      const rows = halfBlocks(pixels, isTrueColour)
      assert.equal(rows.length, Math.ceil(pixels.height / 2))
      for (const row of rows) assert.match(row.replace(COLOURS, ''), new RegExp(`^[▀▄ ]{${pixels.width}}$`))
    }),
    { seed: SEED },
  )
})
