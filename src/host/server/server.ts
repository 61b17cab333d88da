import type { Duplex } from 'node:stream'
import type { Cancel, Clock, Millis } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../base/wire/frames.js'
import { authorOfLog } from '../../log/format/author.js'
import type { NodeEvent } from '../../node/events.js'
import { answerPeople, type PeopleRequest } from '../../node/people/people-request.js'
import type { Pins } from '../../node/people/pins.js'
import type { Room } from '../../node/room.js'
import { CODEC_VERSION, type CodecVersion, type Fields, jsonBody, readHostFrame } from '../protocol/codec.js'
import { isProblem } from '../protocol/events.js'
import { challengeFields, type Hello, helloOf, nonceOf } from '../protocol/handshake.js'
import { OPEN_ROOMS_MAX } from '../protocol/limits.js'
import { faultOf } from '../protocol/node-start.js'
import { checkConflict, type NodeOptions, nodeOptionsOf, type RoomOptions, roomNameOf } from '../protocol/options.js'
import type { Secret } from '../protocol/secret.js'
import { HostedRoom } from './hosted-room.js'
import type { NodeStore } from './node-store.js'
import { ParkedRooms } from './parked-rooms.js'
import type { OpenRooms, RoomCommands } from './room-commands.js'

/** How long a connection has to prove that it knows the secret. */
const HELLO_MS_MAX = 10_000
/** How long a node waits for its first face. */
const FIRST_FACE_MS_MAX = 10_000
/** How long a room stays open after its last face disconnected without a goodbye. */
const GRACE_MS = 1_000

/** A room that was used within this time is not closed for one that only a peer comes to. */
const FRESH_MS = 10_000

/** Why a node ends: no face uses it, it was stopped, or a newer version replaces it. */
export type EndReason = 'idle' | 'stopped' | 'replaced'

export interface ServerParts {
  readonly me: string
  readonly pid: number
  readonly version: string
  readonly codec?: CodecVersion
  readonly secret: Secret
  readonly clock: Clock
  readonly random: Random
  /** Whether the node, and the room that it was started with, keep running without faces. */
  readonly stays: boolean
  /** The rooms that the user has entered, and their read marks. */
  readonly store: NodeStore
  /** Whom the user knows, in all rooms. */
  readonly pins: Pins
  /** The commands on private rooms. */
  commands(rooms: OpenRooms): Promise<RoomCommands>
  openRoom(options: RoomOptions, onEvent: (event: NodeEvent) => void): Promise<Room>
  /** Calls `onWanted` when a peer comes to a room that is closed. Returns a function that ends that. Default: never. */
  listRoom?(options: RoomOptions, onWanted: () => void): Promise<() => void>
  readonly onEvent: (event: NodeEvent) => void
  /** Whether the program's files have been replaced since the start. */
  areFilesReplaced(): boolean
  readonly log: (event: string) => void
}

/** What `status` reports about a node. */
export interface NodeStatus {
  readonly me: string
  readonly pid: number
  readonly since: string
  readonly version: string
  readonly filesReplaced: boolean
  readonly stays: boolean
  readonly rooms: readonly RoomStatus[]
}

interface RoomStatus {
  readonly room: string
  /** Whether it is open: of more rooms than may be, those are that somebody looked at last. */
  readonly open: boolean
  readonly faces: number
  readonly connections: readonly string[]
  /** Of these, scuttleup peers: their connections are not encrypted. */
  readonly plain: readonly string[]
  /** Empty if it is not open. */
  readonly listen: string
}

/**
 * Serves the rooms of one identity to faces in other processes. To end, it stops accepting connections, closes its rooms, releases
 * the lock, and then closes the connections that wait for the end.
 */
