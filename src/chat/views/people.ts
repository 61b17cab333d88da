import { sanitise } from '../../base/safe-text.js'
import type { AuthorId } from '../../log/format/author.js'
import type { Message } from '../kinds/message.js'

/** Largest number of people that are remembered; when there are more, the oldest are forgotten. */
const PEOPLE_MAX = 10_000

/** People by name: authors of the messages that were read, and people who are present. */
export class People {
  readonly #names = new Map<AuthorId, string>()
  /** Names of present people who have written nothing yet. */
  #silent: ReadonlyMap<AuthorId, string> = new Map()

  note({ author, username }: Message): void {
    if (this.#names.get(author) === username) return
    if (this.#names.size >= PEOPLE_MAX && !this.#names.has(author)) {
      const [oldest] = this.#names.keys()
      if (oldest !== undefined) this.#names.delete(oldest)
    }
    this.#names.set(author, username)
  }

  /** Replaces the present people. Forgets those who have left without writing anything. */
  setPresent(present: readonly { readonly author: AuthorId | undefined; readonly name: string }[]): void {
    this.#silent = new Map(
      present.flatMap(({ author, name }) => (author === undefined || this.#names.has(author) ? [] : [[author, name]])),
    )
  }

  /** The latest name of an author, sanitised. */
  nameOf(author: AuthorId): string | undefined {
    const name = this.#names.get(author) ?? this.#silent.get(author)
    return name === undefined ? undefined : sanitise(name)
  }

  /** All names, sanitised. */
  get names(): string[] {
    return [...new Set([...this.#names.values(), ...this.#silent.values()].map(sanitise))]
  }

  /** The authors with this name; if there are none, those whose id begins with it. */
  find(name: string): AuthorId[] {
    const lower = name.toLowerCase()
    const all = [...this.#names, ...[...this.#silent].filter(([author]) => !this.#names.has(author))]
    const named = all.filter(([, known]) => sanitise(known).toLowerCase() === lower)
    const found = named.length > 0 || lower.length < 4 ? named : all.filter(([id]) => id.startsWith(lower))
    return found.map(([author]) => author)
  }
}
