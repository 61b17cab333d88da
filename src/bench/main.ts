// Measures this program against the original's scuttleup, alternately in one run: medians and ratios.
// `npm run bench -- [--entries 100000] [--runs 5] [--no-sync] [--json]`; without sync nothing goes over a connection.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { bytesOnDisk } from './contestant.js'

const CONTESTANTS = ['scuttleup', 'ours'] as const
type Name = (typeof CONTESTANTS)[number]

interface Measurement {
  readonly ms: number
  readonly memoryMiB: number
}

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '5' },
    'no-sync': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const ENTRIES = Number(values.entries)
const RUNS = Number(values.runs)
/** Appends that are awaited one by one: each of ours waits for the disk. */
const SINGLE = Math.min(1_000, ENTRIES)
const PORT = 40_000 + (process.pid % 10_000)
const WORKER = new URL('./worker.js', import.meta.url).pathname

const root = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))

function start(name: Name, task: string, directory: string, entries: number): ChildProcess {
  const args = ['--no-warnings', WORKER, name, task, path.join(root, directory), String(entries), String(PORT)]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function measure(name: Name, task: string, directory: string, entries: number): Promise<Measurement> {
  const child = start(name, task, directory, entries)
  let output = ''
  child.stdout?.on('data', chunk => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${name} ${task} ended with ${code}`)
  return JSON.parse(output.trim().split('\n').at(-1) ?? '')
}

async function sync(name: Name, from: string, to: string): Promise<Measurement> {
  const server = start(name, 'serve', from, ENTRIES)
  if (server.stdout === null) throw new Error('no output to read')
  const closed = once(server, 'close')
  await once(createInterface(server.stdout), 'line')
  try {
    return await measure(name, 'sync', to, ENTRIES)
  } finally {
    server.kill('SIGKILL')
    await closed
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const results = new Map<string, Map<Name, number[]>>()
function note(what: string, name: Name, value: number): void {
  const row = results.get(what) ?? new Map<Name, number[]>()
  row.set(name, [...(row.get(name) ?? []), value])
  results.set(what, row)
}

try {
  for (let run = 0; run < RUNS; run++) {
    for (const name of CONTESTANTS) {
      const [one, bulk, copy] = [`${name}-one-${run}`, `${name}-bulk-${run}`, `${name}-copy-${run}`]
      note('append one by one, entries/s', name, (SINGLE / (await measure(name, 'append-one', one, SINGLE)).ms) * 1000)
      note('append in bulk, entries/s', name, (ENTRIES / (await measure(name, 'append-bulk', bulk, ENTRIES)).ms) * 1000)
      const replay = await measure(name, 'replay', bulk, ENTRIES)
      note('replay by a fresh process, entries/s', name, (ENTRIES / replay.ms) * 1000)
      note('replay, peak memory, MiB', name, replay.memoryMiB)
      if (!values['no-sync']) {
        const synced = await sync(name, bulk, copy)
        note('replicate to a new peer, entries/s', name, (ENTRIES / synced.ms) * 1000)
        note('replicate, peak memory of the new peer, MiB', name, synced.memoryMiB)
      }
      note('on disk, bytes/entry', name, bytesOnDisk(path.join(root, bulk)) / ENTRIES)
      for (const directory of [one, bulk, copy]) rmSync(path.join(root, directory), { recursive: true, force: true })
      process.stderr.write(`run ${run + 1} of ${RUNS}: ${name} done\n`)
    }
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}

const rows = [...results].map(([what, by]) => {
  const scuttleup = median(by.get('scuttleup') ?? [])
  const ours = median(by.get('ours') ?? [])
  return { what, scuttleup, ours, ratio: ours / scuttleup }
})
if (values.json) process.stdout.write(`${JSON.stringify({ entries: ENTRIES, runs: RUNS, rows })}\n`)
else {
  process.stdout.write(`${ENTRIES} entries of 120 bytes, medians of ${RUNS} alternating runs\n`)
  for (const { what, scuttleup, ours, ratio } of rows) {
    const columns = [scuttleup, ours].map(value => Math.round(value).toLocaleString('en').padStart(11)).join('')
    process.stdout.write(`${what.padEnd(46)}${columns}${ratio.toFixed(2).padStart(8)} x\n`)
  }
}
