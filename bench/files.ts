// How fast a file is fetched: /get between two nodes, alternating with a plain copy over a sealed connection that writes and syncs the
// same file. `node dist/bench/files.js [--size <MiB>] [--runs <n>]`
import { type ChildProcess, fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import net, { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openNode } from '../src/node/open-node.js'
import { sealed } from './link.js'
import { median } from './median.js'

const MIB = 2 ** 20
/** How often the memory of the receiver is read. */
const SAMPLE_MS = 50

/** What a process does: sends or receives a copy, or a file of a room. */
type Role = 'copy-from' | 'copy-to' | 'send' | 'get'

/** The cost of a transfer. `memory`: peak growth of the receiver's resident memory, in bytes. `cpuMs`: CPU time of both processes. */
interface Transferred {
  readonly ms: number
  readonly memory: number
  readonly cpuMs: { readonly sender: number; readonly receiver: number }
}

/** The report of a receiver. */
type Received = Omit<Transferred, 'cpuMs'> & { readonly cpuMs: number }

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '5' },
    role: { type: 'string' },
    file: { type: 'string', default: '' },
    directory: { type: 'string', default: '' },
    address: { type: 'string', default: '' },
  },
})

if (values.role === undefined) await measure(Number(values.size), Number(values.runs))
else await play(values.role as Role)

async function measure(size: number, runs: number): Promise<void> {
  const root = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))
  process.on('exit', () => rmSync(root, { recursive: true, force: true }))
  const file = path.join(root, 'file')
  const hash = await writeRandom(file, size)
  const copies: Transferred[] = []
  const gets: Transferred[] = []
  for (let run = 0; run < runs; run++)
    for (const isCopy of run % 2 === 0 ? [true, false] : [false, true]) {
      const directory = path.join(root, 'run')
      mkdirSync(path.join(directory, 'saved'), { recursive: true })
      const figures = await transferred(isCopy ? ['copy-from', 'copy-to'] : ['send', 'get'], file, directory)
      const [saved = ''] = readdirSync(path.join(directory, 'saved'))
      if ((await hashOf(path.join(directory, 'saved', saved))) !== hash) throw new Error('the file differs')
      ;(isCopy ? copies : gets).push(figures)
      const { ms, memory, cpuMs } = figures
      const [sender, receiver] = [cpuMs.sender, cpuMs.receiver].map(each => (each / 1_000).toFixed(1))
      print(
        `run ${run + 1}, ${isCopy ? 'copy' : '/get'}: ${rateOf(size, ms).toFixed(0)} MiB/s; CPU: sender ${sender} s, receiver ${receiver} s; the receiver's memory grew by ${(memory / MIB).toFixed(0)} MiB`,
      )
      rmSync(directory, { recursive: true })
    }
  const of = (figures: readonly Transferred[], figure: (each: Transferred) => number): number =>
    median(figures.map(figure))
  const [copy, get] = [copies, gets].map(figures => of(figures, ({ ms }) => rateOf(size, ms))) as [number, number]
  print(`/get / copy, medians: ${get.toFixed(0)} / ${copy.toFixed(0)} MiB/s = ${(get / copy).toFixed(2)}`)
  print(`/get / copy, pair by pair: ${median(copies.map(({ ms }, run) => ms / (gets[run]?.ms ?? ms))).toFixed(2)}`)
  for (const side of ['sender', 'receiver'] as const) {
    const [copyMs, getMs] = [copies, gets].map(figures => of(figures, ({ cpuMs }) => cpuMs[side])) as [number, number]
    print(`CPU of the ${side}, /get / copy: ${(getMs / 1_000).toFixed(1)} / ${(copyMs / 1_000).toFixed(1)} s`)
  }
}

/** MiB a second. */
function rateOf(size: number, ms: number): number {
  return size / (ms / 1_000)
}

/** Runs a sender and a receiver in processes of their own. */
async function transferred([from, to]: readonly [Role, Role], file: string, directory: string): Promise<Transferred> {
  const start = (role: Role, address: string): ChildProcess =>
    fork(
      fileURLToPath(import.meta.url),
      ['--role', role, '--file', file, '--directory', directory, '--address', address],
      { env: { ...process.env, XDG_STATE_HOME: path.join(directory, 'state') } },
    )
  const sender = start(from, '')
  const [address] = (await once(sender, 'message')) as [string]
  const receiver = start(to, address)
  const [figures] = (await once(receiver, 'message')) as [Received]
  sender.send('end')
  const [senderMs] = (await once(sender, 'message')) as [number]
  for (const child of [sender, receiver]) {
    child.kill()
    await once(child, 'exit')
  }
  return { ...figures, cpuMs: { sender: senderMs, receiver: figures.cpuMs } }
}

async function play(role: Role): Promise<void> {
  const { file, directory, address } = values
  const saved = path.join(directory, 'saved')
  if (role === 'copy-from') {
    const server = net.createServer(
      { noDelay: true, allowHalfOpen: true },
      socket => void createReadStream(file).pipe(sealed(socket, false), { end: false }),
    )
    await once(server.listen(0, '127.0.0.1'), 'listening')
    serve(String((server.address() as AddressInfo).port))
  } else if (role === 'copy-to') {
    await timed(async () => {
      const target = await open(path.join(saved, 'file'), 'wx')
      const socket = net.connect({ port: Number(address), host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
      const writing = target.createWriteStream({ autoClose: false })
      sealed(socket, true).pipe(writing)
      const { size } = statSync(file)
      while (writing.bytesWritten < size) await setTimeout(1)
      await target.sync()
      await target.close()
    })
  } else {
    const node = await openNode({ name: role === 'send' ? 'alice' : 'bob', data: directory, discovery: false })
    const room = await node.room('lobby', { listen: '127.0.0.1:0' })
    if (role === 'send') {
      await room.sendFile(file)
      serve(room.address)
      return
    }
    room.connect(address)
    for await (const { kind, author, run, seq } of room.messages({ live: true }))
      if (kind === 'file') return timed(() => room.getFile({ author, run, seq }, saved))
  }
}

/** Reports the address of a sender and, at the end, the CPU time that it has used since then. */
function serve(address: string): void {
  const cpu = process.cpuUsage()
  process.once('message', () => process.send?.(cpuMsSince(cpu)))
  process.send?.(address)
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

/** Reports how long work takes, and what it costs. */
async function timed(work: () => Promise<unknown>): Promise<void> {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, SAMPLE_MS)
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const ms = performance.now() - startedAt
  const cpuMs = cpuMsSince(cpu)
  clearInterval(timer)
  process.send?.({ ms, memory: most - before, cpuMs } satisfies Received)
}

/** Writes a file that no file system compresses. Returns its hash. */
async function writeRandom(file: string, size: number): Promise<string> {
  const hash = createHash('sha256')
  const handle = await open(file, 'wx')
  for (let at = 0; at < size; at++) {
    const bytes = randomBytes(MIB)
    hash.update(bytes)
    await handle.writeFile(bytes)
  }
  await handle.sync()
  await handle.close()
  return hash.digest('hex')
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(file)) hash.update(bytes)
  return hash.digest('hex')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
