import { UNPROVEN_MAX, UNPROVEN_PER_ADDRESS_MAX } from '../limits.js'

/**
 * Admission control: limits inbound connections whose handshake is not complete. Beyond UNPROVEN_MAX, a new connection evicts the oldest
 * connection of the address that has the most. So no stranger can keep others out by holding connections open.
 */
export class AdmissionControl<T> {
  /** In order of arrival. */
  readonly #unproven = new Map<T, string>()

  /** Admits an inbound connection. Returns the connection to close in exchange, which may be the new one. */
  admit(connection: T, remoteAddress: string): T | undefined {
    this.#unproven.set(connection, remoteAddress)
    if (!isLoopback(remoteAddress) && this.#countOf(remoteAddress) > UNPROVEN_PER_ADDRESS_MAX) {
      return this.#evictOldest(remoteAddress)
    }
    return this.#unproven.size > UNPROVEN_MAX ? this.#evictOldest(this.#busiestAddress()) : undefined
  }

  /** The handshake of a connection completed or failed. */
  release(connection: T): void {
    this.#unproven.delete(connection)
  }

  get size(): number {
    return this.#unproven.size
  }

  #evictOldest(remoteAddress: string): T | undefined {
    for (const [connection, address] of this.#unproven) {
      if (address !== remoteAddress) continue
      this.#unproven.delete(connection)
      return connection
    }
    return undefined
  }

  #countOf(remoteAddress: string): number {
    let count = 0
    for (const address of this.#unproven.values()) if (address === remoteAddress) count++
    return count
  }

  #busiestAddress(): string {
    const counts = new Map<string, number>()
    for (const address of this.#unproven.values()) counts.set(address, (counts.get(address) ?? 0) + 1)
    let busiest = ''
    for (const [address, count] of counts) if (count > (counts.get(busiest) ?? 0)) busiest = address
    return busiest
  }
}

const isLoopback = (address: string): boolean => /^(127\.|::1$|::ffff:127\.)/.test(address)
