import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { median } from '../../bench/median.js'
import { Tally } from '../../bench/results.js'
import { RESULTS } from '../../bench/saved-results.js'
import { tableOf } from '../../bench/table.js'

/** Two runs in which ours is twice as fast as scuttleup, half as fast as hypercore, and has the same latency as both. */
function example(): Tally {
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
  return tally
}

test('shows medians, ratios and which direction is better', () => {
  assert.equal(
    tableOf(example().rows, ['scuttleup', 'hypercore', 'ours']),
    [
      '              unit         scuttleup  hypercore   ours  ours / scuttleup  ours / hypercore',
      'fetch 10      entries/s ↑      1,000      4,000  2,000              2.00              0.50',
      'start & read  ms ↓              12.5       12.5   12.5              1.00              1.00',
    ].join('\n'),
  )
})

test('leaves out the columns of contestants that did not take part', () => {
  assert.equal(
    tableOf(example().rows, ['ours']),
    ['              unit          ours', 'fetch 10      entries/s ↑  2,000', 'start & read  ms ↓          12.5'].join(
      '\n',
    ),
  )
})

test('computes the median of odd and even numbers of figures', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([9, 1, 5, 7]), 6)
  assert.equal(median([3]), 3)
})

test('keeps only results that do not identify the machine', () => {
  const files = readdirSync(RESULTS)
  assert.ok(files.length > 0)
  for (const file of files)
    assert.doesNotMatch(readFileSync(`${RESULTS}/${file}`, 'utf8'), /hostname|\/(home|root|tmp|Users|work)\b/, file)
})
