import { sanitise } from '../../base/safe-text.js'
import type { AuthorId, Seq } from '../../log/format/author.js'
import type { Message } from '../kinds/message.js'

/** The name of an author, and the entry that carries it. */
export interface Nick {
  readonly name: string
  readonly seq: Seq
}

/** The name of `author` after a message: that of their latest entry, sanitised. */
export const nickAfter = (nick: Nick, message: Message, author: AuthorId): Nick =>
  message.author === author && message.seq > nick.seq ? { name: sanitise(message.username), seq: message.seq } : nick
