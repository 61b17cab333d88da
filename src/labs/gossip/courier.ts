import { GOSSIP_BATCH_MAX, GOSSIP_ORIGINS_MAX, GOSSIP_REQUESTS_MAX } from './limits.js'
import { isNewer, type Port, type Rumour } from './rumour.js'

/** What has to be done at a peer: each is one request. */
export type Errand =
  | { readonly kind: 'ask'; readonly peer: Port }
  | { readonly kind: 'pull'; readonly peer: Port }
  | { readonly kind: 'send'; readonly peer: Port; readonly rumours: readonly Rumour[] }

/** What waits to be sent to one peer: of each origin the newest alone. */
interface Outbox {
  readonly rumours: Map<Port, Rumour>
  isAsked: boolean
  isPulled: boolean
  /** Whether a request is under way: there is one at a time, and what comes meanwhile goes together into the next. */
  isBusy: boolean
}

/** Decides which request goes to whom, and when: few at a time, and what a slow peer is owed does not grow. */
export class Courier {
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

  /** What waits for a peer is dropped. */
  forget(peer: Port): void {
    const outbox = this.#outboxes.get(peer)
    this.#waiting.delete(peer)
    if (outbox?.isBusy) outbox.rumours.clear()
    else this.#outboxes.delete(peer)
  }

  /** What is to be done now, if anything may. Each is to be reported to `done`. */
  next(): Errand | undefined {
    if (this.#busy >= GOSSIP_REQUESTS_MAX) return undefined
    for (const peer of this.#waiting) {
      this.#waiting.delete(peer)
      const outbox = this.#outboxes.get(peer)
      if (outbox === undefined || outbox.isBusy) continue
      outbox.isBusy = true
      this.#busy++
      return this.#errandOf(peer, outbox)
    }
    return undefined
  }

  /** An errand at this peer is over. */
  done(peer: Port): void {
    const outbox = this.#outboxes.get(peer)
    this.#busy--
    if (outbox === undefined) return
    outbox.isBusy = false
    if (outbox.rumours.size > 0 || outbox.isAsked || outbox.isPulled) this.#waiting.add(peer)
    else this.#outboxes.delete(peer)
  }

  #errandOf(peer: Port, outbox: Outbox): Errand {
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
