import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
/** Interval between two looks at a process. */
const LOOK_MS = 20

const simulate = (t: TestContext, args: readonly (string | number)[]): Child =>
  startChat(t, ['simulate', 'gossip', ...args.map(String)])

async function figuresOf(t: TestContext, ...args: readonly (string | number)[]) {
  const child = simulate(t, [...args, '--json'])
  const { code } = await child.exited
  return { code, ...JSON.parse(child.stdout[0] ?? '{}') }
}

/** The child processes of a process, according to Linux. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

const isUp = async (pid: number): Promise<boolean> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return status !== '' && !/^State:\s+Z/m.test(status)
}

test('real and simulated nodes agree on coverage and cost', BOUND, async t => {
  const common = ['--fanout', 2, '--ttl', 12, '--pull', 0, '--every', 2]
  const real = await figuresOf(t, '--processes', 8, ...common)
  const virtual = await figuresOf(t, '--nodes', 8, ...common, '--seed', 1, '--every', 1000)
  assert.equal(real.code, 0)
  assert.deepEqual([real.real, virtual.real, real.lost], [true, false, []])
  assert.ok(real.allKnownMs > 0 && real.memoryBytes > 0)
  // Only eight rumours of eight nodes: both figures vary by 10 % by chance.
  assert.ok(Math.abs(real.coverage - virtual.coverage) < 0.25, `${real.coverage} ${virtual.coverage}`)
  const ratio = real.messagesPerRumour / virtual.messagesPerRumour
  assert.ok(ratio > 0.6 && ratio < 1.6, `${real.messagesPerRumour} ${virtual.messagesPerRumour}`)
})

test('the same seed gives the same figures, close to theory', BOUND, async t => {
  const args = ['--nodes', 2000, '--rumours', 20, '--fanout', 3, '--ttl', 30, '--seed', 4]
  const [first, second] = await Promise.all([figuresOf(t, ...args), figuresOf(t, ...args)])
  assert.deepEqual({ ...first, wallMs: 0, memoryBytes: 0 }, { ...second, wallMs: 0, memoryBytes: 0 })
  assert.ok(Math.abs(first.coverage - 0.9405) < 0.01, String(first.coverage))
  assert.ok(Math.abs(first.messagesPerRumour - 3 * 0.9405 * 2000) < 100, String(first.messagesPerRumour))
})

test('sweeps every fan-out with every TTL and writes a report that opens offline', BOUND, async t => {
  const file = path.join(await temporaryDirectory(t), 'sweep.html')
  const args = ['--sweep', 'fanout=2..4,ttl=3..10', '--nodes', 60, '--rumours', 20, '--seed', 2, '--report', file]
  const { code, sweep } = await figuresOf(t, ...args)
  assert.deepEqual([code, sweep.length], [0, 24])
  const coverage = (fanout: number, ttl: number): number =>
    sweep.find((cell: { fanout: number; ttl: number }) => cell.fanout === fanout && cell.ttl === ttl).coverage
  // A larger fan-out or TTL covers more nodes.
  assert.ok(coverage(2, 3) < coverage(2, 10) && coverage(2, 10) < coverage(4, 10) && coverage(4, 3) < coverage(4, 10))
  const page = await readFile(file, 'utf8')
  assert.equal(page.match(/role="img"/g)?.length, 3)
  assert.doesNotMatch(page, /https?:|<script|<link|@import|url\(|NaN|Infinity|undefined/)
})

test('the report of one run shows theory too', BOUND, async t => {
  const file = path.join(await temporaryDirectory(t), 'run.html')
  const child = simulate(t, [
    '--nodes',
    50,
    '--seed',
    2,
    '--fanout',
    1,
    '--repeat',
    20,
    '--ttl',
    20,
    '--delay',
    1000,
    '--report',
    file,
  ])
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  assert.match(child.stdout.join('\n'), /Theory, if every node keeps sending: all know it after about 9\.6 rounds\./)
  const page = await readFile(file, 'utf8')
  assert.match(page, /class="theory"/)
  assert.doesNotMatch(page, /https?:|<script|<link|@import|url\(|NaN|Infinity|undefined/)
})

for (const [how, signal] of [
  ['is stopped with Ctrl-C', 'SIGINT'],
  ['is killed', 'SIGKILL'],
] as const) {
  test(`ends all nodes when the simulator ${how}`, BOUND, async t => {
    if (process.platform !== 'linux') return t.skip('processes are counted with /proc')
    const child = simulate(t, ['--processes', 4])
    const pid = child.pid ?? 0
    let nodes: number[] = []
    while (nodes.length < 3) {
      nodes = await childrenOf(pid)
      await pause(LOOK_MS)
    }
    // Control: the processes exist.
    assert.deepEqual(
      await Promise.all(nodes.map(isUp)),
      nodes.map(() => true),
    )
    const code = await child.stop(signal)
    if (signal === 'SIGINT') {
      assert.equal(code, 1)
      assert.match(child.stderr.at(-1) ?? '', /stopped before the end\. All nodes have exited\./)
    }
    for (const node of nodes) while (await isUp(node)) await pause(LOOK_MS)
  })
}

test('reports invalid options in one line', BOUND, async t => {
  const table: readonly (readonly [readonly (string | number)[], RegExp])[] = [
    [['--nodes', 1], /whole number from 2 to 100000/],
    [['--processes', 501], /whole number from 2 to 500/],
    [['--kill', '95%'], /a share, as in 20% or 0\.2/],
    [['--fanout', 'some'], /whole number from 1 to 1000/],
    [['--delay', '0'], /milliseconds, as in 5 or 1-30, from 1 to 60000/],
    [['--ttl', 65], /whole number from 1 to 64/],
    [['--sweep', 'fanout=3..1'], /ranges, as in fanout=1\.\.6,ttl=2\.\.10/],
    [['--sweep', 'ttl=2..99'], /ranges, as in fanout=1\.\.6,ttl=2\.\.10/],
    [['--sweep', 'ttl=2..4', '--processes', 3], /a sweep needs virtual nodes/],
  ]
  const check = async ([args, complaint]: (typeof table)[number]): Promise<void> => {
    const child = simulate(t, args)
    assert.deepEqual(await child.exited, { code: 2, signal: null }, child.transcript())
    assert.equal(child.stderr.length, 1, child.transcript())
    assert.match(child.stderr[0] ?? '', complaint)
  }
  await Promise.all(table.map(check))
})
