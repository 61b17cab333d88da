import type { Millis } from '../base/clock.js'
import { reasonOf } from '../base/errors.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../base/signing.js'
import { authorOfKey } from '../log/author.js'
import { decodeEntry, type Entry } from '../log/entry.js'
import { Log } from '../log/log.js'
import { LOBBY, roomId } from '../log/room.js'
import { Peer } from '../peer/peer.js'
import { formatAddress } from '../swarm/address.js'
import { Swarm } from '../swarm/swarm.js'
import { Chance } from './chance.js'
import { Judge, type Shown } from './invariants.js'
import { MemoryDisk } from './memory-disk.js'
import { type NetworkOptions, type VirtualHost, VirtualNetwork } from './network.js'
import { settle } from './settle.js'
import { VirtualTime, type Watch } from './virtual-time.js'

/** When virtual worlds begin. */
const EPOCH_MS: Millis = 1_800_000_000_000
const PORT = 4000
const TRACE_LINES_MAX = 100_000

export interface WorldOptions {
  readonly seed: number
  readonly peers: readonly string[]
  /** Who names whom when it starts; without it everybody names everybody. */
  readonly names?: (name: string) => readonly string[]
  readonly network?: Partial<NetworkOptions>
  /** How far the clock of a machine is ahead of the truth at first. */
  readonly aheadMs?: (name: string) => Millis
}

/** A running process of a peer. */
interface Program {
  isAlive: boolean
  isReady: boolean
  log: Log | undefined
  swarm: Swarm | undefined
  peer: Peer | undefined
  readonly shown: Shown
  readonly lines: string[]
}

/** What outlives a program. */
interface Machine {
  readonly name: string
  readonly keys: KeyPair
  readonly host: VirtualHost
  readonly disk: MemoryDisk
  readonly watch: Watch
  readonly named: readonly string[]
  program: Program | undefined
}

/** What was found that must never be, with what led there. */
export class Violation extends Error {}

/** Many peers in one process and virtual time, everything from one seed. */
export class World {
  readonly judge = new Judge()
  readonly trace: string[] = []
  readonly network: VirtualNetwork
  readonly #options: WorldOptions
  readonly #time = new VirtualTime(EPOCH_MS)
  readonly #machines = new Map<string, Machine>()
  #steps = 0

  constructor(options: WorldOptions) {
    this.#options = options
    const { seed, peers, names, aheadMs } = options
    const network = { delayMsMin: 1, delayMsMax: 30, loss: 0, ...options.network }
    this.network = new VirtualNetwork(this.#time, new Chance(seed, 'network'), network)
    peers.forEach((name, index) => {
      const disk = new MemoryDisk(this.#time, new Chance(seed, `disk of ${name}`))
      const keys = keyPairOf(new Chance(seed, `key of ${name}`).bytes(SEED_BYTES))
      this.#machines.set(name, {
        name,
        keys,
        host: this.network.addHost(`10.0.0.${index + 1}`),
        disk,
        watch: { aheadMs: aheadMs?.(name) ?? 0 },
        named: names?.(name) ?? peers.filter(other => other !== name),
        program: undefined,
      })
      this.judge.register(name, authorOfKey(keys.publicKey), disk)
    })
    for (const name of peers) this.start(name)
  }

  /** Virtual milliseconds since the beginning. */
  get elapsedMs(): Millis {
    return this.#time.now - EPOCH_MS
  }

  /** How many things have happened. */
  get steps(): number {
    return this.#steps
  }

