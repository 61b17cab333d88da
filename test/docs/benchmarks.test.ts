// The figures in docs/benchmarks.md and the README are those of the saved results.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { Results } from '../../bench/results.js'

const text = readFileSync('docs/benchmarks.md', 'utf8')
const [, file = ''] = /\]\((\.\.\/bench\/results\/[\w.-]+-100000\.json)\)/.exec(text) ?? []
const results: Results = JSON.parse(readFileSync(path.join('docs', file), 'utf8'))

const figure = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))

/** The last five cells of each row, without emphasis. */
const rowsOf = (document: string): string[][] =>
  [...document.matchAll(/^\| .* \| .* [↑↓] \| (.*) \|$/gm)].map(([, cells = '']) =>
    cells.replaceAll('*', '').split(' | '),
  )

const expected = results.rows.map(({ medians, ratios }) => [
  ...[medians.scuttleup, medians.hypercore, medians.ours].map(value => figure(value ?? Number.NaN)),
  ...[ratios.scuttleup, ratios.hypercore].map(value => (value ?? Number.NaN).toFixed(2)),
])

test('docs/benchmarks.md shows the figures of the saved results', () => {
  assert.deepEqual(rowsOf(text), expected)
})

test('control: detects a figure that was changed by hand', () => {
  const [[, , ours = ''] = []] = expected
  assert.notDeepEqual(rowsOf(text.replace(`| ${ours} |`, '| 1 |')), expected)
})

test('the README shows the figures of the saved results', () => {
  const readme = readFileSync('README.md', 'utf8')
  const rowOf = (id: string) => results.rows.find(row => row.id === id)
  const [, scuttleup, hypercore] = /about (\d+) times\s.*?\sand (\d+) times\s/s.exec(readme) ?? []
  const { ratios = {} } = rowOf('sync') ?? {}
  assert.deepEqual(
    [scuttleup, hypercore].map(Number),
    [ratios.scuttleup, ratios.hypercore].map(ratio => Math.floor(ratio ?? 0)),
  )
  assert.ok(readme.includes(`${rowOf('disk')?.medians.ours?.toFixed(0)} bytes`))
  assert.ok(readme.includes(`${rowOf('latency-50')?.medians.ours?.toPrecision(2)} ms`))
})
