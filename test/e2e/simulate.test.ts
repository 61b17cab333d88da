import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { startChat } from '../helper/chat-process.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }

async function simulated(t: TestContext, ...args: readonly string[]) {
  const child = startChat(t, ['simulate', 'chat', ...args])
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr }
}

test('prints how fast lines spread and at what cost, as one JSON object', BOUND, async t => {
  const { code, stdout } = await simulated(
    t,
    '--peers',
    '6',
    '--topology',
    'line',
    '--minutes',
    '1',
    '--seed',
    '3',
    '--json',
  )
  assert.equal(code, 0)
  assert.equal(stdout.length, 1)
  const figures = JSON.parse(stdout[0] ?? '')
  assert.deepEqual([figures.seed, figures.peers, figures.converged, figures.violations], [3, 6, true, []])
  assert.equal(figures.entries, 30)
  const { p50Ms, p90Ms, p99Ms, p100Ms } = figures.reached
  assert.ok(0 < p50Ms && p50Ms <= p90Ms && p90Ms <= p99Ms && p99Ms <= p100Ms)
  // Along a line there is one path to each peer.
  assert.equal(figures.copiesPerEntry, 5)
  assert.equal(figures.hops.length, 5)
  assert.ok(figures.bytesPerEntry > 5 * 100)
  assert.ok(figures.virtualMs >= 60_000 && figures.wallMs > 0)
})

test('peers that know only the first exchange peers and read each other over few connections', BOUND, async t => {
  const { code, stdout } = await simulated(
    t,
    '--peers',
    '24',
    '--topology',
    'met',
    '--minutes',
    '1',
    '--seed',
    '5',
    '--json',
  )
  assert.equal(code, 0, stdout.join('\n'))
  const figures = JSON.parse(stdout[0] ?? '')
  assert.ok(figures.converged && figures.hops.length <= 6 && figures.copiesPerEntry < 2 * 23, stdout[0])
})

test('simulates an overlay, as one JSON object and as a table', BOUND, async t => {
  const args = ['simulate', 'crowd', '--peers', '40', '--seed', '3']
  const child = startChat(t, [...args, '--json'])
  assert.equal((await child.exited).code, 0, child.transcript())
  const figures = JSON.parse(child.stdout[0] ?? '')
  assert.deepEqual([figures.seed, figures.peers, figures.converged, figures.partsAtWorst], [3, 40, true, 1])
  assert.ok(figures.links.min >= 8 && figures.links.max <= 17 && figures.dialsPerPeer > 4)
  const table = startChat(t, args)
  assert.equal((await table.exited).code, 0)
  assert.match(table.stdout.join('\n'), /^12 leave at the same time; their connections are closed$/m)
})

test('the same seed gives the same figures', BOUND, async t => {
  const args = [
    '--peers',
    '8',
    '--minutes',
    '1',
    '--seed',
    '7',
    '--churn',
    '5',
    '--loss',
    '0.1',
    '--partition',
    '0.5',
    '--json',
  ]
  const [first, second] = await Promise.all([simulated(t, ...args), simulated(t, ...args)])
  const timeless = (line = '{}'): object => ({ ...JSON.parse(line), wallMs: 0 })
  assert.deepEqual(timeless(first.stdout[0]), timeless(second.stdout[0]))
})

test('prints a table and the command that repeats the run, and writes a report that opens offline', BOUND, async t => {
  const file = path.join(await temporaryDirectory(t), 'report.html')
  const { code, stdout, stderr } = await simulated(t, '--peers', '5', '--minutes', '1', '--seed', '9', '--report', file)
  assert.equal(code, 0)
  const text = stdout.join('\n')
  assert.match(text, /5 peers, regular, seed 9: 30 lines/)
  assert.match(text, /median line +\d+ ms +\d+ ms +\d+ ms +\d+ ms/)
  assert.match(text, /Repeat: persisted-chat simulate chat --peers 5 --seed 9 /)
  assert.deepEqual(stderr, [`info> report in ${file}`])
  const page = await readFile(file, 'utf8')
  assert.equal(page.match(/<svg /g)?.length, 3)
  assert.doesNotMatch(page, /https?:|<script|<link|@import|url\(|NaN|Infinity|undefined/)
})

test('reports invalid options in one line', BOUND, async t => {
  const table: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['simulate'], 2, /what to simulate is missing\. Try: persisted-chat simulate chat/],
    [['simulate', 'weather'], 2, /weather cannot be simulated/],
    [['simulate', 'chat', '--peers', '1'], 2, /whole number from 2 to 2000/],
    [['simulate', 'chat', '--delay', '9-1'], 2, /as in 5 or 1-30/],
    [['simulate', 'chat', '--loss', '1'], 2, /a share from 0 to 0\.9/],
    [['simulate', 'chat', '--topology', 'tree'], 2, /Allowed choices are line, ring, star, mesh, regular/],
    [['simulate', 'chat', '--partition', '3'], 2, /partition cannot be longer/],
    [['simulate', 'chat', '--peers', '2', '--minutes', '1', '--report', '/proc/none/x'], 1, /cannot be written/],
  ]
  for (const [args, expected, complaint] of table) {
    const child = startChat(t, args)
    const { code } = await child.exited
    assert.equal(code, expected, args.join(' '))
    assert.equal(child.stderr.length, 1, child.transcript())
    assert.match(child.stderr[0] ?? '', complaint)
  }
})

test('simulates private rooms, and repeats a run from its seed', BOUND, async t => {
  const run = async () => {
    const { code, stdout } = await simulated(t, '--rooms', '--byzantine', '1', '--seed', '4', '--json')
    assert.equal(code, 0, stdout.join('\n'))
    const { wallMs, ...figures } = JSON.parse(stdout[0] ?? '')
    assert.ok(wallMs > 0)
    return figures
  }
  const figures = await run()
  assert.deepEqual([figures.seed, figures.byzantine, figures.violations, figures.needed], [4, 1, [], []])
  assert.ok(figures.rooms[0].members >= 2 && figures.rooms[0].lines > 0)
  assert.deepEqual(await run(), figures)
  const { code, stderr } = await simulated(t, '--rooms', '--loss', '0.1')
  assert.equal(code, 2)
  assert.match(stderr.join(), /--loss cannot be used with --rooms/)
})
