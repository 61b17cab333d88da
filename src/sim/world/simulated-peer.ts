import type { Duplex } from 'node:stream'
import type { Clock, Millis } from '../../base/clock.js'
import { reasonOf } from '../../base/errors.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { openRowStore } from '../../compat/scuttleup/row-store.js'
import type { AuthorId, LogId } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import { decodeEntry } from '../../log/format/entry.js'
import { LOBBY, roomId } from '../../log/format/room-id.js'
import type { SignedRun } from '../../log/format/segment-plan.js'
import { Log } from '../../log/log.js'
import type { LogOptions } from '../../log/options.js'
import type { SeqRange } from '../../log/read/subscription.js'
import { Connections } from '../../net/connections.js'
import { type Address, formatAddress } from '../../net/lan/address.js'
import { RoomChannels } from '../../net/room-channels.js'
import { Room } from '../../node/room.js'
import { createNativeStream } from '../../sync/native-replication.js'
import type { NativeReplicationOptions } from '../../sync/options.js'
import { Quota } from '../../sync/quota/stranger-quota.js'
import type { Receipts } from '../../sync/receipts.js'
import type { ReplicationStream } from '../../sync/replication-stream.js'
import { Replicator } from '../../sync/replicator.js'
import { VirtualDisk } from '../virtual/disk.js'
import type { Lifecycle } from '../virtual/lifecycle.js'
import { Machine, type MachineContext } from '../virtual/machine.js'
import type { SortedRows } from '../virtual/sorted-rows.js'
import { type ByzantineFault, byzantineStream } from './byzantine-peer.js'
import { type InvariantChecker, nothingShown, type Shown } from './invariants.js'
import { withMadeUpContacts } from './network-attacks.js'
import { withOverrides } from './overridden.js'
import { checkReports, historyOf, withCountedSideChannel } from './room-checks.js'
import { SideRoom } from './side-room.js'

const PORT = 4000
const ROOM = roomId(LOBBY)

/** Context that all peers of a world share. */
export interface SimulationContext extends MachineContext {
  readonly checker: InvariantChecker
  /** The rooms of a peer besides the lobby, each with its checker. */
  sideRoomsOf(name: string): ReadonlyMap<string, InvariantChecker>
  /** `name` has stored entries. */
  stored(name: string, span: SeqRange): void
  /** Whether peers find further ones by peer exchange. */
  readonly hasPeerExchange: boolean
  /** Size of the strangers' pool on each disk, in bytes; undefined if everybody is a known person. */
  readonly strangerBytesMax: number | undefined
  isKnown(author: AuthorId): boolean
  /** The keys and addresses of all peers. */
  everybody(): readonly { readonly key: Uint8Array; readonly host: string }[]
  /** A frame of `bytes` bytes was sent on a side channel. */
  sentOnSideChannel(bytes: number): void
  /** A user was shown an entry. */
  progressed(): void
  /** A connection delivered entries to `name`, new or known. */
  received(name: string, from: AuthorId | undefined, author: LogId, runs: readonly SignedRun[]): void
}

export interface SimulatedPeerOptions {
  readonly name: string
  /** Address of the peer on the virtual network. */
  readonly address: string
  /** How far the peer's clock is ahead at the start. */
  readonly aheadMs: Millis
  readonly fault: ByzantineFault | undefined
}

/** The running process of a peer. */
interface Program {
  readonly life: Lifecycle
  readonly clock: Clock
  readonly shown: Shown
  readonly lines: string[]
  readonly streams: Set<Duplex>
  log: Log | undefined
  replicator: Replicator | undefined
  channels: RoomChannels | undefined
  openSideRoom: ((room: SideRoom) => void) | undefined
  room: Room | undefined
}

/** A peer of the lobby, and of side rooms. */
export class SimulatedPeer extends Machine<Program> {
  readonly fault: ByzantineFault | undefined
  readonly disk: VirtualDisk
  /** Its rooms besides the lobby, by name. */
  readonly sideRooms = new Map<string, SideRoom>()
  readonly #context: SimulationContext
  readonly #dialled: { readonly name: string; readonly address: Address }[] = []
  #connectionCount = 0

  constructor(context: SimulationContext, { name, address, aheadMs, fault }: SimulatedPeerOptions) {
    super(context, { name, address, aheadMs })
    const { seed, time, checker } = context
    this.#context = context
    this.fault = fault
    this.disk = new VirtualDisk(time, new SeededRandom(seed, `disk of ${name}`))
    checker.register(name, this.author, this.disk, fault !== undefined)
    for (const [room, roomChecker] of context.sideRoomsOf(name)) {
      const own = { name: room, peer: name, keys: this.keys, checker: roomChecker }
      this.sideRooms.set(room, new SideRoom(context, own))
    }
  }

