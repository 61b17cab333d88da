import type { Duplex } from 'node:stream'
import type { Clock, Millis } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import type { NodeEvent } from '../../node/events.js'
import type { Room } from '../../node/room.js'
import type { Fields } from '../protocol/codec.js'
import { isProblem } from '../protocol/events.js'
import { OPEN_ROOMS_MAX } from '../protocol/limits.js'
import { checkConflict, type NodeOptions, nodeOptionsOf, type RoomOptions, roomNameOf } from '../protocol/options.js'
import { HostedRoom } from './hosted-room.js'
import type { NodeStore } from './node-store.js'
import { ParkedRooms } from './parked-rooms.js'
import type { OpenRooms } from './room-commands.js'

/** How long a room stays open after its last face disconnected without a goodbye. */
const GRACE_MS = 1_000

/** A room that was used within this time is not closed in favour of a room that only a peer has opened. */
const FRESH_MS = 10_000

export interface HostedRoomsParts {
  readonly me: string
  readonly clock: Clock
  readonly store: NodeStore
  /** Whether rooms keep the events that happen while no face reads them. */
  readonly keepsEvents: boolean
  openRoom(options: RoomOptions, onEvent: (event: NodeEvent) => void): Promise<Room>
  /** Calls `onWanted` when a peer opens a room that is closed here. Returns a function that stops listening. Default: never. */
  watchRoom?(options: RoomOptions, onWanted: () => void): Promise<() => void>
  /** Runs a command of a face on private rooms. */
  command(command: Fields, onItem: (item: Fields) => void, signal: AbortSignal): Promise<void>
  readonly onEvent: (event: NodeEvent) => void
  readonly onOpened: (room: HostedRoom) => void
  /** Called when a room was closed. */
  readonly onClosed: () => void
  /** Ends the node instead of closing its last room; undefined if the node stays. */
  readonly endWithLast: () => Promise<void> | undefined
  /** Tells a face that its room is closed for good. */
  readonly announceStop: (socket: Duplex) => void
  readonly log: (event: string) => void
}

/** What `status` reports about a room. */
export interface RoomStatus {
  readonly room: string
  /** Whether it is open. Beyond OPEN_ROOMS_MAX, only the most recently used rooms are. */
  readonly open: boolean
  readonly faces: number
  readonly connections: readonly string[]
  /** The scuttleup peers among them, whose connections are not encrypted. */
  readonly plain: readonly string[]
  /** Empty if it is not open. */
  readonly listen: string
}

/** The rooms of a node: open, closing, or parked in favour of others while their faces wait. */
export class HostedRooms implements OpenRooms {
  readonly #parts: HostedRoomsParts
  /** Rooms that are open or being opened, by name. */
  readonly #rooms = new Map<string, Promise<HostedRoom>>()
  /** Rooms that are open, by name. */
  readonly #open = new Map<string, HostedRoom>()
  /** Rooms that are being closed; a new face waits until its room is closed. */
  readonly #closing = new Map<string, Promise<void>>()
  readonly #parked: ParkedRooms
  /** Parked rooms that are opened as soon as another room may be parked instead. */
  readonly #wanted = new Set<string>()
  /** The options that all rooms share: the options of the room that was opened first. */
  #shared: NodeOptions | undefined
  /** The room that keeps running without faces. */
  #ownRoom: string | undefined
  /** Events of rooms that could not be opened, by name, until a face gets them. */
  readonly #unseen = new Map<string, NodeEvent[]>()
  /** Resolves when the command that changes the databases has ended; until then, the rooms are closed. */
  #paused: Promise<void> | undefined
  /** Rooms that are open although no face has attached to them. */
  readonly #quiet = new Set<string>()
  #isEnding = false

  constructor(parts: HostedRoomsParts) {
    this.#parts = parts
    this.#parked = new ParkedRooms(parts.onClosed)
  }

  /** The rooms that are open. */
  get open(): Iterable<HostedRoom> {
    return this.#open.values()
  }

  /** Whether no room is open, none is being closed, no face waits, and no command has paused the node. */
  get areIdle(): boolean {
    return !this.#isUsed() && this.#parked.size + this.#closing.size === 0 && this.#paused === undefined
  }

