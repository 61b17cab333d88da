import { sanitise } from '../base/safe-text.js'
import { isLoopback } from '../net/lan/mdns/interfaces.js'

/** Interfaces in one line. */
const INTERFACES_MAX = 4

/** Reports the name under which a peer is announced, and the interfaces: at the start, and when either changes. */
export class AnnounceNotice {
  readonly #chosenName: string
  readonly #report: (line: string) => void
  #reported = ''

  constructor(chosenName: string, report: (line: string) => void) {
    this.#chosenName = chosenName
    this.#report = report
  }

  update(instance: string, interfaces: readonly { readonly name: string; readonly address: string }[]): void {
    const addresses = new Map<string, string>()
    const loopbackLast = [...interfaces].sort((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
    for (const { name, address } of loopbackLast) if (!addresses.has(name)) addresses.set(name, address)
    if (addresses.size === 0) return
    const shown = [...addresses].slice(0, INTERFACES_MAX).map(([name, address]) => `${name} (${address})`)
    const more = addresses.size > INTERFACES_MAX ? ` and ${addresses.size - INTERFACES_MAX} more` : ''
    const why = instance === this.#chosenName ? '' : `: another ${this.#chosenName} is on this network`
    const line = sanitise(`announced as ${instance} on ${shown.join(', ')}${more}${why}`)
    if (line === this.#reported) return
    this.#reported = line
    this.#report(line)
  }
}
