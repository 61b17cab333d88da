import { systemClock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { duration } from '../../base/report/format.js'
import { reportOfGossip, reportOfSweep } from '../../labs/gossip/sim/report.js'
import type { PhaseFigures } from '../../labs/gossip/sim/rumour-spread.js'
import { type GossipSimulationOptions, simulateGossip } from '../../labs/gossip/sim/simulation.js'
import { type SweepCell, type SweepRanges, sweepGossip } from '../../labs/gossip/sim/sweep.js'
import { coverageOf, roundsOf } from '../../labs/gossip/sim/theory.js'
import { type ProcessFigures, watchProcesses } from '../../labs/gossip/sim/watched-processes.js'
import { writeLinesIfOpen } from '../../ui/lines/output.js'
import { clearProgress, showProgress } from './progress.js'
import { writeReport } from './report-file.js'

export interface SimulateGossipOptions extends GossipSimulationOptions {
  /** Whether the nodes are processes on this machine, rather than simulated. */
  readonly isReal: boolean
  readonly isJson: boolean
  readonly report: string | undefined
  /** The ranges of a sweep; undefined for a single run. */
  readonly sweep: SweepRanges | undefined
}

/** Size of one rumour as JSON, with a book of average length, in bytes. */
const RUMOUR_BYTES = 170

interface Run {
  readonly options: SimulateGossipOptions
  readonly phases: readonly PhaseFigures[]
  readonly real: ProcessFigures | undefined
  readonly virtualMs: number
  readonly wallMs: number
  readonly memoryBytes: number | undefined
  readonly violations: readonly string[]
}

/** Runs `persisted-chat simulate gossip`: gossip nodes in virtual time or as processes. */
export async function simulateGossipNodes(options: SimulateGossipOptions): Promise<number> {
  const startedAt = performance.now()
  if (options.sweep !== undefined) return sweep(options, options.sweep, startedAt)
  const run = options.isReal ? await runProcesses(options, startedAt) : runVirtual(options, startedAt)
  clearProgress()
  const lines = options.isJson ? [JSON.stringify(objectOf(run))] : linesOf(run)
  if (options.report !== undefined) await writeReport(options.report, reportOfGossip(options, run.phases, linesOf(run)))
  // Printed last, so that the report is written even if the output is closed.
  await writeLinesIfOpen(process.stdout, lines)
  return run.violations.length === 0 ? 0 : 1
}

async function sweep(options: SimulateGossipOptions, ranges: SweepRanges, startedAt: number): Promise<number> {
  const cells = sweepGossip(options, ranges, showProgress)
  clearProgress()
  const wallMs = Math.round(performance.now() - startedAt)
  const { seed, nodes, report } = options
  const result = { seed, peers: nodes, converged: true, sweep: cells, wallMs, violations: [] }
  if (report !== undefined) await writeReport(report, reportOfSweep(options, cells, sweepCommandOf(options, ranges)))
  await writeLinesIfOpen(
    process.stdout,
    options.isJson ? [JSON.stringify(result)] : sweepLinesOf(options, cells, wallMs),
  )
  return 0
}

function sweepLinesOf({ nodes, seed }: SimulateGossipOptions, cells: readonly SweepCell[], wallMs: number): string[] {
  const row = (values: readonly string[]): string => values.map(value => value.padStart(11)).join('')
  return [
    `${nodes.toLocaleString('en')} nodes, seed ${seed}: ${cells.length} simulations in ${duration(wallMs)}`,
    '',
    row(['fan-out', 'TTL', 'coverage', 'to 99 %', 'messages', 'rounds']),
    ...cells.map(({ fanout, ttl, coverage, reached, messagesPerNode, rounds }) =>
      row([
        String(fanout),
        String(ttl),
        percent(coverage),
        duration(reached.p99Ms),
        messagesPerNode.toFixed(2),
        rounds.toFixed(1),
      ]),
    ),
    '',
    'Messages: mean number of copies of a rumour that a node receives.',
  ]
}

function sweepCommandOf(options: SimulateGossipOptions, { fanout, ttl }: SweepRanges): string {
  const { nodes, seed, repeat, pullMs, everyMs, view, delayMsMin, delayMsMax, loss, rumours } = options
  return [
    `persisted-chat simulate gossip --sweep fanout=${fanout.at(0)}..${fanout.at(-1)},ttl=${ttl.at(0)}..${ttl.at(-1)}`,
    `--nodes ${nodes} --seed ${seed} --repeat ${repeat} --pull ${pullMs / 1_000} --every ${everyMs / 1_000}`,
    `--view ${view} --delay ${delayMsMin}-${delayMsMax} --loss ${loss}`,
    ...(rumours === undefined ? [] : [`--rumours ${rumours}`]),
  ].join(' ')
}

function runVirtual(options: SimulateGossipOptions, startedAt: number): Run {
  const { phases, virtualMs } = simulateGossip(options, showProgress)
  const wallMs = performance.now() - startedAt
  const memoryBytes = process.resourceUsage().maxRSS * 1_024
  return { options, phases, real: undefined, virtualMs, wallMs, memoryBytes, violations: [] }
}

async function runProcesses(options: SimulateGossipOptions, startedAt: number): Promise<Run> {
  const stop = new AbortController()
  const onSignal = (): void =>
    stop.abort(new ChatError('SIMULATION_STOPPED', 'stopped before the end', { hint: 'All nodes have exited.' }))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  try {
    const real = await watchProcesses(options, systemClock, showProgress, stop.signal)
    const wallMs = performance.now() - startedAt
    const { phases, memoryBytes } = real
    return { options, phases, real, virtualMs: wallMs, wallMs, memoryBytes, violations: violationsOf(real) }
  } finally {
    clearProgress()
    for (const signal of signals) process.off(signal, onSignal)
  }
}

function violationsOf({ allKnownMs, caughtUpMs, killed, lost, unknown }: ProcessFigures): string[] {
  return [
    ...(allKnownMs === undefined ? ['some nodes did not learn a book of every other node'] : []),
    ...(killed > 0 && caughtUpMs === undefined
      ? ['after the restart some nodes did not learn a book of every other node']
      : []),
    ...(unknown > 0 ? [`${unknown} pairs of nodes without a known book at the end`] : []),
    ...(lost.length > 0 ? [`nodes exited unexpectedly: ${lost.join(', ')}`] : []),
  ]
}

/** The JSON output. The time of a goal that was not reached is null. */
function objectOf({ options, phases, real, virtualMs, wallMs, memoryBytes, violations }: Run): object {
  const [first] = phases
  return {
    seed: options.seed,
    peers: options.nodes,
    real: options.isReal,
    converged: phases.every(({ missed }) => missed === 0),
    entries: phases.reduce((sum, { rumours }) => sum + rumours, 0),
    reached: first?.reached,
    copiesPerEntry: first?.messagesPerRumour,
    bytesPerEntry: Math.round((first?.messagesPerRumour ?? 0) * RUMOUR_BYTES),
    coverage: first?.coverage,
    messagesPerRumour: first?.messagesPerRumour,
    rounds: first?.rounds,
    phases,
    virtualMs: Math.round(virtualMs),
    wallMs: Math.round(wallMs),
    memoryBytes,
    ...(real && {
      allKnownMs: real.allKnownMs ?? null,
      caughtUpMs: real.caughtUpMs ?? null,
      killed: real.killed,
      lost: real.lost,
    }),
    violations,
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(share > 0.999 && share < 1 ? 3 : 1)} %`

function linesOf({ options, phases, real, virtualMs, wallMs, memoryBytes, violations }: Run): string[] {
  const { nodes, fanout, ttl, repeat, pullMs, everyMs, seed } = options
  const columns = ['all up', 'some killed', 'started again']
  const row = (name: string, cell: (phase: PhaseFigures) => string): string =>
    name.padEnd(22) + phases.map(phase => cell(phase).padStart(15)).join('')
  const fan = Number.isFinite(fanout) ? `fan-out ${fanout}` : 'flooding'
  const memory = memoryBytes === undefined ? '' : `, ${Math.round(memoryBytes / 2 ** 20).toLocaleString('en')} MiB`
  return [
    `${nodes.toLocaleString('en')} ${options.isReal ? 'processes' : 'nodes'}, ${fan}, TTL ${ttl}${repeat > 1 ? `, ${repeat} rounds` : ''}, ${pullMs > 0 ? `a pull every ${duration(pullMs)}` : 'no pulls'}, a book every ${duration(everyMs)}, seed ${seed}: ${options.isReal ? '' : `${duration(virtualMs)} of virtual time in `}${duration(wallMs)}${memory}`,
    '',
    ' '.repeat(22) + phases.map(({ name }) => (columns.includes(name) ? name : '').padStart(15)).join(''),
    row('nodes', phase => phase.nodes.toLocaleString('en')),
    row('rumours', phase => phase.rumours.toLocaleString('en')),
    row('coverage', phase => percent(phase.coverage)),
    row('missed', phase => phase.missed.toLocaleString('en')),
    row('messages per rumour', phase => phase.messagesPerRumour.toLocaleString('en', { maximumFractionDigits: 1 })),
    row('rounds', phase => phase.rounds.toFixed(1)),
    row('median rumour at 50 %', phase => duration(phase.reached.p50Ms)),
    row('                 90 %', phase => duration(phase.reached.p90Ms)),
    row('                 99 %', phase => duration(phase.reached.p99Ms)),
    row('                100 %', phase => duration(phase.reached.p100Ms)),
    '',
    ...(real === undefined ? [] : livesOf(real)),
    theoryOf(options),
    ...(violations.length === 0 ? [] : ['Invariants were violated:', ...violations.map(violation => `  ${violation}`)]),
  ]
}

function livesOf({ allKnownMs, caughtUpMs, killed, lost }: ProcessFigures): string[] {
  const time = (ms: number | undefined): string => (ms === undefined ? 'never' : duration(ms))
  return [
    `Every node knew a book of every other ${time(allKnownMs)} after the first start.`,
    ...(killed === 0 ? [] : [`${killed} were killed and restarted; all knew all again after ${time(caughtUpMs)}.`]),
    lost.length === 0 ? 'No other node exited.' : `${lost.length} other nodes exited.`,
  ]
}

function theoryOf({ nodes, fanout, repeat }: SimulateGossipOptions): string {
  if (!Number.isFinite(fanout)) return 'Theory: flooding reaches all connected nodes.'
  if (repeat > 1)
    return `Theory, if every node keeps sending: all know it after about ${roundsOf(nodes, fanout).toFixed(1)} rounds.`
  return `Theory, for many nodes and no pulls: ${percent(coverageOf(fanout))} receive it.`
}
