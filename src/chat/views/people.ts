import { sanitise } from '../../base/safe-text.js'
import type { AuthorId } from '../../log/format/author.js'
import type { Message } from '../kinds/message.js'

/** People remembered; of more the first are forgotten. */
const PEOPLE_MAX = 10_000

/** People by the names they go by: those who said anything that was read, and those who are present. */
export class People {
  readonly #names = new Map<AuthorId, string>()
  /** Of those who are present and have said nothing yet. */
  #silent: ReadonlyMap<AuthorId, string> = new Map()

  note({ author, username }: Message): void {
    if (this.#names.get(author) === username) return
    if (this.#names.size >= PEOPLE_MAX && !this.#names.has(author)) {
      const [oldest] = this.#names.keys()
      if (oldest !== undefined) this.#names.delete(oldest)
    }
    this.#names.set(author, username)
  }

  /** Who is present now, as they call themselves. Forgets those who were and have said nothing. */
  setPresent(present: readonly { readonly author: AuthorId | undefined; readonly name: string }[]): void {
    this.#silent = new Map(
      present.flatMap(({ author, name }) => (author === undefined || this.#names.has(author) ? [] : [[author, name]])),
    )
  }

  /** The name that somebody went by last, harmless to show. */
  nameOf(author: AuthorId): string | undefined {
    const name = this.#names.get(author) ?? this.#silent.get(author)
    return name === undefined ? undefined : sanitise(name)
  }

  /** Harmless to show. */
  get names(): string[] {
    return [...new Set([...this.#names.values(), ...this.#silent.values()].map(sanitise))]
  }

  /** Those who go by a name, or whose id begins so. */
  find(name: string): AuthorId[] {
    const wanted = name.toLowerCase()
    const all = [...this.#names, ...[...this.#silent].filter(([author]) => !this.#names.has(author))]
    const named = all.filter(([, known]) => sanitise(known).toLowerCase() === wanted)
    const found = named.length > 0 || wanted.length < 4 ? named : all.filter(([id]) => id.startsWith(wanted))
    return found.map(([author]) => author)
  }
}
