import { UNPROVEN_MAX, UNPROVEN_PER_ADDRESS_MAX } from './limits.js'

/**
 * Decides which sockets may wait to prove themselves. There are never more than UNPROVEN_MAX: a further one displaces the
 * oldest of the address that has most, so that no stranger can keep others out by holding sockets open.
 */
export class AdmissionControl<T> {
  /** In order of arrival. */
  readonly #waiting = new Map<T, string>()

  /** Lets `guest` in; gives back who has to leave for it, which may be itself. */
  admit(guest: T, remoteAddress: string): T | undefined {
    this.#waiting.set(guest, remoteAddress)
    if (!isLoopback(remoteAddress) && this.#countOf(remoteAddress) > UNPROVEN_PER_ADDRESS_MAX) {
      return this.#dismiss(remoteAddress)
    }
    return this.#waiting.size > UNPROVEN_MAX ? this.#dismiss(this.#busiest()) : undefined
  }

  release(guest: T): void {
    this.#waiting.delete(guest)
  }

  get size(): number {
    return this.#waiting.size
  }

  #dismiss(remoteAddress: string): T | undefined {
    for (const [guest, address] of this.#waiting) {
      if (address !== remoteAddress) continue
      this.#waiting.delete(guest)
      return guest
    }
    return undefined
  }

  #countOf(remoteAddress: string): number {
    let count = 0
    for (const address of this.#waiting.values()) if (address === remoteAddress) count++
    return count
  }

  #busiest(): string {
    const counts = new Map<string, number>()
    for (const address of this.#waiting.values()) counts.set(address, (counts.get(address) ?? 0) + 1)
    let busiest = ''
    for (const [address, count] of counts) if (count > (counts.get(busiest) ?? 0)) busiest = address
    return busiest
  }
}

const isLoopback = (address: string): boolean => /^(127\.|::1$|::ffff:127\.)/.test(address)
