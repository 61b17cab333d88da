import type { Duplex } from 'node:stream'
import type { Millis } from '../base/clock.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../base/crypto/signing.js'
import { reasonOf } from '../base/errors.js'
import { SeededRandom } from '../base/seeded-random.js'
import { openRowStore } from '../compat/scuttleup/row-store.js'
import { type AuthorId, authorOfKey, type Seq } from '../log/format/author.js'
import { decodeEntry, type Entry } from '../log/format/entry.js'
import { LOBBY, roomId } from '../log/format/room-id.js'
import type { SignedRun } from '../log/format/segment-plan.js'
import { Log } from '../log/log.js'
import type { SeqRange } from '../log/read/subscription.js'
import { Connections } from '../net/connections.js'
import { type Address, formatAddress } from '../net/lan/address.js'
import { Room } from '../node/room.js'
import { createNativeStream } from '../sync/native-replication.js'
import type { NativeReplicationOptions } from '../sync/options.js'
import type { Receipts } from '../sync/receipts.js'
import type { ReplicationStream } from '../sync/replication-stream.js'
import { Replicator } from '../sync/replicator.js'
import { type ByzantineFault, byzantineStream } from './byzantine-peer.js'
import type { InvariantChecker, Shown } from './invariants.js'
import { Lifecycle } from './lifecycle.js'
import type { VirtualNetwork } from './network.js'
import { overridden } from './overridden.js'
import type { SortedRows } from './sorted-rows.js'
import type { VirtualHost } from './virtual-connection.js'
import { VirtualDisk } from './virtual-disk.js'
import type { VirtualTime, Watch } from './virtual-time.js'

const PORT = 4000
const ROOM = roomId(LOBBY)

/** What all machines of a world share. */
export interface Surroundings {
  readonly seed: number
  readonly time: VirtualTime
  readonly network: VirtualNetwork
  readonly judge: InvariantChecker
  /** Keeps a line of what happens. */
  note(line: string): void
  /** Entries were stored at `name`. */
  stored(name: string, span: SeqRange): void
  /** Whether peers meet further ones by way of those they know. */
  readonly isMeeting: boolean
  /** Something was said on a link besides logs. */
  saidAside(bytes: number): void
  /** Something was shown to somebody. */
  moved(): void
  /** A link brought entries to `name`, new to it or not. */
  brought(name: string, from: AuthorId | undefined, author: AuthorId, runs: readonly SignedRun[]): void
}

export interface SimulatedPeerOptions {
  readonly name: string
  /** Its address on the network. */
  readonly address: string
  /** How far its clock is ahead of the truth at first. */
  readonly aheadMs: Millis
  readonly lie: ByzantineFault | undefined
}

/** A running program of a peer. */
interface Program {
  readonly life: Lifecycle
  readonly shown: Shown
  readonly lines: string[]
  readonly streams: Set<Duplex>
  log: Log | undefined
  replicator: Replicator | undefined
  swarm: Connections | undefined
  peer: Room | undefined
}

/** A computer with a user: its disk, clock and key outlive the processes that run on it. */
export class SimulatedPeer {
  readonly name: string
  readonly author: AuthorId
  readonly lie: ByzantineFault | undefined
  readonly host: VirtualHost
  readonly disk: VirtualDisk
  readonly #surroundings: Surroundings
  readonly #keys: KeyPair
  readonly #watch: Watch
  readonly #named: { readonly name: string; readonly address: Address }[] = []
  readonly #chance: SeededRandom
  #links = 0
  #program: Program | undefined

