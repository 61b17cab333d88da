// Measures this program against scuttleup and hypercore: medians and ratios. `npm run bench -- --help`.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { appendWorkloads } from './append.js'
import { CONTESTANTS, type ContestantName } from './contestant.js'
import { Datasets } from './dataset.js'
import { liveWorkloads } from './live.js'
import { machineOf } from './machine.js'
import { installPackages, versionOf } from './packages.js'
import { readWorkloads } from './read.js'
import { type Results, Tally } from './results.js'
import { RESULTS, saveResults } from './saved-results.js'
import { syncWorkloads } from './sync.js'
import { tableOf } from './table.js'
import { sizesFor, type Workload } from './workload.js'

const WORKLOADS: readonly Workload[] = [...appendWorkloads, ...syncWorkloads, ...liveWorkloads, ...readWorkloads]

const HELP = `npm run bench -- [options]

  --entries <n>         entries in the large logs (default: 100000)
  --runs <n>            measurements of each figure, of which the median is printed (default: 5)
  --only <workload>     one workload; may be repeated: ${WORKLOADS.map(({ name }) => name).join(', ')}
  --contestants <list>  programs to compare (default: ${CONTESTANTS.join(',')})
  --json                print one JSON object instead of a table
  --save                also write that object to ${RESULTS}; only for complete runs
`

interface Options {
  readonly workloads: readonly Workload[]
  readonly names: readonly ContestantName[]
  readonly entries: number
  readonly runs: number
  readonly json: boolean
  readonly save: boolean
}

const values = valuesOf(process.argv.slice(2))
const options = values && optionsOf(values)
if (values?.help) process.stdout.write(HELP)
else if (options !== undefined) await measure(options)
else {
  process.stderr.write(HELP)
  process.exitCode = 2
}

function valuesOf(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        entries: { type: 'string', default: '100000' },
        runs: { type: 'string', default: '5' },
        only: { type: 'string', multiple: true, default: WORKLOADS.map(({ name }) => name) },
        contestants: { type: 'string', default: CONTESTANTS.join(',') },
        json: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch {
    return undefined // unknown option
  }
}

/** Checks the option values. Undefined if any of them is invalid. */
function optionsOf(values: NonNullable<ReturnType<typeof valuesOf>>): Options | undefined {
  const { only, json, save } = values
  const asked = values.contestants.split(',')
  const workloads = WORKLOADS.filter(({ name }) => only.includes(name))
  const names = CONTESTANTS.filter(name => asked.includes(name))
  const [entries, runs] = [Number(values.entries), Number(values.runs)]
  if (workloads.length !== new Set(only).size || names.length !== new Set(asked).size) return undefined
  if (![entries, runs].every(count => Number.isInteger(count) && count > 0)) return undefined
  if (save && (workloads.length !== WORKLOADS.length || names.length !== CONTESTANTS.length)) return undefined
  return { workloads, names, entries, runs, json, save }
}

async function measure({ workloads, names, entries, runs, json, save }: Options): Promise<void> {
  if (names.some(name => name !== 'ours')) installPackages()
  const root = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))
  process.on('exit', () => rmSync(root, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  const sizes = sizesFor(entries)
  const datasets = new Datasets(root)
  const tally = new Tally()
  for (let run = 0; run < runs; run++) {
    for (const workload of workloads) {
      const measures = workload.measures(sizes)
      for (const name of rotated(names, run)) {
        process.stderr.write(`run ${run + 1} of ${runs}: ${workload.name}, ${name}\n`)
        const figures = await workload.run(name, datasets, sizes)
        for (const [index, measure] of measures.entries()) tally.note(measure, name, figures[index] ?? Number.NaN)
      }
    }
  }
  const results: Results = {
    time: new Date().toISOString(),
    commit: commit(),
    versions: Object.fromEntries(names.map(name => [name, versionOf(name)])),
    machine: machineOf(root),
    sizes,
    rows: tally.rows,
  }
  if (save) process.stderr.write(`saved as ${saveResults(results)}\n`)
  process.stdout.write(`${json ? JSON.stringify(results) : tableOf(results.rows, names)}\n`)
}

/** Each contestant goes first in some run, so that none profits from its place in the order. */
function rotated(names: readonly ContestantName[], run: number): readonly ContestantName[] {
  const first = run % names.length
  return [...names.slice(first), ...names.slice(0, first)]
}

/** The measured commit, marked if the working tree differs from it. */
function commit(): string {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  return `${git('rev-parse', '--short=7', 'HEAD')}${git('status', '--porcelain', 'src') === '' ? '' : '-modified'}`
}