  /** Whether the peer's user can send lines. */
  get isReady(): boolean {
    return this.program?.room !== undefined
  }

  /** The log of the peer's process, once it is open. */
  get log(): Log | undefined {
    return this.program?.log
  }

  /** The receipts that its process has recorded, once its log is open. */
  get receipts(): Receipts | undefined {
    return this.program?.replicator?.receipts
  }

  get unsent(): number {
    return this.program?.room?.unsavedCount ?? 0
  }

  /** The keys of the connected peers, one per connection. */
  get connectedKeys(): readonly AuthorId[] {
    const connections = this.program?.channels?.connections ?? []
    return connections.flatMap(({ remote }) => (remote.kind === 'native' ? (remote.key as AuthorId) : []))
  }

  /** The room of the peer's process, once it is open. */
  get room(): Room | undefined {
    return this.program?.room
  }

  /** Size of its HyParView active view. */
  get activeViewSize(): number {
    return this.program?.room?.peerExchange?.size ?? 0
  }

  /** Names of the peers that it dials. */
  get dialled(): readonly string[] {
    return this.#dialled.map(({ name }) => name)
  }

  /** The lines shown to its user since the last start. */
  get heard(): readonly string[] {
    return this.program?.lines ?? []
  }

  /** How many entries of an author were shown to its user since the last start. */
  shownOf(author: AuthorId): number {
    return this.program?.shown.entries.get(author)?.size ?? 0
  }

  /** Bytes buffered by the fullest stream of any connection. */
  get largestBufferBytes(): number {
    let most = 0
    for (const { readableLength, writableLength } of this.program?.streams ?? [])
      most = Math.max(most, readableLength + writableLength)
    for (const { readableLength, writableLength } of this.host.connections)
      most = Math.max(most, readableLength + writableLength)
    return most
  }

  /** The peer dials another peer from now on. */
  addPeer(other: SimulatedPeer): void {
    const dialled = { name: other.name, address: { host: other.host.address, port: PORT } }
    this.#dialled.push(dialled)
    this.program?.channels?.add(dialled.name, dialled.address)
  }

  /** Sends a line; acknowledged once it is on disk. */
  say(line: string): void {
    const program = this.program
    if (program?.room === undefined || this.host.isAsleep) return
    this.#context.note(`${this.name} sends "${brief(line)}"`)
    program.room.say(line).then(
      () => {
        if (program.life.isOver) return
        this.#context.note(`${this.name} has stored "${brief(line)}"`)
        this.#context.checker.acknowledged(this.name, line)
      },
      error => {
        if (!program.life.isOver && this.fault === undefined)
          this.#context.checker.violate(`${this.name} cannot send "${brief(line)}": ${reasonOf(error)}`)
      },
    )
  }

  /** Opens a side room that is closed. */
  openSideRoom(name: string): void {
    const room = this.sideRooms.get(name)
    if (room !== undefined && !room.isOpen) this.program?.openSideRoom?.(room)
  }

  /** Fills the peer's disk, or frees it. */
  fill(isFull: boolean): void {
    this.#context.note(`the disk of ${this.name} is ${isFull ? 'full' : 'no longer full'}`)
    for (const disk of this.disks()) disk.isFull = isFull
  }

  /** Restores a backup of the peer's disk. Returns our lines that must come back from other peers. */
  restore(backup: SortedRows): ReadonlySet<string> {
    this.#context.note(`${this.name} restores a backup`)
    this.disk.restore(backup)
    return this.#context.checker.restored(this.name)
  }

  protected created(life: Lifecycle, clock: Clock): Program {
    return {
      life,
      clock,
      shown: nothingShown(),
      lines: [],
      streams: new Set(),
      log: undefined,
      replicator: undefined,
      channels: undefined,
      openSideRoom: undefined,
      room: undefined,
    }
  }

  protected disks(): VirtualDisk[] {
    return [this, ...this.sideRooms.values()].map(({ disk }) => disk)
  }

  protected violate(what: string): void {
    this.#context.checker.violate(what)
  }

