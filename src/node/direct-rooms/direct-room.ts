import { type AuthorId, authorOfLog, isSigned, type LogId, type Seq } from '../../log/format/author.js'
import { directRoomId } from '../../membership/format/room.js'
import type { Circle } from '../circle.js'

/** The room of the user and one other person. It has no operations: its id says who they are. */
export class DirectRoom implements Circle {
  readonly id: Uint8Array
  readonly me: AuthorId
  readonly other: AuthorId
  /** What the user calls the other person. */
  readonly name: string

  constructor(me: AuthorId, other: AuthorId, name: string) {
    this.id = directRoomId(me, other)
    this.me = me
    this.other = other
    this.name = name
  }

  get authors(): readonly AuthorId[] {
    return [this.other]
  }

  isMember(key: string): boolean {
    return key === this.other
  }

  /** The last entry of a log that counts: all entries of the two people count, and none of anybody else. */
  lastOf(log: LogId): Seq {
    const author = authorOfLog(log)
    return isSigned(log) && (author === this.me || author === this.other) ? Number.POSITIVE_INFINITY : 0
  }
}
