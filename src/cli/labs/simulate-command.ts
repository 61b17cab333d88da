import { ChatError } from '../../base/errors.js'
import { duration } from '../../base/report/format.js'
import { type ChatFigures, type ChatSimulationOptions, simulateChat } from '../../sim/runs/chat-simulation.js'
import { commandOf, reportOf } from '../../sim/runs/report.js'
import { writeLinesIfOpen } from '../../ui/lines/output.js'
import { clearProgress, showProgress } from './progress.js'
import { writeReport } from './report-file.js'

export interface SimulateOptions extends ChatSimulationOptions {
  readonly isJson: boolean
  /** File for the report. */
  readonly report: string | undefined
}

/** Runs `persisted-chat simulate chat`. Exit code 1 if an invariant was violated. */
export async function simulate({ isJson, report, ...options }: SimulateOptions): Promise<number> {
  if (options.partitionMinutes > options.minutes) {
    throw new ChatError('BAD_USAGE', 'the partition cannot be longer than the simulation', {
      hint: 'Use a smaller --partition or more --minutes.',
    })
  }
  const startedAt = performance.now()
  const figures = await simulateChat(options, showProgress)
  clearProgress()
  const wallMs = performance.now() - startedAt
  if (report !== undefined) await writeReport(report, reportOf(figures))
  // Printed last, so that the report is written even if the output is closed.
  await writeLinesIfOpen(
    process.stdout,
    isJson ? [JSON.stringify(objectOf(figures, wallMs))] : linesOf(figures, wallMs),
  )
  return figures.converged ? 0 : 1
}

/** The JSON output. The time of a goal that was not reached is null. */
function objectOf(figures: ChatFigures, wallMs: number): object {
  const { options, converged, entries, reached, slowest, copiesPerEntry, bytesPerEntry, virtualMs, violations } =
    figures
  return {
    seed: options.seed,
    peers: options.peers,
    converged,
    entries,
    reached,
    slowest,
    copiesPerEntry,
    bytesPerEntry,
    hops: figures.hops,
    virtualMs,
    wallMs: Math.round(wallMs),
    steps: figures.steps,
    violations,
  }
}

function linesOf(figures: ChatFigures, wallMs: number): string[] {
  const { options, converged, entries, reached, slowest, copiesPerEntry, bytesPerEntry, hops, violations } = figures
  const row = (name: string, cells: readonly string[]): string =>
    name.padEnd(16) + cells.map(cell => cell.padStart(10)).join('')
  const times = ({ p50Ms, p90Ms, p99Ms, p100Ms }: ChatFigures['reached']): string[] =>
    [p50Ms, p90Ms, p99Ms, p100Ms].map(duration)
  const total = hops.reduce((sum, count) => sum + count, 0)
  const mean = hops.reduce((sum, count, index) => sum + count * (index + 1), 0) / Math.max(1, total)
  return [
    `${options.peers} peers, ${options.topology}, seed ${options.seed}: ${entries} lines in ${duration(figures.virtualMs)} of virtual time, simulated in ${duration(wallMs)}`,
    '',
    row('reached', ['50 %', '90 %', '99 %', '100 %']),
    row('  median line', times(reached)),
    row('  slowest line', times(slowest)),
    '',
    `copies sent     ${copiesPerEntry.toFixed(1)} per line, ${options.peers - 1} needed`,
    `bytes sent      ${Math.round(bytesPerEntry).toLocaleString('en')} per line, in total`,
    `hops            ${mean.toFixed(1)} on average, ${hops.length} at most`,
    '',
    converged ? 'All peers have the same lines. Nothing was lost, forged or shown twice.' : 'Invariants were violated:',
    ...violations.map(violation => `  ${violation}`),
    `Repeat: ${commandOf(options)}`,
  ]
}
