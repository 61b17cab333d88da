import type { Clock } from '../../base/clock.js'
import { MinuteSums } from '../../base/minute-sums.js'
import type { Present } from '../../chat/presence/present.js'
import type { AuthorId } from '../../log/format/author.js'

/** A presence change, as printed for programs. */
export interface PresenceChange {
  readonly event: 'presence'
  readonly presence: 'here' | 'away' | 'left'
  readonly username: string
  /** Left out for a scuttleup peer, which has no key. */
  readonly key?: AuthorId
  /** The away message, if any. */
  readonly text?: string
  /** Whether this peer is directly connected to them. */
  readonly linked: boolean
}

/** How many more strangers came, left or went away within a minute. */
export interface StrangersChange extends Pick<PresenceChange, 'event' | 'presence'> {
  readonly strangers: number
}

export interface PresenceChangesOptions {
  /** Whether the user knows a person; a scuttleup peer without a key is a stranger. */
  readonly isKnown: (author: AuthorId | undefined) => boolean
  readonly clock: Clock
  /** Called when the next `since` will return a count of strangers. */
  readonly onSum: () => void
}

/** Compares successive presence lists. Bounds what strangers can make it report, as `StrangerNotices` does for events. */
export class PresenceChanges {
  /** Everybody who is present. */
  readonly #present = new Map<string, string>()
  readonly #isKnown: PresenceChangesOptions['isKnown']
  readonly #strangers: MinuteSums<PresenceChange['presence']>
  #sums: StrangersChange[] = []

  constructor({ isKnown, clock, onSum }: PresenceChangesOptions) {
    this.#isKnown = isKnown
    this.#strangers = new MinuteSums(clock, (presence, strangers) => {
      this.#sums.push({ event: 'presence', presence, strangers })
      onSum()
    })
  }

  /** The changes since the previous call. People who left before the first call are not mentioned. */
  since(present: readonly Present[]): readonly (PresenceChange | StrangersChange)[] {
    const changes = this.#changesSince(present).flatMap(change => {
      if (this.#isKnown(change.key)) return [change]
      const { text: _, ...rest } = change
      return this.#strangers.isFirst(change.presence) ? [rest] : []
    })
    const sums = this.#sums
    this.#sums = []
    return [...sums, ...changes]
  }

  close(): void {
    this.#strangers.close()
  }

  #changesSince(present: readonly Present[]): PresenceChange[] {
    const changes: PresenceChange[] = []
    const gone = new Set(this.#present.keys())
    for (const one of present) {
      // The peer has not announced its name yet: the address that is shown instead is not a person's name.
      if (one.author !== undefined && one.name.includes(':')) continue
      const id = one.author ?? `unsigned ${one.name}`
      gone.delete(id)
      const change = changeOf(one)
      const state = JSON.stringify([change.presence, change.username, change.text])
      const before = this.#present.get(id)
      if (before === state || (before === undefined && change.presence === 'left')) continue
      if (change.presence === 'left') this.#present.delete(id)
      else this.#present.set(id, state)
      changes.push(change)
    }
    for (const id of gone) {
      const [, username = ''] = JSON.parse(this.#present.get(id) ?? '[]') as string[]
      this.#present.delete(id)
      const isUnsigned = id.startsWith('unsigned ')
      changes.push({
        event: 'presence',
        presence: 'left',
        username,
        ...(!isUnsigned && { key: id as AuthorId }),
        linked: false,
      })
    }
    return changes
  }
}

const changeOf = ({ author, name, state, away }: Present): PresenceChange => ({
  event: 'presence',
  presence: state === 'left' ? 'left' : away === undefined ? 'here' : 'away',
  username: name,
  ...(author !== undefined && { key: author }),
  ...(away !== undefined && away !== '' && { text: away }),
  linked: state === 'connected',
})
