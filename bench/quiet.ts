// The cost of open rooms that no face shows: CPU and memory of the node, and CPU of the process that has them open.
// `node dist/bench/quiet.js [--before <directory>] [--seconds <n>] [--runs <n>]`
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from './median.js'

const OURS = fileURLToPath(new URL('../..', import.meta.url))
/** As many as a node has open at once. */
const ROOMS_MAX = 32
/** Time for the checks that follow the start of a room. */
const SETTLE_MS = 15_000
/** CPU is the median over windows of this length: few windows contain a garbage collection that cleans up after the start. */
const WINDOW_MS = 2_000

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
    program: { type: 'string' },
    data: { type: 'string', default: '' },
    rooms: { type: 'string', default: '1' },
  },
})

interface Figures {
  readonly 'node, ms of CPU a second': number
  readonly 'faces, ms of CPU a second': number
  readonly 'node, MiB': number
}

if (values.program === undefined) await measure(Number(values.runs))
else await openRooms(values.program, values.data, Number(values.rooms), Number(values.seconds))

/** Measures each version with one room and with many, alternating, and prints the medians. */
async function measure(runs: number): Promise<void> {
  const programs = [OURS, ...(values.before === undefined ? [] : [path.resolve(values.before)])]
  const all = programs.flatMap(program => [1, ROOMS_MAX].map(rooms => ({ program, rooms, runs: [] as Figures[] })))
  for (let run = 0; run < runs; run++) for (const each of all) each.runs.push(await figuresOf(each.program, each.rooms))
  for (const { program, rooms, runs } of all) {
    const texts = (Object.keys(runs[0] ?? {}) as (keyof Figures)[]).map(
      name => `${name} ${median(runs.map(figures => figures[name])).toFixed(2)}`,
    )
    process.stdout.write(`${program === OURS ? 'ours' : 'before'}, ${rooms} rooms: ${texts.join(', ')}\n`)
  }
}

async function figuresOf(program: string, rooms: number): Promise<Figures> {
  const data = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))
  try {
    const args = ['--program', program, '--data', data, '--rooms', String(rooms), '--seconds', values.seconds]
    const opener = fork(fileURLToPath(import.meta.url), args, {
      env: { ...process.env, XDG_STATE_HOME: path.join(data, 'state') },
    })
    const [[figures]] = (await Promise.all([once(opener, 'message'), once(opener, 'exit')])) as [[Figures], unknown]
    return figures
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

/** Opens rooms like a terminal that shows the first of them, and sends the cost of a quiet second to the parent. */
async function openRooms(program: string, data: string, rooms: number, seconds: number): Promise<void> {
  const { attachFace } = await import(path.join(program, 'dist/src/cli/attach-face.js'))
  const { prepareNode } = await import(path.join(program, 'dist/src/cli/prepared-node.js'))
  const options = { me: 'alice', data, peers: [], listen: '127.0.0.1:0', isDiscovering: false, isEncryptedOnly: false }
  const faces = []
  for (let room = 0; room < rooms; room++) {
    const node = await prepareNode({ ...options, room: room === 0 ? undefined : `room${room}` })
    const ignore = (): void => {}
    const face = await attachFace(node, ignore, ignore)
    faces.push(face)
    face.look(room === 0)
    const reading: AsyncGenerator = face.batches({ live: true })
    reading.next().catch(ignore) // the end
  }
  const pid = Number(readFileSync(path.join(data, 'alice', 'node.pid'), 'utf8').split('\n')[0])
  await setTimeout(SETTLE_MS)
  const used: { readonly node: number; readonly faces: number }[] = []
  while (used.length * WINDOW_MS < seconds * 1_000) {
    const [nodeBefore, ourBefore] = [cpuMsOf(pid), process.cpuUsage()]
    await setTimeout(WINDOW_MS)
    const { user, system } = process.cpuUsage(ourBefore)
    used.push({ node: cpuMsOf(pid) - nodeBefore, faces: (user + system) / 1_000 })
  }
  const aSecond = 1_000 / WINDOW_MS
  const figures: Figures = {
    'node, ms of CPU a second': median(used.map(({ node }) => node)) * aSecond,
    'faces, ms of CPU a second': median(used.map(({ faces }) => faces)) * aSecond,
    'node, MiB': residentMiBOf(pid),
  }
  for (const face of faces.reverse()) await face.close()
  process.send?.(figures, () => process.exit())
}

/** CPU time of all threads of a process so far. Linux only. */
function cpuMsOf(pid: number): number {
  let ns = 0
  for (const thread of readdirSync(`/proc/${pid}/task`))
    ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  return ns / 1e6
}

function residentMiBOf(pid: number): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}
