import type { Millis } from '../base/clock.js'
import type { DialAttempt } from '../net/dial-target.js'

export interface ConnectionSummary {
  /** Names of the connected peers. */
  readonly connected: readonly string[]
  /** Of these, scuttleup peers: their connections are not encrypted. */
  readonly plain?: readonly string[]
  readonly dialing: readonly DialAttempt[]
  /** When the newest connection opened, unless it replaced another one to its peer. */
  readonly openedAt?: Millis
  /** How many more peers are present according to the connected ones. */
  readonly indirect?: number
}
