import type { LogId, Seq } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { LogOptions } from '../../log/options.js'
import { ChatPlaces } from './chat-places.js'
import { followGiven } from './newcomer-history.js'
import type { RoomMembers } from './room-members.js'

/** What the membership of a private room allows in the log of its chat: who may add entries, up to where, and what we are given. */
export class ChatLimits {
  readonly places = new ChatPlaces()
  /** Options of the log. Until `follow`, it accepts nothing from others. */
  readonly logOptions: Pick<LogOptions, 'lastAccepted' | 'givenFrom'> = {
    lastAccepted: (log: LogId, first?: Uint8Array): Seq => this.places.lastOf(log, first),
    givenFrom: () => this.#members?.membership.linesFrom(this.#members.me),
  }
  #members: RoomMembers | undefined

  /** Applies the membership to the log that was opened with these options, now and whenever it changes. */
  async follow(log: Log, members: RoomMembers): Promise<void> {
    this.#members = members
    followGiven(log, members)
    await this.places.follow(log, members)
  }
}
