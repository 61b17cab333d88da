import type { Duplex } from 'node:stream'

interface ParkedRoom {
  readonly sockets: Set<Duplex>
  /** Stops listening for peers that come to the room. */
  readonly unlist: () => void
}

/**
 * Rooms that were closed to open others, and their faces, which wait at their sockets. Whatever a face sends wakes its room: the face
 * loses its connection, attaches again, and reads on where it was.
 */
export class ParkedRooms {
  readonly #rooms = new Map<string, ParkedRoom>()
  readonly #onGone: () => void

  /** `onGone` is called when a room has no face any more. */
  constructor(onGone: () => void) {
    this.#onGone = onGone
  }

  get size(): number {
    return this.#rooms.size
  }

  get sockets(): readonly Duplex[] {
    return [...this.#rooms.values()].flatMap(({ sockets }) => [...sockets])
  }

  /** The rooms, and how many faces wait for each. */
  get faces(): readonly (readonly [name: string, faces: number])[] {
    return [...this.#rooms].map(([name, { sockets }]) => [name, sockets.size])
  }

  /** `listing` listens for peers that come to the room, and resolves with what ends that. */
  add(name: string, sockets: readonly Duplex[], listing?: Promise<() => void>): void {
    this.wake(name)
    const unlist = (): void =>
      void listing?.then(
        end => end(),
        () => {}, // then no peer opens it
      )
    this.#rooms.set(name, { sockets: new Set(sockets), unlist })
    for (const socket of sockets) {
      socket.once('data', () => socket.destroy())
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
    room.unlist()
    for (const socket of room.sockets) socket.destroy()
  }

  #left(name: string, socket: Duplex): void {
    const room = this.#rooms.get(name)
    if (room === undefined || !room.sockets.delete(socket) || room.sockets.size > 0) return
    this.#rooms.delete(name)
    room.unlist()
    this.#onGone()
  }
}
