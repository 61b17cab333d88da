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
  readonly log: Pick<Log, 'head' | 'entry' | 'on'>
  readonly pins: Pins
  readonly clock: Clock
  readonly onEvent: (event: NodeEvent) => void
}

/**
 * Moves pins to new keys that the old keys signed, and reports each once. Only the first new key of an old one counts, so a thief of the
 * old key cannot move the name again.
 */
export class Renewals {
  readonly #options: RenewalsOptions
  /** For each old key, the logs that begin with its renewal. The signatures are not checked yet. At most one item per stored log. */
  readonly #claims = new Map<AuthorId, LogId[]>()
  readonly #stopListening: () => void
  readonly #cancel: Cancel
  #reading: Promise<void> | undefined

  constructor(options: RenewalsOptions) {
    this.#options = options
    const { log, pins, clock } = options
    log.on('entries', ({ author, from }) => void (from === 1 && this.#read(author)))
    // Somebody whose key was renewed before is known from now on.
    this.#stopListening = pins.onKnown(author => void this.#readStored().then(() => this.#follow(author)))
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
    for (const { author } of [...this.#options.log.head]) await this.#read(author)
  }

  async #read(log: LogId): Promise<void> {
    const members = await this.#membersOf(log)
    const previous = members && previousKeyIn(members)
    if (previous === undefined) return
    const logs = this.#claims.get(previous) ?? []
    if (!logs.includes(log)) this.#claims.set(previous, [...logs, log])
    await this.#follow(previous)
  }

  /** Moves what is known of a key to the new one that it signed. */
  async #follow(key: AuthorId): Promise<void> {
    const { pins, clock, onEvent } = this.#options
    if (!pins.isKnown(key)) return
    for (const log of this.#claims.get(key) ?? []) {
      const fresh = authorOfLog(log)
      const members = await this.#membersOf(log)
      if (members === undefined || !isSignedRenewal(fresh, members)) continue
      for (const name of pins.renew(key, fresh, clock.now()))
        onEvent({ kind: 'key-renewed', name, key: fresh, before: key })
      return
    }
  }

  async #membersOf(log: LogId) {
    // A damaged log is reported by others.
    const first = await this.#options.log.entry(log, 1).catch(() => undefined)
    return first && decodeEntry(first.entry)
  }
}
