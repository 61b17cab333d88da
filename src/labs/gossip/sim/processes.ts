import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { ChatError } from '../../../base/errors.js'
import { programFile } from '../../../base/program-files.js'
import type { Port } from '../rumour.js'

const PROGRAM = programFile('cli/main')
/** Ports below the ephemeral range, so that a restarted node gets its port back. */
const PORT_MIN = 20_000
const PORT_MAX = 32_000
/** Longest time for a node to listen on a busy machine, and to exit by itself. */
const START_MS_MAX = 120_000
const END_MS_MAX = 5_000

/** A book event, as `gossip --json` prints it. */
interface BookEvent {
  readonly event: 'book'
  readonly port: Port
  readonly origin: Port
  readonly version: number
  readonly ttl: number
  readonly hops: number
  readonly time: number
}

interface StatusEvent {
  readonly event: 'status'
  readonly port: Port
  readonly books: number
  readonly peers: number
  readonly sent: number
  readonly received: number
  readonly rssBytes: number
  readonly time: number
}

export type NodeEvent = BookEvent | StatusEvent

/** Nodes as processes of this machine. They exit when their standard input closes, even if this process is killed. */
export class GossipProcesses {
  readonly #args: readonly string[]
  readonly #onEvent: (event: NodeEvent) => void
  readonly #children = new Map<Port, ChildProcess>()
  /** Nodes that exited unexpectedly. */
  readonly lost: Port[] = []

  constructor(args: readonly string[], onEvent: (event: NodeEvent) => void) {
    this.#args = args
    this.#onEvent = onEvent
  }

  get ports(): Port[] {
    return [...this.#children.keys()]
  }

  /** Starts a node. Resolves when it listens. */
  async start(port: Port, bootstrap: Port | undefined): Promise<void> {
    const from = bootstrap === undefined ? [] : ['-b', String(bootstrap)]
    const args = [PROGRAM, 'gossip', '-p', String(port), ...from, ...this.#args, '--json', '--tethered']
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#children.set(port, child)
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500)
    })
    child.stdin.on('error', () => {})
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void =>
        reject(
          new ChatError('SWARM_LISTEN_FAILED', `the node at port ${port} did not start: ${complaint.trim() || why}`, {
            hint: 'Start fewer at a time, or free some memory.',
          }),
        )
      const overdue = setTimeout(() => fail('timeout'), START_MS_MAX)
      child.on('error', error => fail(error.message))
      child.on('exit', () => {
        clearTimeout(overdue)
        if (this.#children.get(port) === child) {
          this.#children.delete(port)
          this.lost.push(port)
        }
        fail('exited')
      })
      let rest = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const event: NodeEvent | { readonly event: 'listening' } = JSON.parse(line)
          if (event.event !== 'listening') {
            this.#onEvent(event)
            continue
          }
          clearTimeout(overdue)
          resolve()
        }
      })
    })
  }

  /** Kills a node with SIGKILL. Resolves when it has exited. */
  async kill(port: Port): Promise<void> {
    const child = this.#children.get(port)
    if (child === undefined) return
    this.#children.delete(port)
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** Ends all nodes, with SIGKILL if needed. */
  async close(): Promise<void> {
    const children = [...this.#children.values()]
    this.#children.clear()
    await Promise.all(
      children.map(async child => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = new Promise(resolve => child.once('exit', resolve))
        child.stdin?.end()
        const overdue = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
        await gone
        clearTimeout(overdue)
      }),
    )
  }

  /** Memory of all nodes, with shared pages counted once. Undefined if the system does not report it. */
  async memoryBytes(): Promise<number | undefined> {
    let bytes = 0
    for (const { pid } of this.#children.values()) {
      try {
        const [, kilobytes = ''] = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
        bytes += Number(kilobytes) * 1_024
      } catch {
        return undefined
      }
    }
    return bytes
  }
}

/** Free ports of this machine, from a random one on. `random` is between 0 and 1. */
export async function freePorts(count: number, random: number): Promise<Port[]> {
  const ports: Port[] = []
  const room = PORT_MAX - PORT_MIN
  const first = Math.floor(random * room)
  for (let at = 0; at < room && ports.length < count; at++) {
    const port = PORT_MIN + ((first + at) % room)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

const isFree = (port: Port): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
