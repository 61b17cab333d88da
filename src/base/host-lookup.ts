import { type ChildProcess, fork } from 'node:child_process'
import type { LookupAddress, LookupOptions } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { fileURLToPath } from 'node:url'

/** How long the process that looks names up is kept without a question. */
const IDLE_MS = 60_000
/** Names that the system may search at the same time: a slow one must not hold up the others. */
const AT_ONCE = 16
const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

interface Waiter {
  readonly resolve: (addresses: readonly LookupAddress[]) => void
  readonly reject: (error: Error) => void
}

/**
 * Looks names up in a process of its own. The system's `getaddrinfo` cannot be cancelled, can take ten seconds or more, and Node
 * waits for it when it exits; it also takes one of the four threads that write to the disk. A process can be killed.
 */
class HostLookup {
  #child: ChildProcess | undefined
  #idle: NodeJS.Timeout | undefined
  readonly #waiting = new Map<string, Waiter[]>()

  ask(host: string): Promise<readonly LookupAddress[]> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiting.get(host)
      if (waiters !== undefined) {
        waiters.push({ resolve, reject })
        return
      }
      this.#waiting.set(host, [{ resolve, reject }])
      const child = this.#running()
      if (child === undefined) this.#askHere(host)
      else child.send(host, error => void (error && this.#askHere(host)))
    })
  }

  /** The process; undefined where none can be started. */
  #running(): ChildProcess | undefined {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref()
    if (this.#child !== undefined) return this.#child
    try {
      const program = fileURLToPath(new URL('./host-lookup-process.js', import.meta.url))
      const child = fork(program, {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        execArgv: [],
        env: { ...process.env, UV_THREADPOOL_SIZE: String(AT_ONCE) },
      })
      child.on('message', message => this.#answered(message))
      const gone = (): void => {
        if (this.#child === child) this.#child = undefined
        for (const host of this.#waiting.keys()) this.#askHere(host)
      }
      child.once('error', gone).once('exit', gone)
      // Neither it nor its answers keep this process running.
      child.unref()
      child.channel?.unref()
      process.once('exit', this.#end)
      this.#child = child
      return child
    } catch {
      return undefined
    }
  }

  readonly #end = (): void => {
    process.off('exit', this.#end)
    const child = this.#child
    this.#child = undefined
    child?.kill('SIGKILL')
  }

  #answered(message: unknown): void {
    const { host, addresses, reason } = message as { host: string; addresses?: LookupAddress[]; reason?: string }
    for (const { resolve, reject } of this.#take(host)) {
      if (addresses === undefined) reject(new Error(reason))
      else resolve(addresses)
    }
  }

  /** Where there is no process, the system is asked from here. */
  #askHere(host: string): void {
    const waiters = this.#take(host)
    lookup(host, { all: true, verbatim: true }).then(
      addresses => {
        for (const { resolve } of waiters) resolve(addresses)
      },
      error => {
        for (const { reject } of waiters) reject(error)
      },
    )
  }

  #take(host: string): readonly Waiter[] {
    const waiters = this.#waiting.get(host) ?? []
    this.#waiting.delete(host)
    return waiters
  }
}

const shared = new HostLookup()

/** The addresses of a host, as the system knows them. Rejects where it knows none. Never holds up the end of this process. */
export async function lookupHost(host: string): Promise<readonly LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  // RFC 6761 §6.3
  if (/^(.*\.)?localhost\.?$/i.test(host)) return LOOPBACK
  return shared.ask(host)
}

/** The same as an option of `net.connect`. */
export function socketLookup(
  host: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
): void {
  lookupHost(host).then(
    addresses => {
      const [first] = addresses
      if (options.all) done(null, [...addresses])
      else done(first === undefined ? new Error('the name is not known') : null, first?.address ?? '', first?.family)
    },
    error => done(error, ''),
  )
}
