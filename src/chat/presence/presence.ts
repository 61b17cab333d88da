import { EventEmitter } from 'node:events'
import type { Cancel, Clock } from '../../base/clock.js'
import { sanitise } from '../../base/safe-text.js'
import type { AuthorId } from '../../log/format/author.js'
import type { OpenSideChannel, SideChannel } from '../../net/side-channel.js'
import type { Violation } from '../../net/violation.js'
import { DIGEST_TYPE, STATUS_REQUEST_TYPE } from './digest-codec.js'
import type { Present } from './present.js'
import { Roster, type RosterConnectionId, type RosterEffect, type RosterOptions } from './roster.js'
import type { ConnectedPeer } from './roster-connection.js'
import { STATUS_TYPE } from './status-codec.js'

/** Changes within this time are emitted as one. */
const SETTLE_MS = 50

interface PresenceEvents {
  /** The list of present people changed. */
  change: []
}

interface PresenceOptions extends RosterOptions {
  /** Whether somebody is listed. In a private room, members are. Default: everybody. */
  readonly isListed?: (author: AuthorId) => boolean
}

/** Presence in a room: connects the roster to connections and time. */
export class Presence extends EventEmitter<PresenceEvents> {
  readonly #roster: Roster
  readonly #clock: Clock
  readonly #sends = new Map<RosterConnectionId, (frame: Uint8Array) => boolean>()
  readonly #isListed: (author: AuthorId) => boolean
  #nextId: RosterConnectionId = 1
  #cancelTick: Cancel | undefined
  #cancelChange: Cancel | undefined
  #isClosed = false

  constructor(clock: Clock, options: PresenceOptions) {
    super()
    this.#isListed = options.isListed ?? (() => true)
    this.#clock = clock
    this.#roster = new Roster(options)
  }

  /** Connected people first, then indirect ones, then those who left. Names and away messages are sanitised. */
  get list(): readonly Present[] {
    return this.#roster
      .list(this.#clock.now())
      .filter(({ author }) => author === undefined || this.#isListed(author))
      .map(person => ({ ...person, name: sanitise(person.name), away: person.away && sanitise(person.away) }))
  }

  setAway(text: string | undefined): void {
    this.#roster.setAway(text, this.#clock.now())
    this.#perform([])
  }

  typing(): void {
    this.#roster.typing(this.#clock.now())
    this.#perform([])
  }

  /** A message of an author arrived. */
  posted(author: AuthorId): void {
    const effects = this.#roster.posted(author)
    if (effects.length > 0) this.#perform(effects)
  }

  /** Whether an author said goodbye. */
  hasLeft(author: AuthorId): boolean {
    return this.#roster.hasLeft(author)
  }

  /**
   * Whether the author whose key begins with `key` is present. Ignores signs of presence from before their connection was lost.
   */
  isPresent(key: string): boolean {
    return this.#roster.isPresent(key, this.#clock.now())
  }

  /** The side channel of a connection. `isLost`, called when it closes, returns whether it closed without either side intending it. */
  sideChannel(peer: ConnectedPeer, isLost: () => boolean): OpenSideChannel {
    return send => this.#connect(peer, send, isLost)
  }

  /** Lists a scuttleup peer, which does not support presence. Close the result when the connection closes. */
  scuttleup(name: string): Pick<SideChannel, 'close'> {
    return this.#connect(
      { author: undefined, name, aheadMs: 0, bytesRead: () => 0 },
      () => false,
      () => false,
    )
  }

  /** Says goodbye. After that nothing is sent or emitted. */
  close(): void {
    if (this.#isClosed) return
    for (const effect of this.#roster.leave(this.#clock.now()))
      if (effect.kind === 'send') this.#sends.get(effect.connection)?.(effect.frame)
    this.#isClosed = true
    this.#cancelTick?.()
    this.#cancelChange?.()
  }

  #connect(peer: ConnectedPeer, send: (frame: Uint8Array) => boolean, isLost: () => boolean): SideChannel {
    const id = this.#nextId++
    this.#sends.set(id, send)
    this.#perform(this.#roster.connected(id, peer, this.#clock.now()))
    return {
      receive: body => this.#receive(id, body),
      close: () => {
        this.#sends.delete(id)
        this.#perform(this.#roster.disconnected(id, isLost(), this.#clock.now()))
      },
    }
  }

  #receive(id: RosterConnectionId, body: Uint8Array): Violation | undefined {
    const type = body[0]
    if (type !== STATUS_TYPE && type !== DIGEST_TYPE && type !== STATUS_REQUEST_TYPE) return undefined
    const effects = this.#roster.receive(id, body, this.#clock.now())
    if (effects === 'bad') return type === STATUS_TYPE ? 'malformed-status' : 'malformed-presence-digest'
    this.#perform(effects)
    return undefined
  }

  #perform(effects: readonly RosterEffect[]): void {
    if (this.#isClosed) return
    for (const effect of effects) {
      if (effect.kind === 'send') {
        if (this.#sends.get(effect.connection)?.(effect.frame) === false) this.#roster.undelivered(effect.connection)
      } else this.#cancelChange ??= this.#clock.after(SETTLE_MS, () => this.#emitChange())
    }
    this.#cancelTick?.()
    const { nextAt } = this.#roster
    const now = this.#clock.now()
    this.#cancelTick = Number.isFinite(nextAt)
      ? this.#clock.after(Math.max(0, nextAt - now), () => this.#perform(this.#roster.tick(this.#clock.now())))
      : undefined
  }

  #emitChange(): void {
    this.#cancelChange = undefined
    this.emit('change')
  }
}
