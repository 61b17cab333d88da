import { EventEmitter } from 'node:events'
import type { Cancel, Clock } from '../../base/clock.js'
import { sanitise } from '../../base/safe-text.js'
import type { AuthorId } from '../../log/format/author.js'
import type { OpenSideChannel, SideChannel } from '../../net/side-channel.js'
import { DIGEST_TYPE, STATUS_REQUEST_TYPE } from './digest-codec.js'
import {
  type ConnectedPeer,
  type Present,
  Roster,
  type RosterConnectionId,
  type RosterEffect,
  type RosterOptions,
} from './roster.js'
import { STATUS_TYPE } from './status-codec.js'

/** Changes that follow each other closely are told together. */
const SETTLE_MS = 50

interface PresenceEvents {
  /** Who is there, away or typing is not the same any more. */
  change: []
}

/** Who is there, and what is told of the own user: the roster, with time and links. */
export class Presence extends EventEmitter<PresenceEvents> {
  readonly #roster: Roster
  readonly #clock: Clock
  readonly #sends = new Map<RosterConnectionId, (frame: Uint8Array) => boolean>()
  #nextLink: RosterConnectionId = 1
  #timer: Cancel | undefined
  #telling: Cancel | undefined
  #isClosed = false

  constructor(clock: Clock, options: RosterOptions) {
    super()
    this.#clock = clock
    this.#roster = new Roster(options)
  }

  /** Those who are linked first, then those who are heard of, then those who were; fit for a terminal. */
  get list(): readonly Present[] {
    return this.#roster
      .list(this.#clock.now())
      .map(one => ({ ...one, name: sanitise(one.name), away: one.away && sanitise(one.away) }))
  }

  setAway(text: string | undefined): void {
    this.#roster.setAway(text, this.#clock.now())
    this.#perform([])
  }

  typing(): void {
    this.#roster.typing(this.#clock.now())
    this.#perform([])
  }

  /** A line of somebody came. */
  posted(author: AuthorId): void {
    const effects = this.#roster.posted(author)
    if (effects.length > 0) this.#perform(effects)
  }

  /** Whether somebody said goodbye. */
  hasLeft(author: AuthorId): boolean {
    return this.#roster.hasLeft(author)
  }

  /** Whether somebody whose key begins so has been heard of since a link with him was lost. */
  isPresent(key: string): boolean {
    return this.#roster.isPresent(key, this.#clock.now())
  }

  /** What is said of it over a link. `isLost` is asked when that closes: whether nobody meant it to. */
  sideChannel(peer: ConnectedPeer, isLost: () => boolean): OpenSideChannel {
    return send => this.#link(peer, send, isLost)
  }

  /** An original is linked: it says and is told nothing. To be closed with the link. */
  scuttleup(name: string): Pick<SideChannel, 'close'> {
    return this.#link(
      { author: undefined, name, aheadMs: 0, bytesRead: () => 0 },
      () => false,
      () => false,
    )
  }

  /** Says goodbye; nothing is told or said after it. */
  close(): void {
    if (this.#isClosed) return
    for (const effect of this.#roster.leave(this.#clock.now()))
      if (effect.kind === 'send') this.#sends.get(effect.link)?.(effect.frame)
    this.#isClosed = true
    this.#timer?.()
    this.#telling?.()
  }

  #link(peer: ConnectedPeer, send: (frame: Uint8Array) => boolean, isLost: () => boolean): SideChannel {
    const id = this.#nextLink++
    this.#sends.set(id, send)
    this.#perform(this.#roster.connected(id, peer, this.#clock.now()))
    return {
      receive: body => {
        const type = body[0]
        if (type !== STATUS_TYPE && type !== DIGEST_TYPE && type !== STATUS_REQUEST_TYPE) return undefined
        const effects = this.#roster.receive(id, body, this.#clock.now())
        if (effects === 'bad') return type === STATUS_TYPE ? 'a malformed status' : 'a malformed presence digest'
        this.#perform(effects)
        return undefined
      },
      close: () => {
        this.#sends.delete(id)
        this.#perform(this.#roster.disconnected(id, isLost(), this.#clock.now()))
      },
    }
  }

  #perform(effects: readonly RosterEffect[]): void {
    if (this.#isClosed) return
    for (const effect of effects) {
      if (effect.kind === 'send') {
        if (this.#sends.get(effect.link)?.(effect.frame) === false) this.#roster.undelivered(effect.link)
      } else this.#telling ??= this.#clock.after(SETTLE_MS, () => this.#tell())
    }
    this.#timer?.()
    const { nextAt } = this.#roster
    const now = this.#clock.now()
    this.#timer = Number.isFinite(nextAt)
      ? this.#clock.after(Math.max(0, nextAt - now), () => this.#perform(this.#roster.tick(this.#clock.now())))
      : undefined
  }

  #tell(): void {
    this.#telling = undefined
    this.emit('change')
  }
}
