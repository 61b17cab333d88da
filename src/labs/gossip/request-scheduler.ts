import { GOSSIP_BATCH_MAX, GOSSIP_ORIGINS_MAX, GOSSIP_REQUESTS_MAX } from './limits.js'
import { isNewer, type Port, type Rumour } from './rumour.js'

/** One request to a peer. */
export type PeerRequest =
  | { readonly kind: 'ask'; readonly peer: Port }
  | { readonly kind: 'pull'; readonly peer: Port }
  | { readonly kind: 'send'; readonly peer: Port; readonly rumours: readonly Rumour[] }

/** The work that waits for one peer: only the newest rumour of each origin. */
interface Outbox {
  readonly rumours: Map<Port, Rumour>
  isAsked: boolean
  isPulled: boolean
  /** Whether a request is in flight. There is one at a time; later rumours are batched into the next. */
  isBusy: boolean
}

/** Schedules requests: few at a time, with a bounded backlog for slow peers. */
export class RequestScheduler {
  readonly #outboxes = new Map<Port, Outbox>()
  readonly #waiting = new Set<Port>()
  #busy = 0

  send(peer: Port, rumour: Rumour): void {
    const { rumours } = this.#outboxOf(peer)
    const before = rumours.get(rumour.origin)
    if (before === undefined ? rumours.size < GOSSIP_ORIGINS_MAX : isNewer(rumour, before))
      rumours.set(rumour.origin, rumour)
  }

  ask(peer: Port): void {
    this.#outboxOf(peer).isAsked = true
  }

  pull(peer: Port): void {
    this.#outboxOf(peer).isPulled = true
  }

  /** Drops the backlog of a peer. */
  forget(peer: Port): void {
    const outbox = this.#outboxes.get(peer)
    this.#waiting.delete(peer)
    if (outbox?.isBusy) outbox.rumours.clear()
    else this.#outboxes.delete(peer)
  }

  /** The next request, if one may start now. The caller reports its end to `done`. */
  next(): PeerRequest | undefined {
    if (this.#busy >= GOSSIP_REQUESTS_MAX) return undefined
    for (const peer of this.#waiting) {
      this.#waiting.delete(peer)
      const outbox = this.#outboxes.get(peer)
      if (outbox === undefined || outbox.isBusy) continue
      outbox.isBusy = true
      this.#busy++
      return this.#requestOf(peer, outbox)
    }
    return undefined
  }

  /** A request to this peer has ended. */
  done(peer: Port): void {
    const outbox = this.#outboxes.get(peer)
    this.#busy--
    if (outbox === undefined) return
    outbox.isBusy = false
    if (outbox.rumours.size > 0 || outbox.isAsked || outbox.isPulled) this.#waiting.add(peer)
    else this.#outboxes.delete(peer)
  }

  #requestOf(peer: Port, outbox: Outbox): PeerRequest {
    if (outbox.isAsked) {
      outbox.isAsked = false
      return { kind: 'ask', peer }
    }
    if (outbox.isPulled) {
      outbox.isPulled = false
      return { kind: 'pull', peer }
    }
    const rumours: Rumour[] = []
    for (const [origin, rumour] of outbox.rumours) {
      rumours.push(rumour)
      outbox.rumours.delete(origin)
      if (rumours.length === GOSSIP_BATCH_MAX) break
    }
    return { kind: 'send', peer, rumours }
  }

  #outboxOf(peer: Port): Outbox {
    let outbox = this.#outboxes.get(peer)
    if (outbox === undefined) {
      outbox = { rumours: new Map(), isAsked: false, isPulled: false, isBusy: false }
      this.#outboxes.set(peer, outbox)
    }
    this.#waiting.add(peer)
    return outbox
  }
}
