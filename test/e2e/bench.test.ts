// Runs the benchmark on our log only: the other contestants are not installed for tests.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { Child } from '../helper/child.js'

const BOUND = { timeout: 300_000 }
const BENCH = path.resolve('dist/bench/main.js')

test('measures one workload of each kind and prints one JSON object', BOUND, async t => {
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

test('refuses to save incomplete runs and rejects unknown options and workloads', BOUND, async t => {
  const wrong = [['--contestants', 'ours', '--save'], ['--only', 'nothing'], ['--runs', '0'], ['--fast']]
  for (const args of wrong) {
    const child = new Child(t, process.execPath, { args: [BENCH, ...args] })
    assert.deepEqual(await child.exited, { code: 2, signal: null }, child.transcript())
  }
})

test('bench/README.md lists the options of --help', BOUND, async t => {
  const child = new Child(t, process.execPath, { args: [BENCH, '--help'] })
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  const options = [...child.stdout.join('\n').matchAll(/^ {2}(--[a-z]+)/gm)].map(([, option]) => option)
  const readme = await readFile('bench/README.md', 'utf8')
  assert.deepEqual(
    [...readme.matchAll(/^\| `(--[a-z]+)/gm)].map(([, option]) => option),
    options,
  )
  assert.ok(options.length > 0)
})

test('measures the whole program', BOUND, async t => {
  const args = [path.resolve('dist/bench/program.js'), '--lines', '200', '--latencies', '3', '--runs', '1']
  const child = new Child(t, process.execPath, { args })
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  assert.equal(child.stdout.length, 7)
  for (const line of child.stdout) assert.match(line, /: ours \d/)
})
