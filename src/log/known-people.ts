import type { AuthorId } from './format/author.js'

/**
 * The people whom the user knows. An author becomes known only by an act of the user: the user named the peer and it proved its key,
 * accepted the key, or addressed the author in a typed line. Neither the passage of time nor a line of a program makes an author known. All
 * other authors are strangers; strangers share limited resources among themselves. `isKnown` is never called with the user's own key.
 */
export interface KnownPeople {
  isKnown(author: AuthorId): boolean
  /** Calls `listener` when a stranger becomes known. Returns a function that removes the listener. */
  onKnown(listener: (author: AuthorId) => void): () => void
}

/** Nobody is known: for commands that work on stored logs. */
export const NOBODY_KNOWN: KnownPeople = { isKnown: () => false, onKnown: () => () => {} }
