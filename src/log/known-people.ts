import type { AuthorId } from './format/author.js'

/**
 * Whom the user knows. An author becomes known only by an act of the user: they named the peer and its key was proven, accepted the
 * key, or addressed the author in a line that they typed. Time makes nobody known, nor does the line of a program. All others are
 * strangers, who share what their pools leave. The user's own key is not asked for here.
 */
export interface KnownPeople {
  isKnown(author: AuthorId): boolean
  /** Calls `listener` when a stranger becomes known. Returns a function that ends that. */
  onKnown(listener: (author: AuthorId) => void): () => void
}

/** Where nobody is known: commands that work on stored logs. */
export const NOBODY_KNOWN: KnownPeople = { isKnown: () => false, onKnown: () => () => {} }
