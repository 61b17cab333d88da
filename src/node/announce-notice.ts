import { sanitise } from '../base/safe-text.js'
import { isLoopback } from '../net/lan/mdns/interfaces.js'

/** Interfaces that one line names. */
const NAMED_MAX = 4

/** Says under which name, and on which interfaces, a peer is announced: at first, and when that changes. */
export class AnnounceNotice {
  readonly #wished: string
  readonly #say: (line: string) => void
  #said = ''

  constructor(wished: string, say: (line: string) => void) {
    this.#wished = wished
    this.#say = say
  }

  tell(instance: string, interfaces: readonly { readonly name: string; readonly address: string }[]): void {
    const where = new Map<string, string>()
    const networkFirst = [...interfaces].sort((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
    for (const { name, address } of networkFirst) if (!where.has(name)) where.set(name, address)
    if (where.size === 0) return
    const named = [...where].slice(0, NAMED_MAX).map(([name, address]) => `${name} (${address})`)
    const more = where.size > NAMED_MAX ? ` and ${where.size - NAMED_MAX} more` : ''
    const why = instance === this.#wished ? '' : `, for another ${this.#wished} is there`
    const line = sanitise(`announced as ${instance} on ${named.join(', ')}${more}${why}`)
    if (line === this.#said) return
    this.#said = line
    this.#say(line)
  }
}
