import type { Millis } from '../../base/clock.js'
import { checkOf, type ShortKey } from './digest-codec.js'
import { STATUSES_MAX } from './limits.js'

/** How long an answer is waited for; and when the same may be asked for over the same link again. */
const ANSWER_MS = 2_000
const AGAIN_MS = 30_000
const REQUESTS_MAX = 2 * STATUSES_MAX

/** A status that was asked for over a link. */
interface Request {
  readonly link: number
  /** Of the version that the digest told of. */
  readonly check: number
  readonly askedAt: Millis
  /** When its author was alive, as the digest said. */
  readonly aliveAt: Millis
}

/** The statuses that were asked for, of each author over one link at a time. */
export class StatusRequests {
  readonly #requests = new Map<ShortKey, Request>()

  /** Whether a status is to be asked for over a link; it counts as asked for if so. */
  ask(key: ShortKey, { link, check, aliveAt }: Omit<Request, 'askedAt'>, now: Millis): boolean {
    const before = this.#requests.get(key)
    if (before === undefined && this.#requests.size >= REQUESTS_MAX) return false
    if (before !== undefined) {
      const isSame = before.link === link && before.check === check
      if (now - before.askedAt < (isSame ? AGAIN_MS : ANSWER_MS)) return false
    }
    this.#requests.set(key, { link, check, askedAt: now, aliveAt })
    return true
  }

  /** When the author of a status was alive, as the digest said that made this peer ask for it; undefined where it did not ask. */
  answeredBy(key: ShortKey, link: number, version: number): Millis | undefined {
    const request = this.#requests.get(key)
    return request?.link === link && request.check === checkOf(version) ? request.aliveAt : undefined
  }

  /** Forgets what was asked for long ago; or, where the clock was set back, in the future. */
  prune(now: Millis): void {
    for (const [key, { askedAt }] of this.#requests)
      if (now - askedAt >= AGAIN_MS || askedAt > now) this.#requests.delete(key)
  }
}
