import { EventEmitter } from 'node:events'
import { ChatError } from '../base/errors.js'
import type { AuthorId } from '../log/format/author.js'
import type { NodeEvent } from './events.js'
import type { Room } from './room.js'

interface NodeEvents {
  /** Something happened in a room. */
  event: [event: NodeEvent, room: string]
}

export interface RoomOptions {
  /**
   * Peers to connect to: names on the local network, or addresses as `host:port`. Default: every peer found on the
   * local network.
   */
  readonly peers?: readonly string[] | undefined
  /**
   * `[host:]port` to listen on. All rooms of a node share one port, which the first open room decides. Default: the port hashed from
   * the name, or a free one if that is in use.
   */
  readonly listen?: string | undefined
}

/** Opens a room of a node. Tests pass a replacement. */
export type OpenRoom = (name: string, options: RoomOptions, onEvent: (event: NodeEvent) => void) => Promise<Room>

/** One identity on one machine: its key and its open rooms. Several nodes can run in one process. */
export class Node extends EventEmitter<NodeEvents> {
  /** The name that others see. */
  readonly name: string
  /** The public key, as 64 hex digits: who this node is, whatever its name. */
  readonly id: AuthorId
  readonly #openRoom: OpenRoom
  readonly #saved: () => Promise<void>
  readonly #rooms = new Map<string, Promise<Room>>()
  #isClosed = false

  /** `saved` resolves when the node's data outside of its rooms is stored. */
  constructor(name: string, id: AuthorId, openRoom: OpenRoom, saved = async (): Promise<void> => {}) {
    super()
    this.name = name
    this.id = id
    this.#openRoom = openRoom
    this.#saved = saved
  }

  /**
   * The room with this name, opened if it is not open yet; `options` apply to the first call only. Rejects with a ChatError:
   * BAD_NAME, BAD_ADDRESS, BAD_USAGE, DATA_UNUSABLE, LOG_LOCKED, LOG_CORRUPT, SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED.
   */
  async room(name = 'lobby', options: RoomOptions = {}): Promise<Room> {
    if (this.#isClosed) throw new ChatError('LOG_CLOSED', 'the node is closed')
    const open = this.#rooms.get(name) ?? this.#open(name, options)
    this.#rooms.set(name, open)
    try {
      return await open
    } catch (error) {
      this.#rooms.delete(name)
      throw error
    }
  }

  /** Leaves every room: says goodbye, and closes connections and logs. */
  async close(): Promise<void> {
    this.#isClosed = true
    const rooms = await Promise.allSettled(this.#rooms.values())
    await Promise.all(rooms.map(result => (result.status === 'fulfilled' ? result.value.close() : undefined)))
    await this.#saved()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(name: string, options: RoomOptions): Promise<Room> {
    const room = await this.#openRoom(name, options, event => this.emit('event', event, name))
    room.once('close', () => this.#rooms.delete(name))
    return room
  }
}
