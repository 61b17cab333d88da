// The benchmark runs, on ours alone: what it is compared with is not installed for tests.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { Child } from '../helper/child.js'

const BOUND = { timeout: 240_000 }
const BENCH = path.resolve('dist/bench/main.js')

test('the benchmark measures one workload of each kind, and says so as one object', BOUND, async t => {
  const only = ['append', 'sync', 'flood', 'first'].flatMap(name => ['--only', name])
  const args = [BENCH, '--contestants', 'ours', '--entries', '100', '--runs', '1', '--json', ...only]
  const child = new Child(t, process.execPath, { args })
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  const { rows, sizes } = JSON.parse(child.stdout.join('\n'))
  assert.equal(sizes.entries, 100)
  assert.deepEqual(
    rows.map((row: { id: string }) => row.id),
    ['append', 'sync', 'sync-sender', 'sync-receiver', 'flood', 'first'],
  )
  for (const { id, medians, runs, ratios } of rows) {
    assert.ok(medians.ours > 0, id)
    assert.deepEqual(runs, { ours: [medians.ours] }, id)
    assert.deepEqual(ratios, {}, id)
  }
})

test('a benchmark that leaves something out is not kept, and one of nothing that there is not run', BOUND, async t => {
  const wrong = [['--contestants', 'ours', '--save'], ['--only', 'nothing'], ['--runs', '0'], ['--fast']]
  for (const args of wrong) {
    const child = new Child(t, process.execPath, { args: [BENCH, ...args] })
    assert.deepEqual(await child.exited, { code: 2, signal: null }, child.transcript())
  }
})

test('the options of the benchmark in the README are those of its --help', BOUND, async t => {
  const child = new Child(t, process.execPath, { args: [BENCH, '--help'] })
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  const there = [...child.stdout.join('\n').matchAll(/^ {2}(--[a-z]+)/gm)].map(([, option]) => option)
  const [, section = ''] = /\n## Speed\n(.*?)\n## /s.exec(await readFile('README.md', 'utf8')) ?? []
  assert.deepEqual(
    [...section.matchAll(/^\| `(--[a-z]+)/gm)].map(([, option]) => option),
    there,
  )
  assert.ok(there.length > 0)
})
