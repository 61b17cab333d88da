import type { Cancel, Clock, Millis } from '../../base/clock.js'
import { type AuthorId, authorOfLog, type LogId } from '../../log/format/author.js'
import { decodeEntry } from '../../log/format/entry.js'
import type { Log } from '../../log/log.js'
import type { NodeEvent } from '../events.js'
import type { Pins } from './pins.js'
import { isSignedRenewal, previousKeyIn } from './renewal.js'

/** Delay from the start until stored logs are read, unless somebody becomes known earlier. */
const READ_AFTER_MS: Millis = 2_000

export interface RenewalsOptions {
  readonly log: Pick<Log, 'head' | 'entry' | 'localSeq' | 'on'>
  /** The user's own name. */
  readonly me: string
  readonly pins: Pins
  readonly clock: Clock
  readonly onEvent: (event: NodeEvent) => void
}

/**
 * Moves pins to new keys that the old keys signed, and reports each once. The first new key that an old key signs is
 * accepted. If the old key signs another one, somebody has stolen it: that is reported once, and nothing is sent to the
 * name until the user has chosen a key.
 */
export class Renewals {
  readonly #options: RenewalsOptions
  /** For each old key, the logs that begin with its renewal. The signatures are not checked yet. At most one item per stored log. */
  readonly #claims = new Map<AuthorId, LogId[]>()
  /** The old key that each of these logs names. */
  readonly #previous = new Map<LogId, AuthorId>()
  readonly #stopListening: () => void
  readonly #cancel: Cancel
  #reading: Promise<void> | undefined
  /** Renewals are followed one by one, so that the first of two wins. */
  #following: Promise<void> = Promise.resolve()

  constructor(options: RenewalsOptions) {
    this.#options = options
    const { log, pins, clock } = options
    log.on('entries', ({ author, from }) => void (from === 1 && this.#read(author)))
    log.on('shortened', shortened => void (log.localSeq(shortened) === 0 && this.#forget(shortened)))
    // Somebody became known who may have renewed their key before.
    this.#stopListening = pins.onKnown(
      author => void this.#readStored().then(() => this.#follow(author, this.#claims.get(author))),
    )
    this.#cancel = clock.after(READ_AFTER_MS, () => void (pins.hasKnown && this.#readStored()))
  }

  close(): void {
    this.#stopListening()
    this.#cancel()
  }

  #readStored(): Promise<void> {
    this.#reading ??= this.#readAll()
    return this.#reading
  }

  async #readAll(): Promise<void> {
    for (const { author } of [...this.#options.log.head]) await this.#note(author)
    for (const [previous, logs] of [...this.#claims]) await this.#follow(previous, logs)
  }

  async #read(log: LogId): Promise<void> {
    const previous = await this.#note(log)
    if (previous !== undefined) await this.#follow(previous, [log])
  }

  /** Reads whether a log begins with a renewal, and returns the old key that the renewal names. */
  async #note(log: LogId): Promise<AuthorId | undefined> {
    const members = await this.#membersOf(log)
    const previous = members && previousKeyIn(members)
    const logs = previous && (this.#claims.get(previous) ?? [])
    if (previous !== undefined && logs?.includes(log) === false) {
      this.#claims.set(previous, [...logs, log])
      this.#previous.set(log, previous)
    }
    return previous
  }

  #forget(log: LogId): void {
    const previous = this.#previous.get(log)
    if (previous === undefined) return
    this.#previous.delete(log)
    const others = (this.#claims.get(previous) ?? []).filter(other => other !== log)
    if (others.length === 0) this.#claims.delete(previous)
    else this.#claims.set(previous, others)
  }

  #follow(key: AuthorId, logs: readonly LogId[] = []): Promise<void> {
    this.#following = this.#following.then(async () => {
      for (const log of logs) await this.#followTo(log, key)
    })
    return this.#following
  }

  /** Moves the pins of a key to the new key that it signed, unless it signed another new key before. */
  async #followTo(log: LogId, key: AuthorId): Promise<void> {
    const { me, pins, clock, onEvent } = this.#options
    if (!(pins.isKnown(key) || pins.isEarlier(key)) || !(await this.#isSigned(log))) return
    const fresh = authorOfLog(log)
    if (pins.isKnown(key) && !(await this.#isFollowed(key, log)))
      for (const name of pins.renew(key, fresh, clock.now()))
        onEvent({ kind: 'key-renewed', name, key: fresh, before: key })
    for (const { name, key: current } of pins.renewedTwice(key, fresh))
      onEvent({ kind: 'key-renewed-twice', me, name, key: current, other: fresh })
  }

  /** Whether a key has signed another new key, which is accepted already. */
  async #isFollowed(key: AuthorId, except: LogId): Promise<boolean> {
    for (const log of this.#claims.get(key) ?? [])
      if (log !== except && this.#options.pins.isKnown(authorOfLog(log)) && (await this.#isSigned(log))) return true
    return false
  }

  async #isSigned(log: LogId): Promise<boolean> {
    const members = await this.#membersOf(log)
    return members !== undefined && isSignedRenewal(authorOfLog(log), members)
  }

  async #membersOf(log: LogId) {
    // A damaged log is reported elsewhere.
    const first = await this.#options.log.entry(log, 1).catch(() => undefined)
    return first && decodeEntry(first.entry)
  }
}
