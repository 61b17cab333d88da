import type { Clock } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { reasonOf } from '../../base/errors.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { openRowStore } from '../../compat/scuttleup/row-store.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import { decodeEntry } from '../../log/format/entry.js'
import { roomId } from '../../log/format/room-id.js'
import { Log } from '../../log/log.js'
import type { Connections } from '../../net/connections.js'
import type { Address } from '../../net/lan/address.js'
import { RoomChannels } from '../../net/room-channels.js'
import { Room } from '../../node/room.js'
import { createNativeStream } from '../../sync/native-replication.js'
import { Replicator } from '../../sync/replicator.js'
import { VirtualDisk } from '../virtual/disk.js'
import type { Lifecycle } from '../virtual/lifecycle.js'
import type { VirtualTime } from '../virtual/time.js'
import { type InvariantChecker, nothingShown } from './invariants.js'
import { withOverrides } from './overridden.js'
import { checkReports, historyOf, withCountedSideChannel } from './room-checks.js'

/** Context that all rooms of a world share. */
export interface SideRoomContext {
  readonly seed: number
  readonly time: VirtualTime
  note(line: string): void
  sentOnSideChannel(bytes: number): void
}

export interface SideRoomOptions {
  readonly name: string
  /** The simulated peer that is in the room. */
  readonly peer: string
  readonly keys: KeyPair
  /** Checks only this room. */
  readonly checker: InvariantChecker
}

/** The process that has the room open. */
export interface SideRoomProgram {
  readonly life: Lifecycle
  readonly clock: Clock
  readonly connections: Connections
  readonly dialled: readonly { readonly name: string; readonly address: Address }[]
}

/** A further room of a simulated peer, on the connections of its process. Its lines begin with `#` and its name. */
export class SideRoom {
  readonly name: string
  readonly disk: VirtualDisk
  readonly checker: InvariantChecker
  readonly #context: SideRoomContext
  readonly #options: SideRoomOptions
  readonly #key: string
  #program: SideRoomProgram | undefined
  #room: Room | undefined
  #lines = new Set<string>()

  constructor(context: SideRoomContext, options: SideRoomOptions) {
    const { seed, time } = context
    const { name, peer, checker, keys } = options
    this.#context = context
    this.#options = options
    this.name = name
    this.checker = checker
    this.disk = new VirtualDisk(time, new SeededRandom(seed, `disk of ${peer} in ${name}`))
    this.#key = authorOfKey(keys.publicKey)
    checker.register(peer, authorOfKey(keys.publicKey), this.disk, false)
  }

  get isOpen(): boolean {
    return this.#room !== undefined
  }

  /** Number of lines that are not stored yet. */
  get unsaved(): number {
    return this.#room?.unsavedCount ?? 0
  }

  /** Lines shown since the room was opened. */
  get lines(): ReadonlySet<string> {
    return this.#lines
  }

  /** Opens the room in a process; does nothing if the process ends meanwhile. */
  async open(program: SideRoomProgram): Promise<void> {
    const { seed, time, note } = this.#context
    const { name, peer, keys, checker } = this.#options
    const { life, clock, connections, dialled } = program
    if (this.#program?.life === life || life.isOver) return
    this.#program = program
    this.#room = undefined
    this.#lines = new Set()
    const room = roomId(name)
    const random = (label: string): SeededRandom =>
      new SeededRandom(seed, `${peer} in ${name} from ${time.now}, ${label}`)
    const log = await Log.over(this.disk.open(life), keys, {
      unsigned: openRowStore,
      clock,
      random: random('log'),
      room,
    })
    if (life.isOver) return
    const checkHistory = checker.historyCheck(peer)
    const history = await historyOf(log)
    if (life.isOver) return
    checkHistory(history)
    const replicator = new Replicator(log)
    checkReports(peer, replicator, checker, () => life.isOver)
    const channels = new RoomChannels(room, connections)
    channels.on('connection', ({ remote }) => {
      if (remote.kind !== 'native' || remote.key === this.#key) return
      if (!checker.isHonest(remote.key as AuthorId))
        checker.violate(`${peer} has a channel of ${name} with a peer that is not in it`)
    })
    const opened = new Room({
      me: peer,
      room: name,
      log,
      replicator: withOverrides(replicator, {
        createStream: (options = {}) =>
          createNativeStream(replicator, withCountedSideChannel(options, this.#context.sentOnSideChannel)),
      }),
      connections: channels,
      clock,
      random: random('presence'),
      keys,
      hasPeerExchange: false,
    })
    opened.on('event', ({ kind, ...fields }) => {
      if (!life.isOver) note(`${peer} in ${name}: ${kind} ${JSON.stringify(fields)}`)
    })
    this.#room = opened
    channels.open()
    for (const { name: other, address } of dialled) channels.add(other, address)
    void this.#show(life, log)
  }

  /** Closes the room while its process keeps running. */
  close(): void {
    const [room, program] = [this.#room, this.#program]
    if (room === undefined || program?.life.isOver) return
    this.#context.note(`${this.#options.peer} closes ${this.name}`)
    this.#room = undefined
    void room.close().then(() => {
      if (this.#program === program) this.#program = undefined
    })
  }

  say(text: string): void {
    const { note } = this.#context
    const { peer, checker } = this.#options
    const [room, life] = [this.#room, this.#program?.life]
    if (room === undefined || life === undefined) return
    const line = `#${this.name} ${text}`
    note(`${peer} sends "${line}"`)
    room.say(line).then(
      () => {
        if (!life.isOver) checker.acknowledged(peer, line)
      },
      error => {
        if (!life.isOver && this.#room === room) checker.violate(`${peer} cannot send "${line}": ${reasonOf(error)}`)
      },
    )
  }

  /** Shows each entry, and checks that it belongs here. */
  async #show(life: Lifecycle, log: Log): Promise<void> {
    const { peer, checker } = this.#options
    const shown = nothingShown()
    for await (const entries of log.read({ live: true })) {
      for (const entry of entries) {
        if (life.isOver) return
        const line = decodeEntry(entry.entry)?.message ?? ''
        if (!isControl(entry.entry) && !line.startsWith(`#${this.name} `))
          checker.violate(`${peer} reads "${line}" in ${this.name}`)
        this.#lines.add(line)
        checker.shown(peer, shown, entry)
      }
    }
  }
}
