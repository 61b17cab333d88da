import type { AuthorId } from '../log/format/author.js'

/** The people of a room that is not public. Nobody else learns that it exists. */
export interface Circle {
  /** The secret id of the room. */
  readonly id: Uint8Array
  readonly authors: Iterable<AuthorId>
  isMember(key: string): boolean
}