  /** Opens a room without a face. Undefined if no other room is open. */
  async openInBackground(name: string): Promise<Room | undefined> {
    if (this.#isEnding || this.#shared === undefined) return undefined
    const isOpen = this.#rooms.has(name)
    if (!isOpen) this.#quiet.add(name)
    return (await this.roomFor({ room: name, peers: [], ...this.#shared }, isOpen ? 0 : FRESH_MS)).peer
  }

  /** Whether a room is open without a face. */
  isInBackground(name: string): boolean {
    return this.#quiet.has(name) && this.#open.get(name)?.faces === 0
  }

  /** A face attaches to a room. */
  faceAttached(name: string): void {
    this.#quiet.delete(name)
  }

  /** Closes a room: its faces reattach. */
  recycle(name: string): Promise<void> {
    return this.#close(name)
  }

  /** Reports an event in the rooms that faces show, or else in the first room. */
  report(event: NodeEvent): void {
    const rooms = [...this.#open.values()]
    const seen = rooms.filter(({ idleSince }) => idleSince === undefined)
    for (const { peer } of seen.length > 0 ? seen : rooms.slice(0, 1)) peer.report(event)
  }

  get statuses(): readonly RoomStatus[] {
    const open = [...this.#open].map(([room, { faces, peer }]) => {
      const { connected: connections, plain = [] } = peer.connectionSummary
      return { room, open: true, faces, connections, plain, listen: peer.listensOn ?? peer.address }
    })
    return [...open, ...this.#parked.faces.map(([room, faces]) => ({ room, open: false, faces, ...NO_CONNECTIONS }))]
  }

  get nodeOptions(): NodeOptions | undefined {
    return this.#shared
  }

  async openRoom(name: string): Promise<Room | undefined> {
    return (await this.#rooms.get(name)?.catch(() => undefined))?.peer
  }

  /** Whether the room keeps running without faces. */
  isOwn(options: RoomOptions): boolean {
    return roomNameOf(options) === this.#ownRoom
  }

  /** Opens a room that keeps running without faces. Rejects with a ChatError. */
  async openOwn(options: RoomOptions): Promise<void> {
    this.#ownRoom = roomNameOf(options)
    await this.roomFor(options)
  }

  /**
   * The room of a face; opens it if necessary. At OPEN_ROOMS_MAX, parks the least recently used room, unless it was
   * used in the last `freshMs`.
   */
  async roomFor(options: RoomOptions, freshMs = 0): Promise<HostedRoom> {
    const name = roomNameOf(options)
    while (this.#paused !== undefined) await this.#paused
    await this.#closing.get(name)
    const known = this.#rooms.get(name)
    if (known !== undefined) return known
    const { me } = this.#parts
    if (this.#rooms.size >= OPEN_ROOMS_MAX) {
      if (!(await this.#parkIdlest(freshMs)))
        throw new ChatError('BAD_USAGE', `${me} has ${OPEN_ROOMS_MAX} rooms open`, {
          hint: 'Close one first: /close in its terminal.',
        })
      return this.roomFor(options, freshMs)
    }
    if (this.#shared !== undefined) checkConflict(me, this.#shared, options)
    this.#shared ??= nodeOptionsOf(options)
    const opening = this.#openRoom(name, { ...options, ...this.#shared })
    this.#rooms.set(name, opening)
    const room = await opening
    this.#parked.wake(name)
    return room
  }

  /** The events of failed attempts to open a room; each is returned once. */
  takeUnseen(options: RoomOptions): readonly NodeEvent[] {
    const name = roomNameOf(options)
    const unseen = this.#unseen.get(name) ?? []
    this.#unseen.delete(name)
    return unseen.filter(isProblem)
  }

  /** Runs work on the databases of a closed room. A face that opens the room waits. */
  async whileClosed<T>(name: string, work: () => Promise<T>): Promise<T> {
    while (this.#paused !== undefined) await this.#paused
    for (let before = this.#closing.get(name); before !== undefined; before = this.#closing.get(name)) await before
    const done = work()
    const closing = done.then(
      () => {},
      () => {},
    )
    this.#closing.set(name, closing)
    try {
      return await done
    } finally {
      if (this.#closing.get(name) === closing) this.#closing.delete(name)
    }
  }

  /**
   * Closes the rooms until `until` resolves, while a command changes the databases; faces attach again afterwards. One command at a
   * time. The lock stays with this node, so that no other process becomes the node.
   */
  async pause(until: Promise<void>, onPaused: () => void): Promise<void> {
    const before = this.#paused
    const ownRoom = this.#ownRoom === undefined ? undefined : this.#open.get(this.#ownRoom)?.options
    const all = Promise.all([before, until]).then(() => {})
    this.#paused = all
    await before
    this.#parts.log('pauses for a command')
    const rooms = await Promise.allSettled(this.#rooms.values())
    this.#rooms.clear()
    this.#shared = undefined
    this.#open.clear()
    for (const room of rooms) if (room.status === 'fulfilled') await room.value.close()
    onPaused()
    await until
    if (this.#paused === all) this.#paused = undefined
    if (this.#isEnding) return
    this.#parts.log('continues')
    if (ownRoom !== undefined) await this.openOwn(ownRoom).catch(() => this.#parts.log('cannot open its room'))
  }

  /** Closes a room for good, and tells its faces. */
  async closeRoom(name: string): Promise<void> {
    this.#open.get(name)?.announceEnd(this.#parts.announceStop)
    await this.#close(name)
  }

  /** Closes the rooms that no face uses. */
  closeUnused(): void {
    for (const [name, { faces }] of this.#open) if (faces === 0 && !this.#quiet.has(name)) void this.#close(name)
  }

  /** From now on, no single room is closed: `end` closes all of them. */
  prepareEnd(): void {
    this.#isEnding = true
  }

  /** Closes all rooms; `announce`, if given, sends each face the reason. */
  async end(announce: ((socket: Duplex) => void) | undefined): Promise<void> {
    const rooms = await Promise.allSettled(this.#rooms.values())
    const open = new Set(this.#open.values())
    for (const room of rooms) if (room.status === 'fulfilled') open.add(room.value)
    if (announce !== undefined) {
      for (const room of open) room.announceEnd(announce)
      for (const socket of this.#parked.sockets) announce(socket)
    }
    await Promise.allSettled([...open].map(room => room.close()))
    await Promise.allSettled(this.#closing.values())
  }

  async #openRoom(name: string, options: RoomOptions): Promise<HostedRoom> {
    const { clock, openRoom, command, onEvent, onOpened, keepsEvents, store } = this.#parts
    const early = this.#unseen.get(name) ?? []
    try {
      const room = await HostedRoom.open({
        clock,
        options,
        open: report => openRoom(options, report),
        store,
        early,
        command,
        onEvent,
        keepsEvents,
        onFaceGone: (hasSaidGoodbye, socket) => this.#faceGone(name, hasSaidGoodbye, socket),
      })
      this.#open.set(name, room)
      this.#unseen.delete(name)
      onOpened(room)
      return room
    } catch (error) {
      this.#forget(name)
      this.#unseen.set(name, early)
      throw error
    }
  }

  /** Parks the least recently used room. False if every room is shown by a face, or was used within `freshMs`. */
  async #parkIdlest(freshMs: Millis): Promise<boolean> {
    const { clock, log, watchRoom } = this.#parts
    const latest = clock.now() - freshMs
    const [idlest] = [...this.#open]
      .flatMap(([name, room]) => {
        const { idleSince } = room
        const mayClose = name !== this.#ownRoom && idleSince !== undefined && idleSince <= latest
        return mayClose ? [{ name, room, idleSince }] : []
      })
      .sort((a, b) => a.idleSince - b.idleSince)
    if (idlest === undefined || this.#isEnding) return false
    const { name, room } = idlest
    log('closes a room to open another one')
    this.#open.delete(name)
    this.#rooms.delete(name)
    const { options } = room
    const faces = room.park()
    const closing = this.#closed(name, room)
    if (faces.length > 0) {
      this.#parked.add(
        name,
        faces,
        watchRoom?.(options, () => this.#wake(name, options)),
      )
    }
    await closing
    return true
  }

  /**
   * A peer opened a parked room, or has new entries in it. Opens the room; if all open rooms were used just now, opens
   * it later.
   */
  #wake(name: string, options: RoomOptions): void {
    if (this.#wanted.has(name)) return
    this.#wanted.add(name)
    this.roomFor(options, FRESH_MS).then(
      () => this.#wanted.delete(name),
      () =>
        this.#parts.clock.after(FRESH_MS, () => {
          this.#wanted.delete(name)
          if (this.#parked.has(name)) this.#wake(name, options)
        }),
    )
  }

  #faceGone(name: string, hasSaidGoodbye: boolean, socket: Duplex): void {
    this.#parts.log(`face gone ${hasSaidGoodbye ? 'with' : 'without'} goodbye`)
    const room = this.#open.get(name)
    if (this.#isEnding || room === undefined) return
    const isEmpty = (): boolean => this.#open.get(name) === room && room.faces === 0 && name !== this.#ownRoom
    // The other person of a direct room may write while the user reads other rooms, so the room stays open.
    const staysQuiet = (): boolean => room.peer.direct !== undefined && this.#isUsed(name)
    const closeIfEmpty = (): void => {
      if (!isEmpty()) return
      if (staysQuiet()) this.#quiet.add(name)
      else void this.#close(name)
    }
    if (!hasSaidGoodbye) this.#parts.clock.after(GRACE_MS, closeIfEmpty)
    else if (!isEmpty() || staysQuiet()) {
      closeIfEmpty()
      socket.destroy()
    }
    // The last face waits until the database is closed.
    else void this.#close(name).finally(() => socket.destroy())
  }

  async #close(name: string): Promise<void> {
    const room = this.#open.get(name)
    if (room === undefined || this.#isEnding) return
    this.#open.delete(name)
    this.#forget(name)
    if (!this.#isUsed() && this.#parked.size === 0) {
      this.#open.set(name, room)
      const ended = this.#parts.endWithLast()
      if (ended !== undefined) return ended
      this.#open.delete(name)
    }
    await this.#closed(name, room)
    this.#parts.onClosed()
  }

  /** Closes the databases of a room; a face that opens it meanwhile waits. */
  #closed(name: string, room: HostedRoom): Promise<void> {
    const closing = room.close().finally(() => this.#closing.delete(name))
    this.#closing.set(name, closing)
    return closing
  }

  /** Whether a room other than `except` is open because a face or the node's start opened it. */
  #isUsed(except?: string): boolean {
    for (const name of this.#open.keys()) if (name !== except && !this.#quiet.has(name)) return true
    return false
  }

  #forget(name: string): void {
    this.#rooms.delete(name)
    this.#quiet.delete(name)
    if (this.#rooms.size === 0) this.#shared = undefined
  }
}

const NO_CONNECTIONS = { connections: [], plain: [], listen: '' } as const
