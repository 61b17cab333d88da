import { sanitise } from '../../base/safe-text.js'
import type { AuthorId } from '../../log/format/author.js'
import type { Hlc } from '../../log/format/hybrid-clock.js'
import type { Message } from '../kinds/message.js'

/** The name of an author, and when they took it. */
export interface Nick {
  readonly name: string
  readonly at: Hlc
}

/** The name of `author` after a message: the sanitised name in their latest entry that is not dated ahead. */
export const nickAfter = (nick: Nick, message: Message, author: AuthorId): Nick =>
  message.author === author && !message.isAhead && message.at > nick.at
    ? { name: sanitise(message.username), at: message.at }
    : nick