export class NodeServer {
  readonly #parts: ServerParts
  readonly #startedAt: Millis
  readonly #rooms = new Map<string, Promise<HostedRoom>>()
  /** Rooms that are open, by name. */
  readonly #open = new Map<string, HostedRoom>()
  /** Rooms that are being closed; a new face waits until its room is closed. */
  readonly #closing = new Map<string, Promise<void>>()
  readonly #parked = new ParkedRooms(() => this.#endIfIdle())
  /** The options that the rooms share, as the first one was opened with. */
  #shared: NodeOptions | undefined
  readonly #sockets = new Set<Duplex>()
  /** The room that keeps running without faces. */
  #ownRoom: string | undefined
  /** Events of rooms that could not be opened, by name, until a face gets them. */
  readonly #unseen = new Map<string, NodeEvent[]>()
  #waitsForFirst: Cancel = () => {}
  /** Resolves when no command changes the databases: the rooms are closed meanwhile. */
  #paused: Promise<void> | undefined
  /** Hellos whose room is being opened. */
  #arriving = 0
  #ending: Promise<void> | undefined
  #stopListening: () => Promise<void> = async () => {}
  #release: () => Promise<void> = async () => {}
  #onEnded: (reason: EndReason) => void = () => {}
  readonly #joins = new AbortController()
  #hasResumed = false
  /** Resolves when the databases are closed and the lock is free. */
  readonly ended: Promise<EndReason>

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
    this.ended = new Promise(resolve => {
      this.#onEnded = resolve
    })
  }

  /** Starts waiting for the first face. `stopListening` and `release` are called when the node ends. */
  serve(stopListening: () => Promise<void>, release: () => Promise<void>): void {
    this.#stopListening = stopListening
    this.#release = release
    this.#parts.log(`serves ${this.#parts.me}`)
    this.#waitForFace()
  }

  /** Opens the room that the node was started for. Rejects with a ChatError. */
  async openOwnRoom(options: RoomOptions): Promise<void> {
    if (this.#parts.stays) this.#ownRoom = roomNameOf(options)
    await this.#roomFor(options)
    this.#waitForFace()
  }

  get status(): NodeStatus {
    const { me, pid, version, stays } = this.#parts
    const open = [...this.#open].map(([room, { faces, peer }]) => {
      const { connected: connections, plain = [] } = peer.connectionSummary
      return { room, open: true, faces, connections, plain, listen: peer.listensOn ?? peer.address }
    })
    const parked = this.#parked.faces.map(([room, faces]) => ({ room, open: false, faces, ...NO_CONNECTIONS }))
    const rooms = [...open, ...parked]
    const since = new Date(this.#startedAt).toISOString()
    return { me, pid, since, version, filesReplaced: this.#parts.areFilesReplaced(), stays, rooms }
  }

  accept(socket: Duplex): void {
    socket.on('error', () => socket.destroy())
    if (this.#ending !== undefined) return void socket.destroy()
    const { clock, random, secret, codec = CODEC_VERSION } = this.#parts
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const nodeNonce = nonceOf(random)
    const reader = new FrameReader(FRAME_BYTES_MAX)
    const cancel = clock.after(HELLO_MS_MAX, () => socket.destroy())
    const receive = (bytes: Uint8Array): void => {
      reader.push(bytes)
      const next = reader.next()
      if (next.kind === 'more') return
      const read = next.kind === 'frame' ? readHostFrame(next.body) : undefined
      const known = read?.kind === 'json' ? helloOf(read.value, secret, nodeNonce) : undefined
      cancel()
      if (known === undefined) return void socket.destroy()
      socket.off('data', receive).pause()
      const proof = secret.proof('node', nodeNonce, known.nonce)
      void this.#greet(socket, reader, known.hello, proof)
    }
    socket.on('data', receive)
    socket.once('close', cancel)
    send(socket, challengeFields(codec, nodeNonce))
  }

  /** Ends the node: resolves when its databases are closed and its lock is free. */
  end(reason: EndReason): Promise<void> {
    this.#ending ??= this.#end(reason)
    return this.#ending
  }

  async #greet(socket: Duplex, reader: FrameReader, hello: Hello, proof: string): Promise<void> {
    const { codec = CODEC_VERSION, me, log } = this.#parts
    const { purpose, version, pid } = hello
    if (purpose === 'status') {
      send(socket, { is: 'welcome', proof, status: this.status })
      return void socket.end()
    }
    if (purpose === 'stop') {
      send(socket, { is: 'welcome', proof })
      return this.end('stopped')
    }
    if (purpose === 'replace') {
      if (version.major <= codec.major) return void socket.destroy()
      send(socket, { is: 'welcome', proof })
      return this.end('replaced')
    }
    if (purpose === 'people') {
      this.#answerPeople(socket, proof, hello.people ?? fail())
      return void socket.end()
    }
    if (purpose === 'pause') {
      send(socket, { is: 'opening', proof })
      return this.#pause(socket, () => send(socket, { is: 'welcome', proof }))
    }
    if (purpose === 'command') return this.#answer(socket, proof, hello.command ?? {})
    this.#arriving++
    send(socket, { is: 'opening', proof }) // a large database takes a while
    try {
      if (version.major !== codec.major)
        throw new ChatError('NODE_UNUSABLE', `${me} runs in another version of persisted-chat (${this.#parts.version})`)
      const options = hello.options ?? fail()
      const room = await this.#roomFor(options)
      checkConflict(me, room.options, options)
      const { id, room: name, address } = room.peer
      const staysOpen = roomNameOf(options) === this.#ownRoom
      const fields = { me, id, room: name, address, pid: this.#parts.pid, options: room.options, staysOpen }
      const welcome = { is: 'welcome', proof, ...fields }
      this.#waitsForFirst()
      await room.attach(socket, reader, hello, () => send(socket, welcome))
      log(`face ${pid} attached`)
    } catch (error) {
      send(socket, { is: 'refused', proof, ...faultOf(error), events: this.#takeUnseen(hello.options) })
      socket.end()
      log(`face ${pid} refused: ${error instanceof ChatError ? error.code : 'a fault of the program'}`)
    } finally {
      this.#arriving--
      if (this.#open.size === 0) this.#endIfIdle()
    }
  }

  get #openRooms(): OpenRooms {
    return {
      openRoom: async name => (await this.#rooms.get(name)?.catch(() => undefined))?.peer,
      whileClosed: (name, work) => this.#whileClosed(name, work),
      closeRoom: async name => {
        this.#open.get(name)?.announceEnd(socket => send(socket, { is: 'end', reason: 'stopped' }))
        await this.#closeRoom(name)
      },
      nodeOptions: () => this.#shared,
    }
  }

  /** Runs a command on private rooms, in this process. Rejects with a ChatError. */
  async command(command: Fields, onItem: (item: Fields) => void, signal: AbortSignal): Promise<void> {
    this.#arriving++
    try {
      const commands = await this.#parts.commands(this.#openRooms)
      await commands.run(command, onItem, signal)
    } finally {
      this.#arriving--
    }
  }

  /** With the first room that is opened, goes on to look for the rooms whose codes the user has entered. */
  async #resumeJoins(room: HostedRoom): Promise<void> {
    if (this.#hasResumed) return
    this.#hasResumed = true
    const commands = await this.#parts.commands(this.#openRooms).catch(() => undefined)
    const onEntered = (entered: string): void => room.peer.report({ kind: 'room-entered', room: entered })
    await commands?.resumeJoins(onEntered, this.#joins.signal).catch(() => {})
  }

  async #answer(socket: Duplex, proof: string, command: Fields): Promise<void> {
    send(socket, { is: 'welcome', proof })
    socket.resume()
    const gone = new AbortController()
    socket.once('close', () => gone.abort(new ChatError('LOG_CLOSED', 'the command was stopped')))
    try {
      await this.command(command, value => send(socket, { is: 'item', value }), gone.signal)
      send(socket, { is: 'done' })
    } catch (error) {
      send(socket, { is: 'failed', ...faultOf(error) })
    }
    socket.end()
    if (this.#open.size === 0) this.#endIfIdle()
  }

  #answerPeople(socket: Duplex, proof: string, request: PeopleRequest): void {
    const { pins, clock } = this.#parts
    const authors = [...this.#open.values()].flatMap(({ peer }) => peer.heads.map(({ author }) => authorOfLog(author)))
    try {
      send(socket, { is: 'welcome', proof, pins: answerPeople(pins, request, { now: clock.now(), authors }) })
    } catch (error) {
      send(socket, { is: 'refused', proof, ...faultOf(error) })
    }
  }

  /**
   * The room of a face; opens it if necessary. Where as many are open as may be, the one that nobody has looked at for the longest time
   * is closed, unless it was used in the last `freshMs`.
   */
  async #roomFor(options: RoomOptions, freshMs = 0): Promise<HostedRoom> {
    const name = roomNameOf(options)
    while (this.#paused !== undefined) await this.#paused
    await this.#closing.get(name)
    const known = this.#rooms.get(name)
    if (known !== undefined) return known
    if (this.#rooms.size >= OPEN_ROOMS_MAX) {
      if (!(await this.#parkIdlest(freshMs)))
        throw new ChatError('BAD_USAGE', `${this.#parts.me} has ${OPEN_ROOMS_MAX} rooms open`, {
          hint: 'Close one first: /leave in its terminal.',
        })
      return this.#roomFor(options, freshMs)
    }
    if (this.#shared !== undefined) checkConflict(this.#parts.me, this.#shared, options)
    this.#shared ??= nodeOptionsOf(options)
    const opening = this.#openRoom(name, { ...options, ...this.#shared })
    this.#rooms.set(name, opening)
    const room = await opening
    this.#parked.wake(name)
    return room
  }

  /** Closes the room that nobody has looked at for the longest time. False if somebody looks at each, or has just done so. */
  async #parkIdlest(freshMs: Millis): Promise<boolean> {
    const latest = this.#parts.clock.now() - freshMs
    const [idlest] = [...this.#open]
      .flatMap(([name, room]) => {
        const { idleSince } = room
        const mayClose = name !== this.#ownRoom && idleSince !== undefined && idleSince <= latest
        return mayClose ? [{ name, room, idleSince }] : []
      })
      .sort((a, b) => a.idleSince - b.idleSince)
    if (idlest === undefined || this.#ending !== undefined) return false
    const { name, room } = idlest
    this.#parts.log('closes a room to open another one')
    this.#open.delete(name)
    this.#rooms.delete(name)
    const { options } = room
    const sockets = room.park()
    const closing = room.close().finally(() => this.#closing.delete(name))
    this.#closing.set(name, closing)
    if (sockets.length > 0) {
      const onWanted = (): void => void this.#roomFor(options, FRESH_MS).catch(() => {})
      this.#parked.add(name, sockets, this.#parts.listRoom?.(options, onWanted))
    }
    await closing
    return true
  }

  /** Runs work on the databases of a room that is closed; a face that opens the room waits. */
  async #whileClosed<T>(name: string, work: () => Promise<T>): Promise<T> {
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
   * Closes the rooms until `socket` closes, while a command changes the databases; faces attach again afterwards. One command at a
   * time. The lock stays with this node, so that no other process becomes the node.
   */
  async #pause(socket: Duplex, onPaused: () => void): Promise<void> {
    const before = this.#paused
    const ownRoom = this.#ownRoom === undefined ? undefined : this.#open.get(this.#ownRoom)?.options
    const paused = new Promise<void>(resolve => void socket.once('close', resolve))
    const all = Promise.all([before, paused]).then(() => {})
    this.#paused = all
    await before
    this.#parts.log('pauses for a command')
    const rooms = await Promise.allSettled(this.#rooms.values())
    this.#rooms.clear()
    this.#shared = undefined
    this.#open.clear()
    for (const room of rooms) if (room.status === 'fulfilled') await room.value.close()
    onPaused()
    await paused
    if (this.#paused === all) this.#paused = undefined
    if (this.#ending !== undefined) return
    this.#parts.log('continues')
    if (ownRoom !== undefined) await this.openOwnRoom(ownRoom).catch(() => this.#parts.log('cannot open its room'))
    else this.#waitForFace()
  }

  async #openRoom(name: string, options: RoomOptions): Promise<HostedRoom> {
    const { clock, openRoom, onEvent, stays, store } = this.#parts
    const early = this.#unseen.get(name) ?? []
    try {
      const room = await HostedRoom.open({
        clock,
        options,
        open: report => openRoom(options, report),
        store,
        early,
        command: (command, onItem, signal) => this.command(command, onItem, signal),
        onEvent,
        keepsEvents: !stays,
        onFaceGone: (hasSaidGoodbye, socket) => this.#faceGone(name, hasSaidGoodbye, socket),
      })
      this.#open.set(name, room)
      this.#unseen.delete(name)
      void this.#resumeJoins(room)
      return room
    } catch (error) {
      this.#forget(name)
      this.#unseen.set(name, early)
      throw error
    }
  }

  #forget(name: string): void {
    this.#rooms.delete(name)
    if (this.#rooms.size === 0) this.#shared = undefined
  }

  #takeUnseen(options: RoomOptions | undefined): readonly NodeEvent[] {
    const name = options === undefined ? '' : roomNameOf(options)
    const unseen = this.#unseen.get(name) ?? []
    this.#unseen.delete(name)
    return unseen.filter(isProblem)
  }

  #faceGone(name: string, hasSaidGoodbye: boolean, socket: Duplex): void {
    this.#parts.log(`face gone ${hasSaidGoodbye ? 'with' : 'without'} goodbye`)
    const room = this.#open.get(name)
    if (this.#ending !== undefined || room === undefined) return
    const isEmpty = (): boolean => this.#open.get(name) === room && room.faces === 0 && name !== this.#ownRoom
    if (!hasSaidGoodbye) this.#parts.clock.after(GRACE_MS, () => isEmpty() && void this.#closeRoom(name))
    else if (!isEmpty()) socket.destroy()
    // The last face waits until the database is closed.
    else void this.#closeRoom(name).finally(() => socket.destroy())
  }

  async #closeRoom(name: string): Promise<void> {
    const room = this.#open.get(name)
    if (room === undefined || this.#ending !== undefined) return
    this.#open.delete(name)
    this.#forget(name)
    if (this.#open.size === 0 && this.#arriving === 0 && this.#parked.size === 0 && !this.#parts.stays) {
      this.#open.set(name, room)
      return this.end('idle')
    }
    const closing = room.close().finally(() => this.#closing.delete(name))
    this.#closing.set(name, closing)
    await closing
    this.#endIfIdle()
  }

  /** Closes the rooms that no face uses after a while: the face that started the node may have been killed before it came. */
  #waitForFace(): void {
    const { clock, stays } = this.#parts
    this.#waitsForFirst()
    if (stays) return
    this.#waitsForFirst = clock.after(FIRST_FACE_MS_MAX, () => {
      if (this.#arriving > 0) return this.#waitForFace()
      for (const [name, { faces }] of this.#open) if (faces === 0) void this.#closeRoom(name)
      this.#endIfIdle()
    })
  }

  #endIfIdle(): void {
    if (
      this.#open.size > 0 ||
      this.#parked.size > 0 ||
      this.#closing.size > 0 ||
      this.#arriving > 0 ||
      this.#parts.stays
    )
      return
    if (this.#paused !== undefined) return
    void this.end('idle')
  }

  async #end(reason: EndReason): Promise<void> {
    this.#parts.log(`ends: ${reason}`)
    this.#joins.abort(new ChatError('LOG_CLOSED', 'the node ended'))
    this.#waitsForFirst()
    await this.#stopListening()
    const rooms = await Promise.allSettled(this.#rooms.values())
    const open = new Set(this.#open.values())
    for (const room of rooms) if (room.status === 'fulfilled') open.add(room.value)
    const announce = (socket: Duplex): void => send(socket, { is: 'end', reason })
    if (reason !== 'idle') {
      for (const room of open) room.announceEnd(announce)
      for (const socket of this.#parked.sockets) announce(socket)
    }
    await Promise.allSettled([...open].map(room => room.close()))
    await Promise.allSettled(this.#closing.values())
    await this.#release()
    this.#parts.log('ended')
    this.#onEnded(reason)
    for (const socket of this.#sockets) socket.destroy()
  }
}

const NO_CONNECTIONS = { connections: [], plain: [], listen: '' } as const

function send(socket: Duplex, value: Fields): void {
  if (!socket.destroyed) socket.write(frame(jsonBody(value)))
}

function fail(): never {
  throw new Error('a face without options') // its hello would have been refused
}
