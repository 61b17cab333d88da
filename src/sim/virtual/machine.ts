import type { Clock, Millis } from '../../base/clock.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../../base/crypto/signing.js'
import { reasonOf } from '../../base/errors.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import type { VirtualHost } from './connection.js'
import type { VirtualDisk } from './disk.js'
import { Lifecycle } from './lifecycle.js'
import type { VirtualNetwork } from './network.js'
import type { ClockOffset, VirtualTime } from './time.js'

/** Context that all machines of a world share. */
export interface MachineContext {
  readonly seed: number
  readonly time: VirtualTime
  readonly network: VirtualNetwork
  /** Adds a line to the trace. */
  note(line: string): void
}

interface MachineOptions {
  readonly name: string
  /** Address of the machine on the virtual network. */
  readonly address: string
  /** How far the machine's clock is ahead at the start. */
  readonly aheadMs: Millis
  /** The name of the person whose key the machine has. Default: `name`. */
  readonly keyOf?: string
}

/** A machine with a user. Its disks, clock and key outlive the processes that run on it. `Program` is one process. */
export abstract class Machine<Program extends { readonly life: Lifecycle }> {
  readonly name: string
  readonly author: AuthorId
  readonly keys: KeyPair
  readonly host: VirtualHost
  protected readonly random: SeededRandom
  protected program: Program | undefined
  readonly #context: MachineContext
  readonly #clockOffset: ClockOffset

  constructor(context: MachineContext, { name, address, aheadMs, keyOf = name }: MachineOptions) {
    const { seed, network } = context
    this.#context = context
    this.name = name
    this.keys = keyPairOf(new SeededRandom(seed, `key of ${keyOf}`).bytes(SEED_BYTES))
    this.author = authorOfKey(this.keys.publicKey)
    this.host = network.addHost(address)
    this.random = new SeededRandom(seed, `whims of ${name}`)
    this.#clockOffset = { aheadMs }
  }

  get isRunning(): boolean {
    return this.program !== undefined
  }

  start(): void {
    if (this.program !== undefined) return
    const life = new Lifecycle()
    const program = this.created(life, this.#context.time.clockFor(this.#clockOffset, life))
    this.program = program
    this.host.isUp = true
    this.#context.note(`${this.name} starts`)
    this.opened(program).catch(error => {
      if (!life.isOver) this.violate(`${this.name} cannot start: ${reasonOf(error)}`)
    })
  }

  /** Ends the process at once; a power cut also discards unsynced writes. */
  crash(how: 'killed' | 'power cut'): void {
    if (this.program === undefined) return
    this.#context.note(`${this.name} crashes: ${how}`)
    this.program.life.end()
    this.program = undefined
    this.host.isAsleep = false
    this.host.stop(how === 'power cut')
    if (how === 'power cut') for (const disk of this.disks()) disk.cutPower()
  }

  /** Suspends the machine: its process neither runs nor answers. */
  sleep(): void {
    if (this.program === undefined || this.host.isAsleep) return
    this.#context.note(`${this.name} falls asleep`)
    this.host.isAsleep = true
    this.program.life.sleep()
  }

  wake(): void {
    if (!this.host.isAsleep) return
    this.#context.note(`${this.name} wakes up`)
    this.#context.network.wake(this.host)
    this.program?.life.wake()
  }

  setClock(aheadMs: Millis): void {
    this.#context.note(`the clock of ${this.name} is ${Math.round(aheadMs)} ms ahead`)
    this.#clockOffset.aheadMs = aheadMs
  }

  /** Ends the machine's process and connections. */
  end(): void {
    this.program?.life.end()
    this.host.stop(false)
  }

  /** Randomness for the process that starts now. */
  protected randomFor(what: string): SeededRandom {
    const { seed, time } = this.#context
    return new SeededRandom(seed, `${this.name} from ${time.now}${what}`)
  }

  protected abstract created(life: Lifecycle, clock: Clock): Program
  protected abstract opened(program: Program): Promise<void>
  protected abstract disks(): Iterable<VirtualDisk>
  /** Reports that an invariant is violated. */
  protected abstract violate(what: string): void
}
