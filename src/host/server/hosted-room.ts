import type { Duplex } from 'node:stream'
import type { Clock, Millis } from '../../base/clock.js'
import { reasonOf } from '../../base/errors.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { FrameReader } from '../../base/wire/frames.js'
import type { NodeEvent } from '../../node/events.js'
import type { Room } from '../../node/room.js'
import { type FaceEvent, isProblem } from '../protocol/events.js'
import type { Hello } from '../protocol/handshake.js'
import type { RoomOptions } from '../protocol/options.js'
import type { RunCommand } from './face-calls.js'
import { FaceSession } from './face-session.js'
import type { NodeStore } from './node-store.js'
import type { WaitingFace } from './parked-rooms.js'
import { ReadMarks } from './read-marks.js'
import { RequestDeduplicator } from './request-deduplicator.js'
import { StoredReplicas } from './stored-replicas.js'

/** How long a client may repeat a request; older requests are forgotten. */
const REQUESTS_MS_MAX = 7 * 24 * 60 * 60 * 1_000
/** Largest number of events that are kept for the first face. */
const EVENTS_MAX = 256

export interface HostedRoomParts {
  readonly clock: Clock
  readonly options: RoomOptions
  /** Opens the logs and the network. Rejects with a ChatError. */
  open(onEvent: (event: NodeEvent) => void): Promise<Room>
  /** Records that the room was entered, and stores its read marks. */
  readonly store: NodeStore
  /** Events of earlier attempts to open the room. Events of this attempt are added. */
  readonly early: NodeEvent[]
  /** Runs a command on private rooms. */
  readonly command: RunCommand
  /** Called with every event; the foreground node prints them. */
  readonly onEvent: (event: NodeEvent) => void
  /** Whether the first face gets the events that happened before it attached. */
  readonly keepsEvents: boolean
  /** Called when a face is gone. */
  readonly onFaceGone: (hasSaidGoodbye: boolean, socket: Duplex) => void
}

interface Face {
  readonly session: FaceSession
  readonly client: string
}

/** A room that this node has open, and its faces. */
export class HostedRoom {
  readonly peer: Room
  readonly #parts: HostedRoomParts
  readonly #marks: ReadMarks
  readonly #replicas: StoredReplicas
  readonly #peers: Set<string>
  readonly #faces = new Map<Duplex, Face>()
  readonly #requests = new Map<string, Promise<RequestDeduplicator>>()
  /** The events of opening the room, and later events that no face has seen. */
  readonly #opening: readonly NodeEvent[]
  #unseen: NodeEvent[]
  /** When the room was last shown or used, or something arrived in it. */
  #usedAt: Millis
  #isClosed = false

