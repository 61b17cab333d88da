import type { Millis } from '../../base/clock.js'
import { type AuthorId, authorOfLog, type LogId } from '../../log/format/author.js'
import type { SignedRun } from '../../log/format/segment-plan.js'
import type { SeqRange } from '../../log/read/subscription.js'
import { RECORD_OVERHEAD_BYTES } from '../../net/sealed/records.js'
import type { NetworkOptions } from '../virtual/network.js'
import type { SortedRows } from '../virtual/sorted-rows.js'
import { VirtualWorld } from '../virtual/world.js'
import type { ByzantineFault } from './byzantine-peer.js'
import { InvariantChecker } from './invariants.js'
import { LivenessChecker } from './liveness.js'
import { SimulatedPeer } from './simulated-peer.js'

/** Number of steps between two checks of the buffers of all connections. */
const STEPS_PER_CHECK = 64
/** Largest buffer of one stream, in bytes: two frames and one read. */
const CONNECTION_BYTES_MAX = 512 * 1024
/** Overhead of a frame on a side channel, in bytes: its record, and the number of its room. */
const SIDE_FRAME_OVERHEAD_BYTES = RECORD_OVERHEAD_BYTES + 1
/** Resolution of the measured convergence time. */
const CONVERGENCE_STEP_MS: Millis = 10

export interface WorldOptions {
  readonly seed: number
  readonly peers: readonly string[]
  /** The peers that a peer dials when it starts; default: all. */
  readonly dials?: (name: string) => readonly string[]
  readonly network?: Partial<NetworkOptions>
  /** Whether peers find further ones by peer exchange. */
  readonly hasPeerExchange?: boolean
  /** How far the clock of a peer is ahead at the start. */
  readonly aheadMs?: (name: string) => Millis
  /** Byzantine peers with the fault of each. */
  readonly byzantine?: ReadonlyMap<string, ByzantineFault>
  /** Size of the strangers' pool on each honest peer's disk, in bytes. Byzantine peers are strangers. Default: everybody is known. */
  readonly strangerBytesMax?: number
  /** Further rooms with the peers in each. They share the connections of the lobby. */
  readonly sideRooms?: ReadonlyMap<string, readonly string[]>
  /** Whether to record a trace. False saves memory. Default: true. */
  readonly isTraced?: boolean
  /** Called when a peer has stored entries, its own or others'. */
  readonly onStored?: (name: string, span: SeqRange) => void
  /** Called when a connection delivered entries to a peer, new or known. */
  readonly onReceived?: (name: string, from: string, author: LogId, runs: readonly SignedRun[]) => void
}

/** Violated invariants and the trace that led to them. */
export class Violation extends Error {
  readonly violations: readonly string[]

  constructor(violations: readonly string[], story: string) {
    super(`${violations.join('\n')}\n\ntrace:\n${story}`)
    this.violations = violations
  }
}

/** Many peers in one process and in virtual time, all determined by one seed. */
export class World extends VirtualWorld<SimulatedPeer> {
  readonly checker: InvariantChecker
  readonly #isTraced: boolean
  readonly #nameOf = new Map<AuthorId, string>()
  readonly #liveness: LivenessChecker
  readonly #sideRooms = new Map<string, { readonly members: readonly string[]; readonly checker: InvariantChecker }>()
  readonly #checkers: readonly InvariantChecker[]
  #sideChannelBytes = 0

