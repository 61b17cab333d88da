import type { Millis } from '../../base/clock.js'
import type { AuthorId } from '../../log/format/author.js'

/** Another person in the room, as the user sees them. */
export interface Present {
  /** Their key; undefined for a scuttleup peer, which has none. */
  readonly author: AuthorId | undefined
  /** The name that they claim. */
  readonly name: string
  /** Connected to us, known through other peers, or gone. */
  readonly state: 'connected' | 'indirect' | 'left'
  /** Their away message, which may be empty; undefined unless they are away. */
  readonly away: string | undefined
  readonly isTyping: boolean
  /** When they were last known to be alive, by our clock. */
  readonly lastHeardMs: Millis
  /** Number of connections between them and us, as far as known. */
  readonly hops: number
}

const ORDER = ['connected', 'indirect', 'left'] as const

/** Orders connected people first, then indirect ones, then those who left; each by name. */
export const byStateAndName = (a: Present, b: Present): number =>
  ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
