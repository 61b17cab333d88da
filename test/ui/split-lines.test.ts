import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { piecesOf, splitLines } from '../../src/ui/split-lines.js'

async function* chunks(parts: readonly (Buffer | string)[]): AsyncGenerator<Buffer | string> {
  yield* parts
}

async function linesOf(parts: readonly (Buffer | string)[], bytesMax = 100): Promise<string[]> {
  const lines: string[] = []
  for await (const line of splitLines(chunks(parts), bytesMax)) lines.push(line)
  return lines
}

const isWellFormed = (text: string): boolean => Buffer.from(text).toString() === text

test('yields lines without their ends, and the last one without a line feed', async () => {
  assert.deepEqual(await linesOf(['one\ntwo\r\n\nthree']), ['one', 'two', '', 'three'])
  assert.deepEqual(await linesOf(['one\n']), ['one'])
  assert.deepEqual(await linesOf([]), [])
  assert.deepEqual(await linesOf(['\n']), [''])
})

test('drops a byte-order mark at the start, and only there', async () => {
  const mark = Buffer.from([0xef, 0xbb, 0xbf])
  assert.deepEqual(await linesOf([mark, 'one\n\ufefftwo']), ['one', '\ufefftwo'])
  assert.deepEqual(await linesOf([...Buffer.concat([mark, Buffer.from('one')])].map(byte => Buffer.of(byte))), ['one'])
  assert.deepEqual(await linesOf(['\ufeff\ufeffone']), ['\ufeffone'], 'control: one mark is dropped')
})

test('joins a character that is split between chunks', async () => {
  const bytes = Buffer.from('é😀\n')
  assert.deepEqual(await linesOf([...bytes].map(byte => Buffer.of(byte))), ['é😀'])
})

test('replaces invalid UTF-8 and keeps the lines around it', async () => {
  assert.deepEqual(await linesOf([Buffer.from([0x61, 0x0a, 0xff, 0x0a, 0x62, 0xe2])]), ['a', '\ufffd', 'b\ufffd'])
})

test('ends lines at line feeds only', async () => {
  assert.deepEqual(await linesOf(['a\rb\u2028c\u0085d\n']), ['a\rb\u2028c\u0085d'])
})

test('yields an endless line in pieces', async () => {
  const asked: string[] = []
  const endless = async function* (): AsyncGenerator<string> {
    for (;;) yield 'x'.repeat(60)
  }
  for await (const piece of splitLines(endless(), 100)) {
    asked.push(piece)
    if (asked.length === 1_000) break
  }
  for (const piece of asked) assert.equal(piece, 'x'.repeat(100))
})

test('loses nothing of any input in any chunks, and keeps pieces within the limit', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 60 }).filter(text => isWellFormed(text) && !/[\r\n]/.test(text))
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(4, 5, 16, 100, 1_000),
      async (lines, sizes, bytesMax) => {
        const bytes = Buffer.from(lines.map(each => `${each}\n`).join(''))
        const parts: Buffer[] = []
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          parts.push(bytes.subarray(at, at + size))
          at += size
        }
        const out = await linesOf(parts, bytesMax)
        for (const piece of out) assert.ok(Buffer.byteLength(piece) <= bytesMax && isWellFormed(piece))
        for (const each of lines) {
          let read = out.shift() ?? assert.fail('a line is missing')
          while (read !== each) read += out.shift() ?? assert.fail(`a piece of ${each} is missing`)
        }
        assert.deepEqual(out.join(''), '')
      },
    ),
    { numRuns: 500 },
  )
})

test('fills pieces up to the limit', () => {
  assert.deepEqual([...piecesOf('aéb', 3)], ['aé', 'b'])
  assert.deepEqual([...piecesOf('😀😀', 7)], ['😀', '😀'])
  assert.deepEqual([...piecesOf('abc', 3)], ['abc'])
  assert.deepEqual([...piecesOf('', 3)], [''])
})
