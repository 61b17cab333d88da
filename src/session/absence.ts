import type { Millis } from '../base/clock.js'
import type { Message } from '../chat/kinds/message.js'
import type { AuthorId } from '../log/format/author.js'
import type { RoomApi } from '../node/room-api.js'
import { dateAndTimeOf } from './dates.js'
import type { SavedView } from './saved-view.js'

/**
 * The one marker above what the user missed: before the first start in this room, or since they left it. It is in the
 * history where that holds missed lines, else above the first ones that arrive.
 */
export class UnreadMarker {
  readonly #memory: SavedView
  readonly #conversation: Pick<RoomApi, 'id' | 'heads'>
  readonly #isHidden: (author: AuthorId) => boolean
  readonly #startedAt: Millis
  /** Whether the user has spoken here before this start: perhaps without a screen that remembers when they left. */
  readonly #wasHere: boolean
  #isMarked = false

  constructor(
    memory: SavedView,
    conversation: Pick<RoomApi, 'id' | 'heads'>,
    isHidden: (author: AuthorId) => boolean,
    startedAt: Millis,
  ) {
    this.#memory = memory
    this.#conversation = conversation
    this.#isHidden = isHidden
    this.#startedAt = startedAt
    this.#wasHere = conversation.heads.some(({ author, seq }) => author === conversation.id && seq > 0)
  }

  /** The marker above a line of the history, if the missed lines begin with it. */
  titleOf({ author, seq }: Message): string | undefined {
    const { seen } = this.#memory
    if (this.#isMarked || author === this.#conversation.id || seq <= (seen.get(author) ?? 0)) return undefined
    if (this.#memory.leftAt === undefined && this.#wasHere) return undefined
    this.#isMarked = true
    const count = this.#conversation.heads
      .filter(head => head.author !== this.#conversation.id && !this.#isHidden(head.author))
      .reduce((sum, head) => sum + Math.max(0, head.seq - (seen.get(head.author) ?? 0)), 0)
    return this.#title(count.toLocaleString('en'))
  }

  /** Whether a line that arrives was written before this start, and nothing missed is marked yet. */
  isMissed({ author, timeMs }: Message): boolean {
    return !this.#isMarked && author !== this.#conversation.id && timeMs < this.#startedAt
  }

  /** The marker above the first missed lines that arrive. `isCut` where more of them were still coming. */
  arrivalTitle(missed: number, isCut: boolean): string | undefined {
    if (this.#isMarked || missed === 0) return undefined
    this.#isMarked = true
    return this.#title(`${isCut ? 'more than ' : ''}${missed.toLocaleString('en')}`)
  }

  #title(count: string): string {
    const { leftAt } = this.#memory
    if (leftAt !== undefined) return `${count} new since you left on ${dateAndTimeOf(leftAt)}`
    return `${count} new, from before ${this.#wasHere ? 'this start' : 'you joined'}`
  }
}
