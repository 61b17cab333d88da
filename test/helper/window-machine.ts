import path from 'node:path'
import { systemClock } from '../../src/base/clock.js'
import { ChatError } from '../../src/base/errors.js'
import { systemRandom } from '../../src/base/random.js'
import { Attached } from '../../src/host/attached.js'
import { knock, openDoor } from '../../src/host/door.js'
import { type Seat, type Seats, SharedConversation } from '../../src/host/shared-conversation.js'
import { WindowHost } from '../../src/host/window-host.js'
import { Connections } from '../../src/net/connections.js'
import { Room } from '../../src/node/room.js'
import type { Cleanup } from './child.js'
import { logOver, replicatorOf } from './logs.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { alice, LOBBY_ID } from './signed-world.js'
import { temporaryDirectory } from './temporary-directory.js'

interface Host {
  readonly peer: Room
  readonly windows: WindowHost
  readonly closeDoor: () => Promise<void>
}

/** One user's machine: logs in memory that one process at a time can open, and windows with real sockets between them. */
export class WindowMachine {
  readonly notices: string[] = []
  readonly disk = new MemoryDisk()
  readonly door: string
  host: Host | undefined
  /** Told of each host before it serves anybody. */
  onHost: (host: Host) => void = () => {}

  private constructor(door: string) {
    this.door = door
  }

  static async open(cleanup: Cleanup): Promise<WindowMachine> {
    const machine = new WindowMachine(path.join(await temporaryDirectory(cleanup), 'lobby.window'))
    cleanup.after(() => machine.crash())
    return machine
  }

  async window(cleanup: Cleanup): Promise<SharedConversation> {
    const shared = await SharedConversation.open(this.#seats, systemClock)
    cleanup.after(() => shared.close())
    return shared
  }

  /** The process that keeps the chat running is gone, with what it had not written. */
  async crash(): Promise<void> {
    const { host } = this
    if (host === undefined) return
    host.windows.close()
    const closed = host.closeDoor()
    await host.peer.close()
    this.host = undefined
    host.windows.release()
    await closed
  }

  readonly #seats: Seats = {
    onInfo: line => void this.notices.push(line),
    onWarning: line => void this.notices.push(line),
    host: (_before, onChange) => this.#open(onChange),
    window: () => this.#enter(),
  }

  #isOpen = false

  async #open(onChange: () => void): Promise<Seat> {
    if (this.host !== undefined || this.#isOpen) throw new ChatError('LOG_LOCKED', 'it is open')
    this.#isOpen = true
    try {
      const log = await logOver(new MemoryStore(this.disk), alice, { room: LOBBY_ID, clock: systemClock })
      const peer = new Room({
        me: 'alice',
        log,
        replicator: replicatorOf(log),
        connections: new Connections({
          me: 'alice.local:1',
          room: LOBBY_ID,
          keys: alice,
          acceptsScuttleup: false,
          clock: systemClock,
          random: systemRandom,
          source: {
            dial: () => Promise.reject(new Error('there is no network')),
            listen: () => Promise.reject(new Error('there is no network')),
          },
        }),
        discovery: undefined,
        clock: systemClock,
        random: systemRandom,
        keys: alice,
        hasPeerExchange: false,
        mayBeAhead: false,
      })
      const windows = new WindowHost(peer, systemClock, {}, onChange)
      const closeDoor = await openDoor(this.door, socket => windows.admit(socket))
      this.host = { peer, windows, closeDoor }
      this.onHost(this.host)
      return { kind: 'host', hosted: peer, others: () => windows.count, close: () => this.crash() }
    } finally {
      this.#isOpen = false
    }
  }

  async #enter(): Promise<Seat | undefined> {
    const socket = await knock(this.door, systemClock)
    const attached = socket && (await Attached.over(socket).catch(() => undefined))
    if (attached === undefined) return undefined
    return { kind: 'window', hosted: attached, others: () => attached.others, close: () => attached.close() }
  }
}