  constructor(surroundings: Surroundings, { name, address, aheadMs, lie }: SimulatedPeerOptions) {
    const { seed, time, network, judge } = surroundings
    this.#surroundings = surroundings
    this.name = name
    this.lie = lie
    this.#keys = keyPairOf(new SeededRandom(seed, `key of ${name}`).bytes(SEED_BYTES))
    this.author = authorOfKey(this.#keys.publicKey)
    this.host = network.addHost(address)
    this.disk = new VirtualDisk(time, new SeededRandom(seed, `disk of ${name}`))
    this.#watch = { aheadMs }
    this.#chance = new SeededRandom(seed, `whims of ${name}`)
    judge.register(name, this.author, this.disk, lie !== undefined)
  }

  get isRunning(): boolean {
    return this.#program !== undefined
  }

  /** Whether something can be said there. */
  get isReady(): boolean {
    return this.#program?.peer !== undefined
  }

  /** The log of its program, once that is open. */
  get log(): Log | undefined {
    return this.#program?.log
  }

  /** What its program knows of the entries that others hold. */
  get receipts(): Receipts | undefined {
    return this.#program?.replicator?.receipts
  }

  get unsaid(): number {
    return this.#program?.peer?.unsavedCount ?? 0
  }

  /** The keys of the peers that it is linked with, one a link. */
  get links(): readonly AuthorId[] {
    const links = this.#program?.swarm?.connections ?? []
    return links.flatMap(({ remote }) => (remote.kind === 'native' ? (remote.key as AuthorId) : []))
  }

  /** Its running peer, where there is one. */
  get peer(): Room | undefined {
    return this.#program?.peer
  }

  /** How many peers it has met, and is linked with. */
  get viewSize(): number {
    return this.#program?.peer?.peerExchange?.size ?? 0
  }

  /** Whom its user named. */
  get named(): readonly string[] {
    return this.#named.map(({ name }) => name)
  }

  /** What its user was shown since it was started last. */
  get heard(): readonly string[] {
    return this.#program?.lines ?? []
  }

  /** How far its user was shown a log since it was started last. */
  shownOf(author: AuthorId): Seq {
    return this.#program?.shown.get(author) ?? 0
  }

  /** Bytes that wait in the streams of one link, for the fullest of them. */
  get fullestLinkBytes(): number {
    let most = 0
    for (const { readableLength, writableLength } of this.#program?.streams ?? [])
      most = Math.max(most, readableLength + writableLength)
    for (const { readableLength, writableLength } of this.host.connections)
      most = Math.max(most, readableLength + writableLength)
    return most
  }

  /** Its user names another: it dials him from now on. */
  names(other: SimulatedPeer): void {
    const named = { name: other.name, address: { host: other.host.address, port: PORT } }
    this.#named.push(named)
    this.#program?.swarm?.add(named.name, named.address)
  }

  start(): void {
    if (this.#program !== undefined) return
    const program: Program = {
      life: new Lifecycle(),
      shown: new Map(),
      lines: [],
      streams: new Set(),
      log: undefined,
      replicator: undefined,
      swarm: undefined,
      peer: undefined,
    }
    this.#program = program
    this.host.isUp = true
    this.#surroundings.note(`${this.name} starts`)
    this.#open(program).catch(error => {
      if (!program.life.isOver) this.#surroundings.judge.violate(`${this.name} does not start: ${reasonOf(error)}`)
    })
  }

  /** The program is gone from one moment to the next; with the power, what was not synced is gone too. */
  crash(how: 'killed' | 'power cut'): void {
    if (this.#program === undefined) return
    this.#surroundings.note(`${this.name} crashes: ${how}`)
    this.#program.life.end()
    this.#program = undefined
    this.host.isAsleep = false
    this.host.stop(how === 'power cut')
    if (how === 'power cut') this.disk.cutPower()
  }

  /** The lid is closed: nothing runs, nothing answers. */
  sleep(): void {
    if (this.#program === undefined || this.host.isAsleep) return
    this.#surroundings.note(`${this.name} falls asleep`)
    this.host.isAsleep = true
    this.#program.life.sleep()
  }

  wake(): void {
    if (!this.host.isAsleep) return
    this.#surroundings.note(`${this.name} wakes`)
    this.#surroundings.network.wake(this.host)
    this.#program?.life.wake()
  }

  /** Says something; acknowledged as soon as it is on disk. */
  say(line: string): void {
    const program = this.#program
    if (program?.peer === undefined || this.host.isAsleep) return
    this.#surroundings.note(`${this.name} says "${brief(line)}"`)
    program.peer.say(line).then(
      () => {
        if (program.life.isOver) return
        this.#surroundings.note(`${this.name} has "${brief(line)}" on disk`)
        this.#surroundings.judge.acknowledged(this.name, line)
      },
      error => {
        if (!program.life.isOver && this.lie === undefined)
          this.#surroundings.judge.violate(`${this.name} cannot say "${brief(line)}": ${reasonOf(error)}`)
      },
    )
  }

  /** Somebody sets its clock. */
  setClock(aheadMs: Millis): void {
    this.#surroundings.note(`the clock of ${this.name} is ${Math.round(aheadMs)} ms ahead`)
    this.#watch.aheadMs = aheadMs
  }

  /** The disk takes no writes, or takes them again. */
  fill(isFull: boolean): void {
    this.#surroundings.note(`the disk of ${this.name} is ${isFull ? 'full' : 'free again'}`)
    this.disk.isFull = isFull
  }

  /** Its user puts a backup in the place of what is on the disk. Gives the own lines that have to come back from others. */
  restore(backup: SortedRows): ReadonlySet<string> {
    this.#surroundings.note(`${this.name} restores a backup`)
    this.disk.restore(backup)
    return this.#surroundings.judge.restored(this.name)
  }

  /** Nothing of it goes on. */
  end(): void {
    this.#program?.life.end()
    this.host.stop(false)
  }

  async #open(program: Program): Promise<void> {
    const { seed, time, network, judge } = this.#surroundings
    const { life } = program
    const clock = time.clockFor(this.#watch, life)
    const log = await Log.over(this.disk.open(life), this.#keys, { unsigned: openRowStore, clock, room: ROOM })
    if (life.isOver) return
    program.log = log
    log.on('entries', span => this.#surroundings.stored(this.name, span))
    const replicator = new Replicator(log)
    program.replicator = replicator
    replicator.receipts.on('receipt', (holder, author, seq) => {
      if (this.lie === undefined && !life.isOver) judge.told(this.name, holder as AuthorId, author, seq)
    })
    log.on('fork', ({ segments: [{ key }] }) => {
      if (this.lie === undefined && !life.isOver) judge.frozen(this.name, authorOfKey(key))
    })
    const judgeHistory = judge.reading(this.name)
    judgeHistory(await historyOf(log))
    if (life.isOver) return
    const swarm = new Connections({
      me: formatAddress({ host: this.host.address, port: PORT }),
      room: ROOM,
      keys: this.#keys,
      acceptsScuttleup: true,
      source: network.transportOf(this.host, life),
      clock,
      random: new SeededRandom(seed, `${this.name} from ${time.now}`),
    })
    await swarm.listen(undefined, PORT)
    if (life.isOver) return
    let remote: AuthorId | undefined
    swarm.on('connection', link => {
      remote = link.remote.kind === 'native' ? (link.remote.key as AuthorId) : undefined
    })
    const peer = new Room({
      me: this.name,
      log,
      replicator: overridden(replicator, {
        createStream: options => this.#replicate(program, replicator, remote, options),
      }),
      connections: swarm,
      discovery: undefined,
      clock,
      random: new SeededRandom(seed, `${this.name} from ${time.now}, presence`),
      keys: this.#keys,
      hasPeerExchange: this.#surroundings.isMeeting,
      mayBeAhead: log.head.length > 0,
    })
    const tell = (line: string): void => {
      if (!life.isOver) this.#surroundings.note(`${this.name}: ${line}`)
    }
    peer.on('info', tell)
    peer.on('warning', tell)
    program.swarm = swarm
    program.peer = peer
    for (const { name, address } of this.#named) swarm.add(name, address)
    await this.#show(program, log)
  }

  /** What the peer does on every link, watched; and with the lie of a liar. */
  #replicate(
    program: Program,
    replicator: Replicator,
    from: AuthorId | undefined,
    given: NativeReplicationOptions = {},
  ): ReplicationStream {
    const { log } = replicator
    const { sideChannel } = given
    const options: NativeReplicationOptions = {
      ...given,
      ...(sideChannel && {
        sideChannel: send =>
          sideChannel(frames => {
            const isSent = send(frames)
            if (isSent) this.#surroundings.saidAside(frames.length)
            return isSent
          }),
      }),
    }
    const watched = overridden(log, {
      addSigned: (author, runs, allowance) => {
        this.#surroundings.brought(this.name, from, author, runs)
        return log.addSigned(author, runs, allowance)
      },
    })
    const liar = {
      replicator: overridden(replicator, { log: watched }),
      keys: this.#keys,
      room: ROOM,
      chance: this.#chance,
    }
    const stream =
      this.lie === undefined
        ? createNativeStream(liar.replicator, options)
        : byzantineStream(liar, this.lie, options, this.#links++ % 2 === 1)
    program.streams.add(stream)
    stream.once('close', () => program.streams.delete(stream))
    return stream
  }

  /** The live reader of a program: what its user sees. */
  async #show(program: Program, log: Log): Promise<void> {
    for await (const entries of log.read({ live: true })) {
      for (const entry of entries) {
        if (program.life.isOver) return
        const line = decodeEntry(entry.entry)?.message ?? ''
        program.lines.push(line)
        this.#surroundings.note(`${this.name} hears "${brief(line)}"`)
        this.#surroundings.judge.shown(this.name, program.shown, entry)
        this.#surroundings.moved()
      }
    }
  }
}

/** The history that a log holds, whole. */
export async function historyOf(log: Log): Promise<Entry[]> {
  const history: Entry[] = []
  for await (const entries of log.read()) history.push(...entries)
  return history
}

/** A line as it stands in a trace. */
const brief = (line: string): string => (line.length > 40 ? `${line.slice(0, 40)}…` : line)
