import { type ChildProcess, fork } from 'node:child_process'
import type { LookupAddress, LookupOptions } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { programFile } from './program-files.js'

/** How long an idle child process stays running. */
const IDLE_MS = 60_000
/** Lookups that run concurrently, so that a slow one does not delay the others. */
const CONCURRENT_MAX = 16
const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

interface Waiter {
  readonly resolve: (addresses: readonly LookupAddress[]) => void
  readonly reject: (error: Error) => void
}

/**
 * Resolves names in a child process. The system's `getaddrinfo` cannot be cancelled, may take ten seconds or more, delays the exit
 * of Node, and occupies one of the four threads that also do disk IO. A process can be killed.
 */
class HostLookup {
  #child: ChildProcess | undefined
  #idle: NodeJS.Timeout | undefined
  readonly #waiting = new Map<string, Waiter[]>()

  resolve(host: string): Promise<readonly LookupAddress[]> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiting.get(host)
      if (waiters !== undefined) {
        waiters.push({ resolve, reject })
        return
      }
      this.#waiting.set(host, [{ resolve, reject }])
      const child = this.#childProcess()
      if (child === undefined) this.#resolveHere(host)
      else child.send(host, error => void (error && this.#resolveHere(host)))
    })
  }

  /** The child process, started if needed; undefined if that fails. */
  #childProcess(): ChildProcess | undefined {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref()
    if (this.#child !== undefined) return this.#child
    try {
      const child = fork(programFile('base/host-lookup-process'), {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        execArgv: [],
        env: { ...process.env, UV_THREADPOOL_SIZE: String(CONCURRENT_MAX) },
      })
      child.on('message', message => this.#settle(message))
      const onExit = (): void => {
        if (this.#child === child) this.#child = undefined
        for (const host of this.#waiting.keys()) this.#resolveHere(host)
      }
      child.once('error', onExit).once('exit', onExit)
      // Neither the child nor its channel keeps this process running.
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

  #settle(message: unknown): void {
    const { host, addresses, reason } = message as { host: string; addresses?: LookupAddress[]; reason?: string }
    for (const { resolve, reject } of this.#removeWaiters(host)) {
      if (addresses === undefined) reject(new Error(reason))
      else resolve(addresses)
    }
  }

  /** Fallback without a child process: looks the host up in this process. */
  #resolveHere(host: string): void {
    const waiters = this.#removeWaiters(host)
    lookup(host, { all: true, verbatim: true }).then(
      addresses => {
        for (const { resolve } of waiters) resolve(addresses)
      },
      error => {
        for (const { reject } of waiters) reject(error)
      },
    )
  }

  #removeWaiters(host: string): readonly Waiter[] {
    const waiters = this.#waiting.get(host) ?? []
    this.#waiting.delete(host)
    return waiters
  }
}

const shared = new HostLookup()

/** The addresses of a host by the system's resolver. Rejects if there is none. A pending lookup does not delay the exit. */
export async function lookupHost(host: string): Promise<readonly LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  // RFC 6761 §6.3
  if (/^(.*\.)?localhost\.?$/i.test(host)) return LOOPBACK
  return shared.resolve(host)
}

/** `lookupHost` with the signature of the `lookup` option of `net.connect`. */
export function socketLookup(
  host: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
): void {
  lookupHost(host).then(
    addresses => {
      const [first] = addresses
      if (options.all) done(null, [...addresses])
      else done(first === undefined ? new Error('unknown host name') : null, first?.address ?? '', first?.family)
    },
    error => done(error, ''),
  )
}