  constructor({
    seed,
    peers,
    dials,
    network,
    aheadMs,
    byzantine,
    hasPeerExchange = false,
    sideRooms = new Map(),
    strangerBytesMax,
    isTraced = true,
    onStored,
    onReceived,
  }: WorldOptions) {
    super(seed, { delayMsMin: 1, delayMsMax: 30, loss: 0, duplicates: 0, ...network }, CONVERGENCE_STEP_MS)
    this.#isTraced = isTraced
    this.checker = new InvariantChecker(strangerBytesMax !== undefined)
    for (const [room, members] of sideRooms) this.#sideRooms.set(room, { members, checker: new InvariantChecker() })
    this.#checkers = [this.checker, ...[...this.#sideRooms.values()].map(({ checker }) => checker)]
    const context = {
      seed,
      time: this.time,
      network: this.network,
      checker: this.checker,
      sideRoomsOf: (name: string) =>
        new Map(
          [...this.#sideRooms].flatMap(([room, { members, checker }]) =>
            members.includes(name) ? [[room, checker] as const] : [],
          ),
        ),
      hasPeerExchange,
      strangerBytesMax,
      isKnown: (author: AuthorId) => this.checker.isHonest(author),
      everybody: () =>
        [...this.machines.values()].map(({ author, host }) => ({
          key: Buffer.from(author, 'hex'),
          host: host.address,
        })),
      note: (line: string) => this.note(line),
      stored: (name: string, span: SeqRange) => {
        this.#liveness.progressed()
        onStored?.(name, span)
      },
      sentOnSideChannel: (bytes: number) => {
        this.#sideChannelBytes += bytes + SIDE_FRAME_OVERHEAD_BYTES
      },
      progressed: () => this.#liveness.progressed(),
      received: (name: string, from: AuthorId | undefined, author: LogId, runs: readonly SignedRun[]) =>
        onReceived?.(name, this.#nameOf.get(from ?? authorOfLog(author)) ?? '', author, runs),
    }
    peers.forEach((name, index) => {
      const address = `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`
      const peer = new SimulatedPeer(context, {
        name,
        address,
        aheadMs: aheadMs?.(name) ?? 0,
        fault: byzantine?.get(name),
      })
      this.machines.set(name, peer)
      this.#nameOf.set(peer.author, name)
    })
    this.#liveness = new LivenessChecker(this, [...this.machines.values()], hasPeerExchange)
    for (const name of peers) {
      for (const other of dials?.(name) ?? peers) if (other !== name) this.peer(name).addPeer(this.peer(other))
    }
    for (const name of peers) this.peer(name).start()
  }

  /** Bytes sent on side channels. */
  get sideChannelBytes(): number {
    return this.#sideChannelBytes
  }

  /** The name of the peer with this key. */
  nameOf(author: AuthorId | LogId): string | undefined {
    return this.#nameOf.get(authorOfLog(author as LogId))
  }

  peer(name: string): SimulatedPeer {
    return this.machine(name)
  }

  /** The lines shown to the user of `name` since its last start. */
  heard(name: string): readonly string[] {
    return this.peer(name).heard
  }

  /** A copy of the disk of `name`, to restore later. */
  backUp(name: string): SortedRows {
    this.note(`${name} is backed up`)
    return this.peer(name).disk.backUp()
  }

  /**
   * Ends all faults and checks liveness: within `msMax`, all honest peers have the same logs. After that, each has one
   * connection to every peer that it dials and, without Byzantine peers, the network falls silent. Resolves with the
   * time until convergence.
   */
  async converge(msMax: Millis = 60_000): Promise<Millis> {
    this.heal()
    for (const peer of this.machines.values()) {
      if (peer.disk.isFull) peer.fill(false)
      peer.wake()
      peer.start()
    }
    const from = this.time.now
    await this.#liveness.awaitConvergence(msMax)
    const convergedMs = this.time.now - from
    this.note(`converged after ${Math.ceil(convergedMs)} ms`)
    await this.#liveness.checkConverged(msMax)
    await this.#awaitSideRooms(msMax)
    return convergedMs
  }

  /** Ends all processes and connections. */
  end(): void {
    for (const peer of this.machines.values()) peer.end()
  }

  /** The end of the trace, without the entries shown to users, which would fill most of it. */
  story(lines = 40): string {
    return this.trace
      .filter(line => !/^\S+ \S+ reads /.test(line))
      .slice(-lines)
      .join('\n')
  }

  check(): void {
    if (this.steps % STEPS_PER_CHECK === 0) {
      for (const { name, largestBufferBytes } of this.machines.values())
        if (largestBufferBytes > CONNECTION_BYTES_MAX)
          this.checker.violate(`${name} buffers ${largestBufferBytes} bytes for one connection`)
    }
    if (this.#checkers.every(({ violations }) => violations.length === 0)) return
    throw new Violation(
      this.#checkers.flatMap(({ violations }) => violations),
      this.story(),
    )
  }

  /** Waits until all peers in each side room have the same lines. */
  async #awaitSideRooms(msMax: Millis): Promise<void> {
    for (const [room, { members, checker }] of this.#sideRooms) {
      for (const name of members) this.peer(name).openSideRoom(room)
      const sides = members.flatMap(name => this.peer(name).sideRooms.get(room) ?? [])
      const all = (): Set<string> => new Set(sides.flatMap(({ lines }) => [...lines]))
      const isSame = (): boolean => {
        const { size } = all()
        return sides.every(({ isOpen, unsaved, lines }) => isOpen && unsaved === 0 && lines.size === size)
      }
      if (await this.runUntil(isSame, msMax)) continue
      const counts = sides.map(({ lines, isOpen }, index) => `${members[index]} ${isOpen ? lines.size : 'closed'}`)
      checker.violate(`after ${msMax / 1000} s peers know different lines of ${room}: ${counts.join(', ')}`)
      this.check()
    }
  }

  protected override note(line: string): void {
    if (this.#isTraced) super.note(line)
  }
}
