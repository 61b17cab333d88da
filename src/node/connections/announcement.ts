import { isLoopback } from '../../net/lan/mdns/interfaces.js'
import type { NodeEvent } from '../events.js'

/** Maximum number of interfaces in one event. */
const INTERFACES_MAX = 4

/** Reports the name under which a peer is announced, and the interfaces: at the start, and whenever they change. */
export class Announcement {
  readonly #chosenName: string
  readonly #report: (event: NodeEvent) => void
  #reported = ''

  constructor(chosenName: string, report: (event: NodeEvent) => void) {
    this.#chosenName = chosenName
    this.#report = report
  }

  update(instance: string, interfaces: readonly { readonly name: string; readonly address: string }[]): void {
    const addresses = new Map<string, string>()
    const loopbackLast = [...interfaces].sort((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
    for (const { name, address } of loopbackLast) if (!addresses.has(name)) addresses.set(name, address)
    if (addresses.size === 0) return
    const event: NodeEvent = {
      kind: 'announced',
      name: instance,
      chosenName: this.#chosenName,
      interfaces: [...addresses].slice(0, INTERFACES_MAX).map(([name, address]) => ({ name, address })),
      more: Math.max(0, addresses.size - INTERFACES_MAX),
    }
    const state = JSON.stringify(event)
    if (state === this.#reported) return
    this.#reported = state
    this.#report(event)
  }
}
