// The protocol documents agree with the code: limits, hidden code points, cited sections, layouts.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'
import { sanitise } from '../../src/base/safe-text.js'
import { SEGMENT_ENTRIES_BYTES_MAX } from '../../src/log/format/segment.js'

const DIRECTORY = 'docs/protocol'
const textOf = (file: string): string => readFileSync(path.join(DIRECTORY, file), 'utf8')
const TEXT = readdirSync(DIRECTORY)
  .filter(file => file.endsWith('.md'))
  .map(textOf)
  .join('\n')

const sourcesIn = (directory: string): { file: string; text: string }[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(file => /\.(ts|tsx|md)$/.test(file))
    .map(file => path.join(directory, file))
    .map(file => ({ file, text: readFileSync(file, 'utf8') }))

/** The value of a constant that any file of src exports. */
async function constant(name: string): Promise<unknown> {
  const declaration = new RegExp(`^export const ${name}\\b`, 'm')
  const source = sourcesIn('src').find(({ text }) => declaration.test(text))
  if (source === undefined) return undefined
  const compiled = path.resolve('dist', source.file.replace(/\.tsx?$/, '.js'))
  const module: Record<string, unknown> = await import(pathToFileURL(compiled).href)
  return module[name]
}

test('the limits in the wire protocol match the code', async () => {
  const documented = [...textOf('wire.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)]
  assert.ok(documented.length > 30)
  for (const [, name = '', value] of documented) assert.equal(await constant(name), Number(value), name)
})

test('every limit that the protocol mentions is in its table', () => {
  const documented = new Set([...textOf('wire.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name))
  const named = [...TEXT.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name]) => name)
  assert.deepEqual(
    named.filter(name => !documented.has(name)),
    [],
  )
})

test('the documented hidden code points are exactly those that are hidden', () => {
  const ranges = [...textOf('text.md').matchAll(/^\| `U\+([0-9A-F]+)` +\| `U\+([0-9A-F]+)` +\|/gm)].map(
    ([, from = '', to = '']) => [Number.parseInt(from, 16), Number.parseInt(to, 16)] as const,
  )
  assert.equal(ranges.length, 31)
  const wrong: string[] = []
  for (let code = 0; code <= 0x10_ffff; code++) {
    const text = String.fromCodePoint(code)
    const isHidden = ranges.some(([from, to]) => from <= code && code <= to)
    if ((sanitise(text) === text) === isHidden) wrong.push(code.toString(16))
  }
  assert.deepEqual(wrong, [])
})

test('every cited section is on the cited page', () => {
  const wrong: string[] = []
  let citations = 0
  for (const { file, text } of [...sourcesIn('src'), ...sourcesIn('test')])
    for (const [cited, page = '', number = ''] of text.matchAll(/docs\/protocol\/([\w-]+\.md) §(\d+(?:\.\d+)?)/g)) {
      citations++
      if (!sectionsIn(textOf(page)).has(number)) wrong.push(`${file}: ${cited}`)
    }
  assert.deepEqual(wrong, [])
  assert.ok(citations > 15, 'the sources cite the protocol')
})

test('the protocol cites only its own sections', () => {
  const sections = sectionsIn(TEXT)
  const cited = [...TEXT.matchAll(/[(,[] ?§(\d+(?:\.\d+)?)/g)].map(([, number = '']) => number)
  assert.deepEqual(
    cited.filter(number => !sections.has(number)),
    [],
  )
})

const sectionsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/^##+ §([\d.]+) /gm)].map(([, number = '']) => number))

test('the sizes in the layout of a segment add up', async () => {
  const rows = [...textOf('logs.md').matchAll(/^\| (\d+) \| (\d*) ?\| /gm)].map(([, offset, size]) => [
    Number(offset),
    Number(size),
  ])
  assert.equal(rows.length, 7)
  let end = 0
  for (const [offset, size = 0] of rows) {
    assert.equal(offset, end)
    end += size
  }
  assert.equal(end, 138)
  assert.equal(Number(await constant('SEGMENT_BYTES_MAX')) - SEGMENT_ENTRIES_BYTES_MAX, end)
})
