import { type Message, placeOf, targetOf } from '../chat/kinds/message.js'
import { keyOfPlace, keyOfTarget } from '../chat/views/lines.js'
import type { Digest } from '../log/format/heads.js'

/** Largest number of hidden lines that are remembered; when there are more, the oldest are shown again. */
const HIDDEN_MAX = 1_000

/** Single lines that a user does not see, in their own faces only. */
export class HiddenLines {
  /** The lines, by `keyOfPlace`. */
  readonly #keys: Set<string>

  constructor(keys: Iterable<string>) {
    this.#keys = new Set(keys)
  }

  get all(): ReadonlySet<string> {
    return this.#keys
  }

  has({ author, seq }: Digest): boolean {
    return this.#keys.has(keyOfPlace(author, seq))
  }

  /** Whether a message is a hidden line, or an edit of or a reaction to a hidden line. */
  hides(message: Message): boolean {
    if (this.#keys.size === 0) return false
    if (this.has(placeOf(message))) return true
    const to = message.kind === 'edit' || message.kind === 'reaction' ? targetOf(message) : undefined
    return to !== undefined && this.#keys.has(keyOfTarget(to))
  }

  hide({ author, seq }: Digest): void {
    this.#keys.add(keyOfPlace(author, seq))
    const [first] = this.#keys
    if (this.#keys.size > HIDDEN_MAX && first !== undefined) this.#keys.delete(first)
  }

  /** Shows a line again. False if it is not hidden. */
  show({ author, seq }: Digest): boolean {
    return this.#keys.delete(keyOfPlace(author, seq))
  }
}
