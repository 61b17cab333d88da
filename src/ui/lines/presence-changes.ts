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

/** Compares successive presence lists. */
export class PresenceChanges {
  readonly #known = new Map<string, string>()

  /** The changes since the previous call. People who left before the first call are not mentioned. */
  since(present: readonly Present[]): PresenceChange[] {
    const changes: PresenceChange[] = []
    const gone = new Set(this.#known.keys())
    for (const one of present) {
      // Until a peer announces its name, its address is shown instead: not a person's name yet.
      if (one.author !== undefined && one.name.includes(':')) continue
      const id = one.author ?? `unsigned ${one.name}`
      gone.delete(id)
      const change = changeOf(one)
      const state = JSON.stringify([change.presence, change.username, change.text])
      const before = this.#known.get(id)
      if (before === state || (before === undefined && change.presence === 'left')) continue
      if (change.presence === 'left') this.#known.delete(id)
      else this.#known.set(id, state)
      changes.push(change)
    }
    for (const id of gone) {
      const [, username = ''] = JSON.parse(this.#known.get(id) ?? '[]') as string[]
      this.#known.delete(id)
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
