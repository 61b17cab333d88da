import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.js'
import type { Room } from '../node/room.js'
import { WindowSession } from './window-session.js'

/** The windows in other processes that are at one running peer. */
export class WindowHost {
  readonly #peer: Room
  readonly #clock: Clock
  readonly #setup: object
  readonly #onChange: () => void
  readonly #sessions = new Map<Duplex, WindowSession>()
  #isClosed = false

  constructor(peer: Room, clock: Clock, setup: object, onChange: () => void) {
    this.#peer = peer
    this.#clock = clock
    this.#setup = setup
    this.#onChange = onChange
    const tell = (): void => this.#toAll(session => session.tellSoon())
    peer.on('change', tell).on('presence', tell).on('heads', tell)
    peer.on('info', line => this.#toAll(session => session.notice('info', line)))
    peer.on('warning', line => this.#toAll(session => session.notice('alarm', line)))
    peer.delivery.on('change', holders => this.#toAll(session => session.custody(holders)))
  }

  get count(): number {
    return this.#sessions.size
  }

  admit(socket: Duplex): void {
    if (this.#isClosed) return void socket.destroy()
    const others = (): number => this.count
    this.#sessions.set(
      socket,
      new WindowSession(this.#peer, socket, { clock: this.#clock, setup: this.#setup, others }),
    )
    this.#changed()
    socket.once('close', () => {
      this.#sessions.delete(socket)
      this.#changed()
    })
  }

  /** Takes nothing from them any more: what was not answered they say again to whoever goes on. */
  close(): void {
    this.#isClosed = true
    this.#toAll(session => session.close())
  }

  /** The database is closed: any of them may open it. */
  release(): void {
    for (const socket of this.#sessions.keys()) socket.destroy()
  }

  #changed(): void {
    if (this.#isClosed) return
    this.#toAll(session => session.tellSoon())
    this.#onChange()
  }

  #toAll(tell: (session: WindowSession) => void): void {
    for (const session of this.#sessions.values()) tell(session)
  }
}
