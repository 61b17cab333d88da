import type { Duplex } from 'node:stream'
import type { FrameReader } from '../../base/wire/frames.js'
import { readHostFrame } from '../protocol/codec.js'

/** A face whose room was closed. */
export interface WaitingFace {
  readonly socket: Duplex
  /** Contains the face's unprocessed frames. */
  readonly reader: FrameReader
}

interface ParkedRoom {
  readonly sockets: Set<Duplex>
  /** Stops listening for peers that open the room. */
  readonly unwatch: () => void
}

/**
 * Rooms that were closed so that others could be opened, and their faces, which keep their sockets open. Anything that
 * a face sends, except keepalive pings, wakes its room: the face's connection is closed, and the face reattaches and
 * resumes where it was.
 */
export class ParkedRooms {
  readonly #rooms = new Map<string, ParkedRoom>()
  readonly #onGone: () => void

  /** `onGone` is called when the last face of a room is gone. */
  constructor(onGone: () => void) {
    this.#onGone = onGone
  }

  get size(): number {
    return this.#rooms.size
  }

  has(name: string): boolean {
    return this.#rooms.has(name)
  }

  get sockets(): readonly Duplex[] {
    return [...this.#rooms.values()].flatMap(({ sockets }) => [...sockets])
  }

  /** The rooms, and how many faces wait for each. */
  get faces(): readonly (readonly [name: string, faces: number])[] {
    return [...this.#rooms].map(([name, { sockets }]) => [name, sockets.size])
  }

  /** `watching` resolves with a function that stops listening for peers that open the room. */
  add(name: string, faces: readonly WaitingFace[], watching?: Promise<() => void>): void {
    this.wake(name)
    const unwatch = (): void =>
      void watching?.then(
        end => end(),
        () => {}, // then no peer opens it
      )
    this.#rooms.set(name, { sockets: new Set(faces.map(({ socket }) => socket)), unwatch })
    for (const { socket, reader } of faces) {
      socket.on('data', (bytes: Uint8Array) => {
        reader.push(bytes)
        if (isMoreThanPings(reader)) socket.destroy()
      })
      socket.once('close', () => this.#left(name, socket))
      socket.resume()
      if (socket.destroyed) this.#left(name, socket)
    }
  }

  /** The room is open again: its faces attach to it. */
  wake(name: string): void {
    const room = this.#rooms.get(name)
    if (room === undefined) return
    this.#rooms.delete(name)
    room.unwatch()
    for (const socket of room.sockets) socket.destroy()
  }

  #left(name: string, socket: Duplex): void {
    const room = this.#rooms.get(name)
    if (room === undefined || !room.sockets.delete(socket) || room.sockets.size > 0) return
    this.#rooms.delete(name)
    room.unwatch()
    this.#onGone()
  }
}

/**
 * Whether a face has sent anything except keepalive pings. A ping with which the face waits for the state of the room
 * is no keepalive ping.
 */
function isMoreThanPings(reader: FrameReader): boolean {
  for (let read = reader.next(); read.kind !== 'more'; read = reader.next()) {
    const sent = read.kind === 'frame' ? readHostFrame(read.body) : undefined
    const isPing = sent?.kind === 'json' && sent.value['do'] === 'ping' && sent.value['isForState'] !== true
    if (!isPing) return true
  }
  return false
}
