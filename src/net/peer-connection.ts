import type { Clock, Millis } from '../base/clock.js'
import type { Multiplexer } from './channels/multiplexer.js'
import type { CloseReason } from './events.js'
import { startHeartbeat } from './heartbeat.js'
import { PONG_MS_MAX, READING_CHECK_MS, ROOMLESS_MS_MAX } from './limits.js'
import type { RoomChannels } from './room-channels.js'
import type { ConnectionId, OpenConnection } from './topology.js'
import type { Dialled, Opened } from './upgrader.js'

/** One proven connection to one peer, over any network. It closes when the peer is silent, or does not read. */
export class PeerConnection implements OpenConnection {
  readonly id: ConnectionId
  readonly remote: Opened['remote']
  readonly dialled: string | undefined
  readonly probed: string | undefined
  readonly remoteAddress: string
  readonly stream: Opened['stream']
  /** Carries the rooms; undefined for a scuttleup peer. */
  readonly multiplexer: Multiplexer | undefined
  /** Whether the topology accepted it. */
  isConnected = false
  readonly #opened: Opened
  readonly #clock: Clock
  readonly #openedAt: Millis
  /** Rooms whose file channels the other side broke. */
  readonly #withoutFiles = new WeakSet<RoomChannels>()
  #closeReason: CloseReason = 'closed'
  #cancelEnd = (): void => {}
  #cancelCheck = (): void => {}

  constructor(id: ConnectionId, opened: Opened, dialled: Dialled | undefined, clock: Clock) {
    const { remote, stream } = opened
    this.id = id
    this.remote = remote
    this.dialled = dialled?.isProbe ? undefined : dialled?.name
    this.probed = dialled?.isProbe ? dialled.name : undefined
    this.remoteAddress = stream.remoteAddress
    this.stream = stream
    this.multiplexer = opened.kind === 'sealed' ? opened.multiplexer : undefined
    this.#opened = opened
    this.#clock = clock
    this.#openedAt = clock.now()
    stream.once('close', () => {
      this.#cancelEnd()
      this.#cancelCheck()
    })
  }

  get ageMs(): Millis {
    return this.#clock.now() - this.#openedAt
  }

  /** Why it closed. */
  get closeReason(): CloseReason {
    const fault = this.#opened.kind === 'sealed' ? this.#opened.stream.fault : undefined
    return this.#closeReason === 'closed' ? (fault ?? 'closed') : this.#closeReason
  }

  /** Starts the checks. `onUnread` is called with a room that the peer does not read, if the connection carries other rooms too. */
  watch(onUnread: (room: string) => void): void {
    startHeartbeat(this.stream, this.remote, this.#clock, reason => {
      this.#closeReason = reason
    })
    this.#cancelCheck = this.#clock.after(READING_CHECK_MS, () => this.#checkReading(onUnread))
  }

  /** Whether a room may be opened for the peer. */
  isAdmittedTo(room: RoomChannels): boolean {
    return this.remote.kind === 'native' && room.admits(this.remote.key)
  }

  offer(room: RoomChannels): void {
    if (this.isAdmittedTo(room)) this.multiplexer?.offer([room.id])
  }

  /** Removes a room and its file channel from this connection. */
  withdraw(room: RoomChannels): void {
    this.multiplexer?.withdraw(room.filesId)
    this.multiplexer?.withdraw(room.id)
  }

  /** Opens the file channel of a room whose channel is open. */
  offerFiles(room: RoomChannels): void {
    if (!this.isConnected || this.#withoutFiles.has(room) || this.multiplexer?.channelOf(room.id) === undefined) return
    this.multiplexer.offer([room.filesId])
  }

  /** Opens the file channel of a room if the other side has opened it. */
  openOfferedFiles(room: RoomChannels): void {
    if (this.multiplexer?.isOfferedByOther(room.filesId)) this.offerFiles(room)
  }

  /** The other side broke the file channel of a room, or does not read it: it stays closed on this connection. */
  refuseFiles(room: RoomChannels | undefined): void {
    if (room === undefined) return
    this.#withoutFiles.add(room)
    this.multiplexer?.withdraw(room.filesId)
  }

  /** A room was opened on it. */
  keep(): void {
    this.#cancelEnd()
  }

  /** No room is in common any more. Keeps the connection open for ROOMLESS_MS_MAX, in case the room is opened again. */
  closeSoon(): void {
    this.#cancelEnd()
    this.#cancelEnd = this.#clock.after(ROOMLESS_MS_MAX, () => this.close())
  }

  /** Closes the connection. Default: for the reason that was found before. */
  close(reason: CloseReason = this.#closeReason): void {
    this.#closeReason = reason
    this.stream.destroy()
  }

  /**
   * Sends a ping, and reports whether the peer answered. Any received bytes are an answer, because peers of earlier versions send no pong.
   */
  ping(onAnswer: (isAlive: boolean) => void): void {
    const { stream, multiplexer } = this
    if (multiplexer === undefined) return
    const { bytesRead } = stream
    const answered = (isAlive: boolean): void => {
      end()
      onAnswer(isAlive)
    }
    const onPong = (): void => answered(true)
    const end = (): void => {
      cancel()
      multiplexer.off('pong', onPong).off('closed', end)
    }
    const cancel = this.#clock.after(PONG_MS_MAX, () => answered(stream.bytesRead > bytesRead))
    multiplexer.on('pong', onPong).on('closed', end).ping()
  }

  /** Closes the connection if the peer does not read its only room. With several rooms, calls `onUnread` for each that is not read. */
  #checkReading(onUnread: (room: string) => void): void {
    const { multiplexer } = this
    if (multiplexer === undefined) return
    for (const room of multiplexer.unreadAfter(READING_CHECK_MS)) {
      if (multiplexer.size === 1) return void this.close('not-reading')
      onUnread(room)
      if (this.stream.destroyed) return
    }
    this.#cancelCheck = this.#clock.after(READING_CHECK_MS, () => this.#checkReading(onUnread))
  }
}