  protected async opened(program: Program): Promise<void> {
    const { network, checker } = this.#context
    const { life, clock } = program
    const options = {
      unsigned: openRowStore,
      clock,
      random: this.randomFor(', log'),
      room: ROOM,
      ...this.#quotaWith(clock),
    }
    const log = await Log.over(this.disk.open(life), this.keys, options)
    if (life.isOver) return
    program.log = log
    log.on('entries', span => this.#context.stored(this.name, span))
    const replicator = new Replicator(log)
    program.replicator = replicator
    checkReports(this.name, replicator, checker, () => this.fault !== undefined || life.isOver)
    const checkHistory = checker.historyCheck(this.name)
    checkHistory(await historyOf(log))
    if (life.isOver) return
    const connections = new Connections({
      me: formatAddress({ host: this.host.address, port: PORT }),
      keys: this.keys,
      plain: { room: ROOM },
      source: network.sourceOf(this.host, life),
      clock,
      random: this.randomFor(''),
    })
    await connections.listen(undefined, PORT)
    if (life.isOver) return
    const channels = new RoomChannels(ROOM, connections)
    let remote: AuthorId | undefined
    channels.on('connection', connection => {
      remote = connection.remote.kind === 'native' ? (connection.remote.key as AuthorId) : undefined
    })
    const room = new Room({
      me: this.name,
      log,
      replicator: withOverrides(replicator, {
        createStream: options => this.#replicate(program, replicator, remote, options),
      }),
      connections: channels,
      clock,
      random: this.randomFor(', presence'),
      keys: this.keys,
      hasPeerExchange: this.#context.hasPeerExchange,
    })
    room.on('event', ({ kind, ...fields }) => {
      if (!life.isOver) this.#context.note(`${this.name}: ${kind} ${JSON.stringify(fields)}`)
    })
    program.channels = channels
    program.room = room
    channels.open()
    for (const { name, address } of this.#dialled) channels.add(name, address)
    program.openSideRoom = side => {
      side.open({ life, clock, connections, dialled: this.#dialled }).catch(error => {
        if (!life.isOver) checker.violate(`${this.name} cannot open ${side.name}: ${reasonOf(error)}`)
      })
    }
    for (const side of this.sideRooms.values()) program.openSideRoom(side)
    await this.#show(program, log)
  }

  /** The quota of strangers, unless this peer is Byzantine. */
  #quotaWith(clock: Clock): Pick<LogOptions, 'known' | 'quota'> {
    const { strangerBytesMax, isKnown } = this.#context
    if (strangerBytesMax === undefined || this.fault !== undefined) return {}
    const known = { isKnown, onKnown: () => () => {} }
    // The pool of strangers is a quarter of the disk bound.
    return { known, quota: new Quota({ known, clock, diskBytesMax: 4 * strangerBytesMax }) }
  }

  /** Replicates over a connection. The checker observes it; a Byzantine peer adds its fault. */
  #replicate(
    program: Program,
    replicator: Replicator,
    from: AuthorId | undefined,
    given: NativeReplicationOptions = {},
  ): ReplicationStream {
    const { log } = replicator
    const counted = withCountedSideChannel(given, bytes => this.#context.sentOnSideChannel(bytes))
    const isLying = this.fault === 'makes up contacts'
    const options = isLying ? withMadeUpContacts(counted, this.random, this.#context.everybody()) : counted
    const watched = withOverrides(log, {
      addSigned: (author, runs, allowance) => {
        this.#context.received(this.name, from, author, runs)
        return log.addSigned(author, runs, allowance)
      },
    })
    const identity = {
      replicator: withOverrides(replicator, { log: watched }),
      keys: this.keys,
      room: ROOM,
      random: this.random,
    }
    const stream =
      this.fault === undefined
        ? createNativeStream(identity.replicator, options)
        : byzantineStream(identity, this.fault, options, this.#connectionCount++ % 2 === 1)
    program.streams.add(stream)
    stream.once('close', () => program.streams.delete(stream))
    return stream
  }

  /** Runs the live reader, which shows entries to the user. */
  async #show(program: Program, log: Log): Promise<void> {
    for await (const entries of log.read({ live: true })) {
      for (const entry of entries) {
        if (program.life.isOver) return
        if (!isControl(entry.entry)) {
          const line = decodeEntry(entry.entry)?.message ?? ''
          program.lines.push(line)
          this.#context.note(`${this.name} reads "${brief(line)}"`)
        }
        this.#context.checker.shown(this.name, program.shown, entry)
        this.#context.progressed()
      }
    }
  }
}

/** A line as traces show it. */
const brief = (line: string): string => (line.length > 40 ? `${line.slice(0, 40)}…` : line)
