import type { Clock, Millis } from '../../base/clock.js'
import { isName } from '../../base/names.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import { requestedName } from '../../net/lan/mdns/service-records.js'
import type { Connection } from '../../net/room-channels.js'
import type { ConnectionNames } from '../connections/connection-names.js'
import type { NodeEvent } from '../events.js'
import type { Pins } from './pins.js'

/** Rate limit for reports of other keys: an attacker who answers under the name can generate any number of keys. */
const REPORT_MS: Millis = 60_000

/** Delay before another key is reported: an entry in which the old key signs the new one may still arrive. */
const RENEWAL_MS: Millis = 2_000

export interface MeetingsOptions {
  readonly clock: Clock
  /** The user's name. */
  readonly me: string
  readonly pins: Pins
  readonly names: ConnectionNames
  /** The name under which the peer with this key is announced on the local network; undefined if it is not announced. */
  readonly announcedAs: (key: string) => string | undefined
  readonly onEvent: (event: NodeEvent) => void
}

/** Binds the name of a peer that the user named to the key that it proved first, and reports another key under that name. */
export class Meetings {
  readonly #options: MeetingsOptions
  #reportedAt: Millis | undefined

  constructor(options: MeetingsOptions) {
    this.#options = options
  }

  opened(connection: Connection): void {
    const { clock, pins, names, announcedAs } = this.#options
    const { remote } = connection
    const key = remote.kind === 'native' ? authorOf(remote.key) : undefined
    const name = names.namedAs(connection)
    if (key === undefined || name === undefined) return
    // An address is where somebody is, not who they are.
    if (!isName(name)) {
      pins.address(key)
      return
    }
    // The peer was announced with a number, because the name was in use: `bob (2)` is not bob.
    const announced = announcedAs(key)
    if (announced !== undefined && requestedName(announced) !== announced) return
    const now = clock.now()
    if (pins.met(name, key, now) !== 'other-key') return
    if (this.#reportedAt !== undefined && Math.abs(now - this.#reportedAt) < REPORT_MS) return
    this.#reportedAt = now
    clock.after(RENEWAL_MS, () => this.#report(name, key))
  }

  #report(name: string, key: AuthorId): void {
    const { me, pins, onEvent } = this.#options
    const pinned = pins.of(name)?.key
    if (pinned === key || pinned === undefined) this.#reportedAt = undefined
    else onEvent({ kind: 'other-key', me, name, key, pinned })
  }
}
