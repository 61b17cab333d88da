import type { Millis } from '../../base/clock.js'
import type { Message } from '../../chat/message.js'
import type { AuthorId } from '../../log/author.js'
import type { Conversation } from '../../peer/conversation.js'
import { dateAndTimeOf } from '../commands/dates.js'
import type { Remembered } from './memory.js'

/** What came while the user was away: its beginning is marked in the history, and where it comes late once more. Each once. */
export class Absence {
  readonly #memory: Remembered
  readonly #conversation: Pick<Conversation, 'id' | 'heads'>
  readonly #isHidden: (author: AuthorId) => boolean
  readonly #startedAt: Millis
  #isTold = false
  #isLateTold = false

  constructor(
    memory: Remembered,
    conversation: Pick<Conversation, 'id' | 'heads'>,
    isHidden: (author: AuthorId) => boolean,
    startedAt: Millis,
  ) {
    this.#memory = memory
    this.#conversation = conversation
    this.#isHidden = isHidden
    this.#startedAt = startedAt
  }

  /** What stands above a message of the history, if what is new begins with it. */
  titleOf({ author, seq }: Message): string | undefined {
    const { leftAt, seen } = this.#memory
    if (this.#isTold || leftAt === undefined || author === this.#conversation.id || seq <= (seen.get(author) ?? 0))
      return undefined
    this.#isTold = true
    const count = this.#conversation.heads
      .filter(head => head.author !== this.#conversation.id && !this.#isHidden(head.author))
      .reduce((sum, head) => sum + Math.max(0, head.seq - (seen.get(head.author) ?? 0)), 0)
    return `${count} new since you left on ${dateAndTimeOf(leftAt)}`
  }

  /** What stands above a message that arrives, if it is the first that was said before this start. */
  lateTitleOf({ author, timeMs }: Message): string | undefined {
    const { leftAt } = this.#memory
    if (this.#isLateTold || leftAt === undefined || author === this.#conversation.id) return undefined
    if (timeMs >= this.#startedAt) return undefined
    this.#isLateTold = true
    return `said while you were away, since ${dateAndTimeOf(leftAt)}`
  }
}
