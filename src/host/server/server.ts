import type { Duplex } from 'node:stream'
import type { Cancel, Clock, Millis } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { equalsIgnoringCase } from '../../base/names.js'
import type { Random } from '../../base/random.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../base/wire/frames.js'
import { authorOfLog } from '../../log/format/author.js'
import type { NodeEvent } from '../../node/events.js'
import { answerPeople, type PeopleRequest } from '../../node/people/people-request.js'
import type { Pins } from '../../node/people/pins.js'
import type { Room } from '../../node/room.js'
import { CODEC_VERSION, type CodecVersion, type Fields, jsonBody, readHostFrame } from '../protocol/codec.js'
import { challengeFields, type Hello, helloOf, nonceOf } from '../protocol/handshake.js'
import { faultOf } from '../protocol/node-start.js'
import { checkConflict, type RoomOptions } from '../protocol/options.js'
import type { Secret } from '../protocol/secret.js'
import { type DirectRooms, isDirectCommand, isDirectRoomName } from './direct-rooms.js'
import type { HostedRoom } from './hosted-room.js'
import { HostedRooms, type RoomStatus } from './hosted-rooms.js'
import type { NodeStore } from './node-store.js'
import type { OpenRooms, RoomCommands } from './room-commands.js'

/** How long a connection has to prove that it knows the secret. */
const HELLO_MS_MAX = 10_000
/** How long a node waits for its first face. */
const FIRST_FACE_MS_MAX = 10_000
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
  /** The people whom the user knows, in all rooms. */
  readonly pins: Pins
  /** The direct rooms of the user. */
  readonly direct?: DirectRooms
  /** The commands on private rooms. */
  commands(rooms: OpenRooms): Promise<RoomCommands>
  openRoom(options: RoomOptions, onEvent: (event: NodeEvent) => void): Promise<Room>
  /** Calls `onWanted` when a peer opens a room that is closed here. Returns a function that stops listening. Default: never. */
  watchRoom?(options: RoomOptions, onWanted: () => void): Promise<() => void>
  readonly onEvent: (event: NodeEvent) => void
  /** Whether the program's files have been replaced since the start. */
  areFilesReplaced(): boolean
  readonly log: (event: string) => void
}

/** The status of a node, as `status` reports it. */
export interface NodeStatus {
  readonly me: string
  readonly pid: number
  readonly since: string
  readonly version: string
  readonly filesReplaced: boolean
  readonly stays: boolean
  readonly rooms: readonly RoomStatus[]
}

/**
 * Serves the rooms of one identity to faces in other processes. When it ends, it stops accepting connections, closes
 * its rooms, releases the lock, and then closes the connections that wait for the end.
 */
