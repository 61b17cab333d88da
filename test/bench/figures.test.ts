// The figures in the README are those that were measured last, and nothing else.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { chartOf } from '../../bench/chart.js'
import { newest } from '../../bench/kept.js'
import { median } from '../../bench/median.js'
import { CHART, withFigures } from '../../bench/publish.js'
import { type Results, Tally } from '../../bench/results.js'
import { markdownTable } from '../../bench/table.js'
import { sizesFor } from '../../bench/workload.js'

const readme = readFileSync('README.md', 'utf8')
const results = newest()

/** Results of two runs, in which ours is twice as fast as one and half as fast as the other, and takes as long as both. */
function example(): Results {
  const tally = new Tally()
  const rate = { id: 'sync', what: 'fetch 10', unit: 'entries/s' } as const
  const time = { id: 'first', what: 'start & read', unit: 'ms' } as const
  for (const [name, perSecond] of [
    ['scuttleup', 1_000],
    ['hypercore', 4_000],
    ['ours', 2_000],
  ] as const) {
    for (const noise of [-500, 500]) tally.note(rate, name, perSecond + noise)
    tally.note(time, name, 12.5)
  }
  return {
    time: '2026-01-02T03:04:05.006Z',
    commit: 'abcdef0',
    versions: { scuttleup: '3', hypercore: '11', ours: '0' },
    machine: { cpu: 'CPU', cores: 2, memoryGiB: 4, node: 'v20', system: 'Linux', disk: 'ext4', syncMs: 1 },
    sizes: sizesFor(10),
    rows: tally.rows,
  }
}

test('the figures in the README are those of the newest results that are kept', () => {
  assert.match(readme, /<!-- figures -->/)
  assert.equal(withFigures(readme, results), readme)
})

test('a figure that was changed by hand is found', () => {
  const published = withFigures(readme, example())
  assert.match(published, /\| fetch 10 /)
  const forged = published.replace('| 2,000 |', '| 2,001 |')
  assert.notEqual(forged, published)
  assert.notEqual(withFigures(forged, example()), forged)
})

test('the chart is that of the newest results', () => {
  if (results === undefined) return
  assert.equal(readFileSync(CHART, 'utf8'), chartOf(results))
})

test('no results that are kept say what machine or which directory it was', () => {
  assert.doesNotMatch(JSON.stringify(results ?? ''), /hostname|\/(home|root|tmp|Users|work)\b/)
})

test('the table says medians, ratios, and which of them is better', () => {
  assert.equal(
    markdownTable(example()),
    [
      '|              | unit        | scuttleup | hypercore |  ours | ours / scuttleup | ours / hypercore |',
      '| ------------ | ----------- | --------: | --------: | ----: | ---------------: | ---------------: |',
      '| fetch 10     | entries/s ↑ |     1,000 |     4,000 | 2,000 |         **2.00** |             0.50 |',
      '| start & read | ms ↓        |      12.5 |      12.5 |  12.5 |             1.00 |             1.00 |',
    ].join('\n'),
  )
})

test('a median is the middle of an odd number of runs, and between the middle two of an even one', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([9, 1, 5, 7]), 6)
  assert.equal(median([3]), 3)
})

test('every figure of the chart is drawn inside it, and its text is escaped', () => {
  const chart = chartOf(example())
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(chart) ?? []
  for (const [, x, y] of chart.matchAll(/<circle class="ours" cx="([\d.]+)" cy="([\d.]+)"/g)) {
    assert.ok(Number(x) > 0 && Number(x) < Number(width) && Number(y) > 0 && Number(y) < Number(height))
  }
  assert.equal(chart.match(/<circle class="ours"/g)?.length, 2 + 1) // and one in the legend
  assert.match(chart, /start &amp; read/)
})
