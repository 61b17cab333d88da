import { sanitise } from '../base/sanitise.js'
import type { AuthorId } from '../log/author.js'
import type { Message } from './message.js'

/** People remembered; of more the first are forgotten. */
const PEOPLE_MAX = 10_000

/** Who has said anything that was read, by the names they go by. */
export class People {
  readonly #names = new Map<AuthorId, string>()

  note({ author, username }: Message): void {
    if (this.#names.get(author) === username) return
    if (this.#names.size >= PEOPLE_MAX && !this.#names.has(author)) {
      const [oldest] = this.#names.keys()
      if (oldest !== undefined) this.#names.delete(oldest)
    }
    this.#names.set(author, username)
  }

  /** The name that somebody went by last, harmless to show. */
  nameOf(author: AuthorId): string | undefined {
    const name = this.#names.get(author)
    return name === undefined ? undefined : sanitise(name)
  }

  /** Harmless to show. */
  get names(): string[] {
    return [...new Set([...this.#names.values()].map(sanitise))]
  }

  /** Those who go by a name, or whose id begins so. */
  find(name: string): AuthorId[] {
    const wanted = name.toLowerCase()
    const named = [...this.#names].filter(([, known]) => sanitise(known).toLowerCase() === wanted)
    const found =
      named.length > 0 || wanted.length < 4 ? named : [...this.#names].filter(([id]) => id.startsWith(wanted))
    return found.map(([author]) => author)
  }
}
