import type { Millis } from '../../base/clock.js'
import { SeededRandom } from '../../base/seeded-random.js'
import type { VirtualHost } from './connection.js'
import { drainEventLoop } from './drain-event-loop.js'
import { type NetworkOptions, VirtualNetwork } from './network.js'
import { VirtualTime } from './time.js'

/** Start of virtual time. */
const EPOCH_MS: Millis = 1_800_000_000_000
const TRACE_LINES_MAX = 100_000

/** Machines in one process and in virtual time, all determined by one seed. */
export abstract class VirtualWorld<M extends { readonly host: VirtualHost }> {
  readonly trace: string[] = []
  readonly network: VirtualNetwork
  protected readonly time = new VirtualTime(EPOCH_MS)
  protected readonly machines = new Map<string, M>()
  /** Time between two checks of an awaited condition. */
  readonly #stepMs: Millis
  #steps = 0

  constructor(seed: number, options: NetworkOptions, stepMs: Millis) {
    this.#stepMs = stepMs
    this.network = new VirtualNetwork(this.time, new SeededRandom(seed, 'network'), options)
  }

  /** Virtual milliseconds since the beginning. */
  get elapsedMs(): Millis {
    return this.time.now - EPOCH_MS
  }

  /** Number of events so far. */
  get steps(): number {
    return this.#steps
  }

  get names(): readonly string[] {
    return [...this.machines.keys()]
  }

  cut(a: string, b: string): void {
    this.note(`packets between ${a} and ${b} are dropped`)
    this.network.cut(this.#host(a), this.#host(b))
  }

  /** Drops all packets between the group and the others. With `resets`, their connections are reset at once. */
  partition(group: readonly string[], resets = false): void {
    const inside = new Set(group)
    for (const a of group)
      for (const b of this.names) {
        if (inside.has(b)) continue
        if (resets) this.reset(a, b)
        this.cut(a, b)
      }
  }

  /** Ends all cuts and partitions. */
  heal(): void {
    this.note('all partitions heal')
    this.network.healAll()
  }

  reset(a: string, b: string): void {
    this.note(`the connections between ${a} and ${b} are reset`)
    this.network.reset(this.#host(a), this.#host(b))
  }

  freeze(a: string, b: string): void {
    this.note(`the connections between ${a} and ${b} freeze`)
    this.network.freeze(this.#host(a), this.#host(b))
  }

  /** Advances the time. Rejects with a Violation as soon as an invariant is violated. */
  async run(ms: Millis): Promise<void> {
    const until = this.time.now + ms
    for (;;) {
      await drainEventLoop()
      this.checkStep()
      if (!this.time.step(until)) return
      this.#steps++
    }
  }

  /** Advances the time by at most `msMax`, until `isDone` returns true. Resolves with whether it did. */
  async runUntil(isDone: () => boolean, msMax: Millis): Promise<boolean> {
    const until = this.time.now + msMax
    for (;;) {
      if (isDone()) return true
      const leftMs = until - this.time.now
      if (leftMs <= 0) return false
      await this.run(Math.min(this.#stepMs, leftMs))
    }
  }

  /** Throws a Violation if an invariant is violated. */
  abstract check(): void

  /** Checks the invariants that one event may violate. */
  protected checkStep(): void {
    this.check()
  }

  protected machine(name: string): M {
    const machine = this.machines.get(name)
    if (machine === undefined) throw new RangeError(`${name} is not in this world`)
    return machine
  }

  protected note(line: string): void {
    if (this.trace.length >= TRACE_LINES_MAX) this.trace.splice(0, TRACE_LINES_MAX / 2)
    this.trace.push(`${(this.elapsedMs / 1000).toFixed(4)} ${line}`)
  }

  #host(name: string): VirtualHost {
    return this.machine(name).host
  }
}
