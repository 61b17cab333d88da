import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.js'
import { reasonOf } from '../base/errors.js'
import { hexOf } from '../base/wire/bytes.js'
import type { FrameReader } from '../base/wire/frames.js'
import type { Room } from '../node/room.js'
import { FaceSession, type Notice } from './face-session.js'
import type { Hello } from './handshake.js'
import type { RoomOptions } from './options.js'
import { RequestDesk } from './request-desk.js'

/** How long a client may repeat a request; older requests are forgotten. */
const REQUESTS_MS_MAX = 7 * 24 * 60 * 60 * 1_000
/** Notices that are kept for the first face. */
const NOTICES_MAX = 256

export interface HostedRoomParts {
  readonly clock: Clock
  readonly options: RoomOptions
  /** Opens the logs and the network. Rejects with a ChatError. */
  open(onNotice: (notice: Notice) => void): Promise<Room>
  /** Whether a notice of the opening is for the first face only. */
  isForFirst(notice: Notice): boolean
  /** Also told every notice; the foreground node prints them. */
  readonly onNotice: (notice: Notice) => void
  /** Whether the first face gets the notices from before it came. */
  readonly keepsNotices: boolean
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
  readonly #peers: Set<string>
  readonly #faces = new Map<Duplex, Face>()
  readonly #desks = new Map<string, Promise<RequestDesk>>()
  /** Notices of the opening, and those that no face has seen. */
  readonly #opening: readonly Notice[]
  #unseen: Notice[]
  #isClosed = false

  private constructor(peer: Room, parts: HostedRoomParts, unseen: Notice[]) {
    this.peer = peer
    this.#parts = parts
    this.#peers = new Set(parts.options.peers)
    this.#opening = unseen.filter(notice => notice.kind === 'info' && !parts.isForFirst(notice))
    this.#unseen = parts.keepsNotices ? unseen : []
    const changed = (): void => this.#toAll(session => session.sendStateSoon())
    peer.on('change', changed).on('presence', changed).on('heads', changed)
    peer.delivery.on('change', holders => this.#toAll(session => session.custody(holders)))
  }

  static async open(parts: HostedRoomParts): Promise<HostedRoom> {
    let room: HostedRoom | undefined
    const early: Notice[] = []
    const peer = await parts.open(notice => {
      parts.onNotice(notice)
      if (room !== undefined) room.#notice(notice)
      else early.push(notice)
    })
    room = new HostedRoom(peer, parts, early)
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

  /** Serves a face from now on. `onReady` is called before anything else is sent to it. */
  async attach(socket: Duplex, reader: FrameReader, hello: Hello, onReady: () => void): Promise<void> {
    const client = hexOf(hello.client ?? new Uint8Array(0))
    const desk = this.#desks.get(client) ?? RequestDesk.open(this.peer, hello.client ?? new Uint8Array(0))
    this.#desks.set(client, desk)
    const opened = await desk
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
      desk: opened,
      others: () => this.faces - 1,
      onGoodbye: () => {
        hasSaidGoodbye = true
        gone()
      },
    })
    const isFirst = this.#faces.size === 0
    this.#faces.set(socket, { session, client })
    socket.once('close', gone)
    onReady()
    session.start()
    for (const notice of this.#noticesFor(hello, isFirst)) session.notice(notice)
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
    await this.peer.close()
    for (const socket of this.#faces.keys()) socket.destroy()
  }

  #notice(notice: Notice): void {
    if (this.#faces.size === 0 && this.#parts.keepsNotices) {
      this.#unseen.push(notice)
      if (this.#unseen.length > NOTICES_MAX) this.#unseen.shift()
    }
    this.#toAll(session => session.notice(notice))
  }

  #noticesFor({ isBack }: Hello, isFirst: boolean): readonly Notice[] {
    const unseen = this.#unseen
    this.#unseen = []
    if (isBack) return unseen.filter(({ kind }) => kind === 'alarm')
    const isOpening = this.#opening.some(notice => unseen.includes(notice))
    if (isOpening) return unseen
    const line = `${this.peer.me} is in the chat already${isFirst ? '' : ': this is another face of it'}`
    return [{ kind: 'info', line }, ...this.#opening, ...unseen]
  }

  #link(peer: string, session: FaceSession): void {
    if (this.#peers.has(peer)) return
    this.#peers.add(peer)
    try {
      this.peer.connect(peer)
    } catch (error) {
      session.notice({ kind: 'alarm', line: reasonOf(error) })
    }
  }

  #dropDesk(client: string): void {
    if (![...this.#faces.values()].some(face => face.client === client)) this.#desks.delete(client)
  }

  #toAll(tell: (session: FaceSession) => void): void {
    for (const { session } of this.#faces.values()) tell(session)
  }
}
