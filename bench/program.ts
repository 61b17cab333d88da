// Measures the whole program, with its processes, against another version of it. `npm run bench:program -- --help`.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Chat } from './chat.js'
import { lineOf, linesOf } from './entries.js'
import { median } from './median.js'

const OURS = fileURLToPath(new URL('../..', import.meta.url))
const WARM_UP = 20
const HELP = `npm run bench:program -- [options]

  --before <directory>  a built checkout of another version to compare with, measured by turns
  --lines <n>           lines that are piped (default: 100000)
  --latencies <n>       lines that are typed one by one (default: 300)
  --runs <n>            measurements of each figure, of which the median is printed (default: 5)
`

type Figures = Readonly<Record<string, number>>

/** Pipes lines into one face. */
async function pipe(program: string, data: string, count: number): Promise<Figures> {
  const file = path.join(data, 'input')
  writeFileSync(file, `${linesOf(count).join('\n')}\n`)
  const input = openSync(file, 'r')
  const chat = new Chat(program, data, ['alice', '--no-discovery', '--listen', '127.0.0.1:0'], input)
  closeSync(input)
  const firstAt = await chat.printed(1)
  const lastAt = await chat.printed(count)
  await chat.stop()
  return {
    'piped lines/s, from the first that is printed': (count / (lastAt - firstAt)) * 1_000,
    'piped lines/s, from the start of the program': (count / (lastAt - chat.startedAt)) * 1_000,
  }
}

/** Types lines into one face of alice, and waits for each in another one and in bob's. */
async function type(program: string, data: string, count: number): Promise<Figures> {
  const [a, b] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const faces: Chat[] = []
  const open = async (...args: readonly string[]): Promise<Chat> => {
    const face = new Chat(program, data, [...args, '--no-discovery'])
    faces.push(face)
    if (args.includes('--listen')) await face.reported('listening on')
    return face
  }
  const bob = await open('bob', '--listen', b)
  const first = await open('alice', b, '--listen', a)
  const second = await open('alice')
  const took = { second: [] as number[], bob: [] as number[] }
  for (let line = 1; line <= WARM_UP + count; line++) {
    const typedAt = first.type(lineOf(line))
    const [inSecond, atBob] = await Promise.all([second.printed(line), bob.printed(line)])
    if (line <= WARM_UP) continue
    took.second.push(inSecond - typedAt)
    took.bob.push(atBob - typedAt)
  }
  for (const face of faces.reverse()) await face.stop()
  return {
    'ms to another face of the same user, p50': quantile(took.second, 0.5),
    'ms to another face of the same user, p99': quantile(took.second, 0.99),
    'ms to a face of another user, p50': quantile(took.bob, 0.5),
    'ms to a face of another user, p99': quantile(took.bob, 0.99),
  }
}

/** Milliseconds until a face is ready: the first start creates the key, later ones find it. */
async function start(program: string, data: string): Promise<Figures> {
  const args = ['alice', '--no-discovery', '--listen', '127.0.0.1:0']
  let readyMs = 0
  for (let at = 0; at < 2; at++) {
    const chat = new Chat(program, data, args)
    await chat.reported('listening on')
    readyMs = performance.now() - chat.startedAt
    await chat.stop()
  }
  return { 'ms from the start until it listens': readyMs }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function measure(programs: readonly string[], lines: number, latencies: number, runs: number): Promise<void> {
  const figures = new Map<string, number[][]>()
  for (let run = 0; run < runs; run++)
    for (const work of [pipe, type, start])
      for (let turn = 0; turn < programs.length; turn++) {
        const which = (run + turn) % programs.length
        const data = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))
        process.stderr.write(`run ${run + 1} of ${runs}: ${work.name}, ${programs[which]}\n`)
        const found = await work(programs[which] ?? '', data, work === pipe ? lines : latencies)
        rmSync(data, { recursive: true, force: true })
        for (const [what, figure] of Object.entries(found)) {
          const all = figures.get(what) ?? programs.map(() => [])
          all[which]?.push(figure)
          figures.set(what, all)
        }
      }
  for (const [what, all] of figures) {
    const medians = all.map(each => median(each))
    const [ours = Number.NaN, before] = medians
    const ratio =
      before === undefined ? '' : `, before ${before.toPrecision(5)}, ours / before ${(ours / before).toFixed(2)}`
    process.stdout.write(`${what}: ours ${ours.toPrecision(5)}${ratio}\n`)
  }
}

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    lines: { type: 'string', default: '100000' },
    latencies: { type: 'string', default: '300' },
    runs: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
})
const programs = values.before === undefined ? [OURS] : [OURS, path.resolve(values.before)]
if (values.help) process.stdout.write(HELP)
else await measure(programs, Number(values.lines), Number(values.latencies), Number(values.runs))