  get names(): readonly string[] {
    return [...this.#machines.keys()]
  }

  isRunning(name: string): boolean {
    return this.#machine(name).program !== undefined
  }

  /** Whether something can be said there. */
  isReady(name: string): boolean {
    return this.#machine(name).program?.isReady ?? false
  }

  /** Starts the peer on its machine, where it is not running. */
  start(name: string): void {
    const machine = this.#machine(name)
    if (machine.program !== undefined) return
    const program: Program = {
      isAlive: true,
      isReady: false,
      log: undefined,
      swarm: undefined,
      peer: undefined,
      shown: new Map(),
      lines: [],
    }
    machine.program = program
    machine.host.isUp = true
    this.#note(`${name} starts`)
    this.#open(machine, program).catch(error => {
      if (program.isAlive) this.judge.violations.push(`${name} does not start: ${reasonOf(error)}`)
    })
  }

  /** The process is gone from one moment to the next; with the power, what was not synced is gone too. */
  crash(name: string, how: 'killed' | 'power cut' = 'power cut'): void {
    const machine = this.#machine(name)
    if (machine.program === undefined) return
    this.#note(`${name} crashes: ${how}`)
    machine.program.isAlive = false
    machine.program = undefined
    machine.host.stop(how === 'power cut')
    if (how === 'power cut') machine.disk.cutPower()
  }

  /** Says something; acknowledged as soon as it is on disk. */
  say(name: string, line: string): void {
    const program = this.#machine(name).program
    if (program?.peer === undefined) return
    this.#note(`${name} says "${line}"`)
    program.peer.say(line).then(
      () => {
        // What is left unsaid when a log closes is told by its count.
        if (!program.isAlive || !program.isReady) return
        this.#note(`${name} has "${line}" on disk`)
        this.judge.acknowledged(name, line)
      },
      error => {
        if (program.isAlive) this.judge.violations.push(`${name} cannot say "${line}": ${reasonOf(error)}`)
      },
    )
  }

  /** What the user of `name` was shown since it was started last. */
  heard(name: string): readonly string[] {
    return this.#machine(name).program?.lines ?? []
  }

  linksOf(name: string): number {
    return this.#machine(name).program?.swarm?.links.length ?? 0
  }

  cut(a: string, b: string): void {
    this.#note(`the way between ${a} and ${b} is cut`)
    this.network.cut(this.#machine(a).host, this.#machine(b).host)
  }

  /** Nothing gets from one group to the other. */
  partition(group: readonly string[]): void {
    for (const a of group) for (const b of this.names) if (!group.includes(b)) this.cut(a, b)
  }

  /** All ways are open again. */
  heal(): void {
    this.#note('all ways are open')
    const machines = [...this.#machines.values()]
    for (const a of machines) for (const b of machines) if (a.name < b.name) this.network.heal(a.host, b.host)
  }

  reset(a: string, b: string): void {
    this.#note(`the connections between ${a} and ${b} break`)
    this.network.reset(this.#machine(a).host, this.#machine(b).host)
  }

  freeze(a: string, b: string): void {
    this.#note(`the connections between ${a} and ${b} go silent`)
    this.network.freeze(this.#machine(a).host, this.#machine(b).host)
  }

  /** The disk takes no writes, or takes them again. */
  fill(name: string, isFull: boolean): void {
    this.#note(`the disk of ${name} is ${isFull ? 'full' : 'free again'}`)
    this.#machine(name).disk.isFull = isFull
  }

  /** Somebody sets the clock of a machine. */
  setClock(name: string, aheadMs: Millis): void {
    this.#note(`the clock of ${name} is ${aheadMs} ms ahead`)
    this.#machine(name).watch.aheadMs = aheadMs
  }

  /** Lets time pass. Rejects with a Violation as soon as something is wrong. */
  async run(ms: Millis): Promise<void> {
    const until = this.#time.now + ms
    for (;;) {
      await settle()
      this.#check()
      if (!this.#time.step(until)) return
      this.#steps++
    }
  }

  /** Lets time pass until `isDone`, for at most so long. Gives whether it is. */
  async runUntil(isDone: () => boolean, msMax: Millis): Promise<boolean> {
    const until = this.#time.now + msMax
    for (;;) {
      await settle()
      this.#check()
      if (isDone()) return true
      if (!this.#time.step(until)) return false
      this.#steps++
    }
  }

  /** All ways are opened, all disks freed and all peers started: within `msMax` all of them hold the same. */
  async converge(msMax: Millis = 60_000): Promise<Millis> {
    this.heal()
    for (const { name, disk } of this.#machines.values()) {
      if (disk.isFull) this.fill(name, false)
      this.start(name)
    }
    const from = this.#time.now
    if (!(await this.runUntil(() => this.#isAlike(), msMax))) {
      const heads = [...this.#machines.values()].map(({ name, program }) => {
        const digests = program?.log?.head.map(({ author, seq }) => `${this.#nameOf(author)}/${seq}`) ?? []
        return `${name} (${program?.peer?.unsaid} unsaid, ${program?.swarm?.links.length} links): ${digests.sort().join(' ')}`
      })
      this.judge.violations.push(`after ${msMax / 1000} s peers hold different logs:\n  ${heads.join('\n  ')}`)
      this.#check()
    }
    const tookMs = this.#time.now - from
    this.#note(`all hold the same after ${Math.ceil(tookMs)} ms`)
    await this.#compare(msMax)
    return tookMs
  }

  /** Ends the run, so that nothing of it is left. */
  end(): void {
    for (const { program, host } of this.#machines.values()) {
      if (program !== undefined) program.isAlive = false
      host.stop(false)
    }
  }

  /** The last of what happened, for people. */
  story(lines = 40): string {
    return this.trace.slice(-lines).join('\n')
  }

  async #compare(msMax: Millis): Promise<void> {
    const histories = new Map<string, readonly Entry[]>()
    for (const { name, program } of this.#machines.values()) {
      const log = program?.log
      if (log === undefined) continue
      void historyOf(log).then(history => histories.set(name, history))
    }
    if (!(await this.runUntil(() => histories.size === this.#machines.size, msMax)))
      this.judge.violations.push('a history cannot be read to its end')
    for (const [name, history] of histories) {
      this.judge.holds(name, history)
      // Whoever reads on live was shown all of it.
      const count = this.heard(name).length
      if (count !== history.length)
        this.judge.violations.push(`${name} was shown ${count} lines and holds ${history.length}`)
    }
    this.judge.alike(histories)
    this.#check()
  }

  async #open(machine: Machine, program: Program): Promise<void> {
    const { name, keys, host, disk, watch } = machine
    const { seed } = this.#options
    const isAlive = (): boolean => program.isAlive
    const clock = this.#time.clockFor(watch, isAlive)
    const room = roomId(LOBBY)
    const log = await Log.over(disk.open(isAlive), keys, { clock, room })
    if (!program.isAlive) return
    program.log = log
    this.judge.holds(name, await historyOf(log))
    if (!program.isAlive) return
    const transport = this.network.transportOf(host, isAlive)
    const swarm = new Swarm({
      me: formatAddress({ host: host.address, port: PORT }),
      room,
      keys,
      isOpen: true,
      transport,
      clock,
      random: new Chance(seed, `${name} from ${this.elapsedMs}`),
    })
    await swarm.listen(undefined, PORT)
    if (!program.isAlive) return
    const peer = new Peer({ me: name, log, swarm, discovery: undefined, clock, mayBeAhead: log.head.length > 0 })
    const tell = (line: string): void => {
      if (program.isAlive) this.#note(`${name}: ${line}`)
    }
    peer.on('info', tell)
    peer.on('warning', tell)
    program.swarm = swarm
    program.peer = peer
    program.isReady = true
    for (const other of machine.named) swarm.add(other, { host: this.#machine(other).host.address, port: PORT })
    await this.#show(name, program, log)
  }

  /** The live reader of a process: what its user sees. */
  async #show(name: string, program: Program, log: Log): Promise<void> {
    for await (const entries of log.read({ live: true })) {
      for (const entry of entries) {
        if (!program.isAlive) return
        const line = decodeEntry(entry.entry)?.message ?? ''
        program.lines.push(line)
        this.#note(`${name} hears "${line}"`)
        this.judge.shown(name, program.shown, entry)
      }
    }
  }

  #isAlike(): boolean {
    let first: string | undefined
    for (const { program } of this.#machines.values()) {
      if (program?.log === undefined || program.peer === undefined || program.peer.unsaid > 0) return false
      const digests = program.log.head.map(({ author, seq }) => `${author}/${seq}`).sort()
      const count = program.log.head.reduce((sum, { seq }) => sum + seq, 0)
      if (program.lines.length < count) return false
      first ??= digests.join()
      if (digests.join() !== first) return false
    }
    return true
  }

  #check(): void {
    const { violations } = this.judge
    if (violations.length === 0) return
    throw new Violation(`${violations.join('\n')}\n\nwhat led there:\n${this.story()}`)
  }

  #nameOf(author: string): string {
    for (const { name, program } of this.#machines.values()) if (program?.log?.id === author) return name
    return author.slice(0, 8)
  }

  #machine(name: string): Machine {
    const machine = this.#machines.get(name)
    if (machine === undefined) throw new RangeError(`${name} is not in this world`)
    return machine
  }

  #note(line: string): void {
    if (this.trace.length >= TRACE_LINES_MAX) this.trace.splice(0, TRACE_LINES_MAX / 2)
    this.trace.push(`${(this.elapsedMs / 1000).toFixed(4)} ${line}`)
  }
}

async function historyOf(log: Log): Promise<Entry[]> {
  const history: Entry[] = []
  for await (const entries of log.read()) history.push(...entries)
  return history
}