export class NodeServer {
  readonly #parts: ServerParts
  readonly #startedAt: Millis
  readonly #rooms: HostedRooms
  readonly #sockets = new Set<Duplex>()
  #waitsForFirst: Cancel = () => {}
  /** Number of hellos and commands in progress. */
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
    this.#rooms = new HostedRooms({
      ...parts,
      keepsEvents: !parts.stays,
      command: (command, onItem, signal) => this.command(command, onItem, signal),
      onOpened: room => {
        void this.#resumeJoins(room)
        parts.direct?.opened(room.peer)
      },
      onClosed: () => this.#endIfIdle(),
      endWithLast: () => (this.#arriving === 0 && !parts.stays ? this.end('idle') : undefined),
      announceStop: socket => send(socket, { is: 'end', reason: 'stopped' }),
    })
    this.ended = new Promise(resolve => {
      this.#onEnded = resolve
    })
    parts.direct?.serve(this.#rooms)
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
    const named = await this.#named(options)
    if (this.#parts.stays) await this.#rooms.openOwn(named)
    else await this.#rooms.roomFor(named)
    this.#waitForFace()
  }

  get status(): NodeStatus {
    const { me, pid, version, stays } = this.#parts
    const since = new Date(this.#startedAt).toISOString()
    return {
      me,
      pid,
      since,
      version,
      filesReplaced: this.#parts.areFilesReplaced(),
      stays,
      rooms: this.#rooms.statuses,
    }
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
      const options = await this.#named(hello.options ?? fail())
      const room = await this.#rooms.roomFor(options)
      this.#rooms.faceAttached(room.peer.room)
      this.#parts.direct?.shown(room.peer.room)
      checkConflict(me, room.options, options)
      const { id, room: name, address } = room.peer
      const staysOpen = this.#rooms.isOwn(options)
      const fields = { me, id, room: name, address, pid: this.#parts.pid, options: room.options, staysOpen }
      const welcome = { is: 'welcome', proof, ...fields }
      this.#waitsForFirst()
      await room.attach(socket, reader, { ...hello, options }, () => send(socket, welcome))
      log(`face ${pid} attached`)
    } catch (error) {
      send(socket, {
        is: 'refused',
        proof,
        ...faultOf(error),
        events: hello.options === undefined ? [] : this.#rooms.takeUnseen(hello.options),
      })
      socket.end()
      log(`face ${pid} refused: ${error instanceof ChatError ? error.code : 'a fault of the program'}`)
    } finally {
      this.#arriving--
      this.#endIfIdle()
    }
  }

  /**
   * The options with the local name of the room. In a direct room, only the other person is dialled. Rejects with a
   * ChatError.
   */
  async #named(options: RoomOptions): Promise<RoomOptions> {
    const { direct } = this.#parts
    if (direct === undefined || !isDirectRoomName(options.room)) return options
    const { name, direct: pair } = await direct.resolve(options.room)
    const isTheirs = (peer: string): boolean => peer.includes(':') || equalsIgnoringCase(peer, pair?.name ?? '')
    return { ...options, room: name, peers: options.peers.filter(isTheirs) }
  }

  /** Runs a command on private or direct rooms, in this process. Rejects with a ChatError. */
  async command(command: Fields, onItem: (item: Fields) => void, signal: AbortSignal): Promise<void> {
    this.#arriving++
    const { direct } = this.#parts
    try {
      if (direct !== undefined && isDirectCommand(command)) return await direct.run(command, onItem)
      const commands = await this.#parts.commands(this.#rooms)
      await commands.run(command, onItem, signal)
    } finally {
      this.#arriving--
    }
  }

  /** Resumes the pending joins when the first room is opened. */
  async #resumeJoins(room: HostedRoom): Promise<void> {
    if (this.#hasResumed) return
    this.#hasResumed = true
    const commands = await this.#parts.commands(this.#rooms).catch(() => undefined)
    const onEntered = (entered: string): void => room.peer.report({ kind: 'room-entered', room: entered })
    commands?.spreadLeaves().catch(() => {}) // the next start tries it again
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
    this.#endIfIdle()
  }

  /** Closes the rooms until `socket` closes. */
  async #pause(socket: Duplex, onPaused: () => void): Promise<void> {
    await this.#rooms.pause(new Promise(resolve => void socket.once('close', resolve)), onPaused)
    if (this.#ending === undefined) this.#waitForFace()
  }

  #answerPeople(socket: Duplex, proof: string, request: PeopleRequest): void {
    const { pins, clock } = this.#parts
    const authors = [...this.#rooms.open].flatMap(({ peer }) => peer.heads.map(({ author }) => authorOfLog(author)))
    try {
      send(socket, {
        is: 'welcome',
        proof,
        pins: answerPeople(pins, request, { now: clock.now(), authors, asking: pins.known.asking ?? [] }),
      })
    } catch (error) {
      send(socket, { is: 'refused', proof, ...faultOf(error) })
    }
  }

  /**
   * After a while, closes the rooms that no face uses: the face that started the node may have been killed before it
   * attached.
   */
  #waitForFace(): void {
    const { clock, stays } = this.#parts
    this.#waitsForFirst()
    if (stays) return
    this.#waitsForFirst = clock.after(FIRST_FACE_MS_MAX, () => {
      if (this.#arriving > 0) return this.#waitForFace()
      this.#rooms.closeUnused()
      this.#endIfIdle()
    })
  }

  #endIfIdle(): void {
    if (this.#rooms.areIdle && this.#arriving === 0 && !this.#parts.stays) void this.end('idle')
  }

  async #end(reason: EndReason): Promise<void> {
    this.#parts.log(`ends: ${reason}`)
    this.#joins.abort(new ChatError('LOG_CLOSED', 'the node ended'))
    this.#waitsForFirst()
    this.#rooms.prepareEnd()
    await this.#stopListening()
    await this.#rooms.end(reason === 'idle' ? undefined : socket => send(socket, { is: 'end', reason }))
    await this.#release()
    this.#parts.log('ended')
    this.#onEnded(reason)
    for (const socket of this.#sockets) socket.destroy()
  }
}

function send(socket: Duplex, value: Fields): void {
  if (!socket.destroyed) socket.write(frame(jsonBody(value)))
}

function fail(): never {
  throw new Error('a face without options') // its hello would have been refused
}
