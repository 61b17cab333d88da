import type { Millis } from '../../base/clock.js'
import { checkOf, type ShortKey } from './digest-codec.js'
import { STATUSES_MAX } from './limits.js'

/** Time to wait for an answer, and time before the same status is requested over the same connection again. */
const ANSWER_MS = 2_000
const REPEAT_MS = 30_000
const REQUESTS_MAX = 2 * STATUSES_MAX

/** A status that was requested over a connection. */
interface Request {
  readonly connection: number
  /** The low 16 bits of the requested version, as in the digest. */
  readonly check: number
  readonly requestedAt: Millis
  /** When the author was last alive, according to the digest. */
  readonly aliveAt: Millis
}

/** Outstanding status requests: for each author, over one connection at a time. */
export class StatusRequests {
  readonly #requests = new Map<ShortKey, Request>()

  /** Returns whether to request a status over a connection, and if so remembers it. */
  add(key: ShortKey, { connection, check, aliveAt }: Omit<Request, 'requestedAt'>, now: Millis): boolean {
    const before = this.#requests.get(key)
    if (before === undefined && this.#requests.size >= REQUESTS_MAX) return false
    if (before !== undefined) {
      const isSame = before.connection === connection && before.check === check
      if (now - before.requestedAt < (isSame ? REPEAT_MS : ANSWER_MS)) return false
    }
    this.#requests.set(key, { connection, check, requestedAt: now, aliveAt })
    return true
  }

  /** When the author was alive, according to the digest that caused the request; undefined if the status was not requested. */
  answeredBy(key: ShortKey, connection: number, version: number): Millis | undefined {
    const request = this.#requests.get(key)
    return request?.connection === connection && request.check === checkOf(version) ? request.aliveAt : undefined
  }

  /** Forgets old requests, and those dated in the future after the clock was set back. */
  prune(now: Millis): void {
    for (const [key, { requestedAt }] of this.#requests)
      if (now - requestedAt >= REPEAT_MS || requestedAt > now) this.#requests.delete(key)
  }
}