  private constructor(peer: Room, parts: HostedRoomParts, marks: ReadMarks, unseen: NodeEvent[]) {
    this.peer = peer
    this.#marks = marks
    this.#replicas = new StoredReplicas(parts.store, peer.label, peer.receipts, parts.clock)
    this.#parts = parts
    this.#peers = new Set(parts.options.peers)
    this.#usedAt = parts.clock.now()
    this.#opening = unseen.filter(event => !isProblem(event) && event.kind !== 'key-created')
    this.#unseen = parts.keepsEvents ? unseen : []
    const changed = (): void => this.#toAll(session => session.sendStateSoon())
    peer.on('change', changed).on('presence', changed).on('heads', changed)
    peer.on('heads', () => this.#used())
    peer.logs.on('forgotten', log => this.#toAll(session => session.forgotten(log)))
    marks.on('moved', moved => this.#toAll(session => session.marks(moved)))
    peer.delivery.on('change', replicas => this.#toAll(session => session.delivered(replicas)))
  }

  static async open(parts: HostedRoomParts): Promise<HostedRoom> {
    let room: HostedRoom | undefined
    const peer = await parts.open(event => {
      parts.onEvent(event)
      if (room !== undefined) room.#report(event)
      else if (parts.early.length < EVENTS_MAX) parts.early.push(event)
    })
    const { label } = peer
    await parts.store.enter({ name: peer.room, label, enteredAt: parts.clock.now() })
    room = new HostedRoom(peer, parts, await ReadMarks.open(parts.store, label, peer.logs), parts.early)
    await peer.requests.forgetBefore(parts.clock.now() - REQUESTS_MS_MAX)
    return room
  }

  /** The options that the room runs with, including peers that faces have added. */
  get options(): RoomOptions {
    return { ...this.#parts.options, peers: [...this.#peers] }
  }

  get faces(): number {
    return this.#faces.size
  }

  /** When the room was last shown or used, or anything arrived; undefined while a face shows it. */
  get idleSince(): Millis | undefined {
    return [...this.#faces.values()].some(({ session }) => session.isLooking) ? undefined : this.#usedAt
  }

  /** Detaches the faces before the room closes; they wait for it to open again. */
  park(): WaitingFace[] {
    const faces = [...this.#faces.values()].map(({ session }) => session.park())
    this.#faces.clear()
    return faces
  }

  /** Serves a face from now on. Calls `onReady` before anything else is sent to the face. */
  async attach(socket: Duplex, reader: FrameReader, hello: Hello, onReady: () => void): Promise<void> {
    const client = hexOf(hello.client ?? new Uint8Array(0))
    const requests =
      this.#requests.get(client) ?? RequestDeduplicator.open(this.peer, hello.client ?? new Uint8Array(0))
    this.#requests.set(client, requests)
    const opened = await requests
    if (this.#isClosed || socket.destroyed) return void socket.destroy()
    let hasSaidGoodbye = false
    const gone = (): void => {
      if (!this.#faces.delete(socket)) return
      session.close()
      void opened.settled().then(() => this.#dropDesk(client))
      this.#toAll(other => other.sendStateSoon())
      this.#parts.onFaceGone(hasSaidGoodbye, socket)
    }
    const session = new FaceSession(this.peer, socket, reader, {
      clock: this.#parts.clock,
      requests: opened,
      marks: this.#marks,
      others: () => this.faces - 1,
      command: this.#parts.command,
      minor: hello.version.minor,
      onUsed: () => this.#used(),
      onGoodbye: () => {
        hasSaidGoodbye = true
        gone()
      },
    })
    const isFirst = this.#faces.size === 0
    this.#faces.set(socket, { session, client })
    this.#used()
    socket.once('close', gone)
    onReady()
    session.start()
    for (const event of this.#eventsFor(hello, isFirst)) session.event(event)
    for (const peer of hello.options?.peers ?? []) this.#link(peer, session)
    this.#toAll(other => other.sendStateSoon())
  }

  /** Tells every face that the node ends, and why. */
  announceEnd(send: (socket: Duplex) => void): void {
    for (const socket of this.#faces.keys()) send(socket)
  }

  /** Closes the logs and the network. Faces repeat unanswered requests to the next node. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#toAll(session => session.close())
    await this.#replicas.close()
    await Promise.all([this.peer.close(), this.#marks.saved()])
    for (const socket of this.#faces.keys()) socket.destroy()
  }

  #report(event: NodeEvent): void {
    if (this.#faces.size === 0 && this.#parts.keepsEvents) {
      this.#unseen.push(event)
      if (this.#unseen.length > EVENTS_MAX) this.#unseen.shift()
    }
    this.#toAll(session => session.event(event))
  }

  #eventsFor({ isBack }: Hello, isFirst: boolean): readonly FaceEvent[] {
    const unseen = this.#unseen
    this.#unseen = []
    if (isBack) return unseen.filter(isProblem)
    const isOpening = this.#opening.some(event => unseen.includes(event))
    if (isOpening) return unseen
    return [{ kind: 'already-open', name: this.peer.me, hasOtherFaces: !isFirst }, ...this.#opening, ...unseen]
  }

  #link(peer: string, session: FaceSession): void {
    if (this.#peers.has(peer)) return
    this.#peers.add(peer)
    try {
      this.peer.connect(peer)
    } catch (error) {
      session.event({ kind: 'connect-refused', peer, detail: reasonOf(error) })
    }
  }

  #used(): void {
    this.#usedAt = this.#parts.clock.now()
  }

  #dropDesk(client: string): void {
    if (![...this.#faces.values()].some(face => face.client === client)) this.#requests.delete(client)
  }

  #toAll(tell: (session: FaceSession) => void): void {
    for (const { session } of this.#faces.values()) tell(session)
  }
}
