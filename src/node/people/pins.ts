import { EventEmitter } from 'node:events'
import type { Millis } from '../../base/clock.js'
import type { AuthorId } from '../../log/format/author.js'
import type { KnownPeople } from '../../log/known-people.js'
import { type Asking, type KnownSet, type Pin, type PinSource, type PinStore, pinnedNameOf } from './pin.js'

/** Largest number of earlier keys that are stored per name. */
const EARLIER_MAX = 8

/** Largest number of pins, and of addressed authors. Each one results from an action of the user. */
const PINS_MAX = 2_000

interface PinsEvents {
  /** A pin was made, moved or removed, or another key answered under its name. */
  change: []
  /** A stranger became known. */
  known: [AuthorId]
}

/** The outcome of a connection to a peer that the user named: whether its key is the one that the name is bound to. */
export type Meeting = 'same' | 'new' | 'other-key' | 'other-key-again'

/**
 * The names that are bound to keys, and the authors whom the user has addressed. Changes take effect at once, and are
 * stored in the background; the logs report a failing disk.
 */
export class Pins extends EventEmitter<PinsEvents> implements KnownPeople {
  readonly #store: PinStore | undefined
  readonly #pins = new Map<string, Pin>()
  readonly #keys = new Set<AuthorId>()
  readonly #addressed = new Set<AuthorId>()
  #asking: readonly Asking[] = []
  #saving: Promise<void> = Promise.resolve()

  /** Without a store, pins last as long as the process. */
  constructor(store?: PinStore) {
    super()
    this.setMaxListeners(0)
    this.#store = store
  }

  static async open(store: PinStore): Promise<Pins> {
    const pins = new Pins(store)
    for (const pin of await store.pins()) pins.#pins.set(pinnedNameOf(pin.name), pin)
    for (const author of await store.addressed()) pins.#addressed.add(author)
    pins.#updateKeys()
    return pins
  }

  /** Every pin, by name. */
  get all(): readonly Pin[] {
    return [...this.#pins.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  get known(): KnownSet {
    const asking = this.#asking.length > 0 && { asking: this.#asking }
    return { pins: this.all, addressed: [...this.#addressed], ...asking }
  }

  get hasKnown(): boolean {
    return this.#keys.size > 0 || this.#addressed.size > 0
  }

  of(name: string): Pin | undefined {
    return this.#pins.get(pinnedNameOf(name))
  }

  /** The names that a key is bound to, in order. */
  namesOf(key: AuthorId): readonly string[] {
    return this.#keys.has(key) ? this.all.flatMap(pin => (pin.key === key ? [pin.name] : [])) : []
  }

  isKnown(author: AuthorId): boolean {
    return this.#keys.has(author) || this.#addressed.has(author)
  }

  onKnown(listener: (author: AuthorId) => void): () => void {
    this.on('known', listener)
    return () => this.off('known', listener)
  }

  /** A peer that the user named proved this key. The first key under a name is pinned. */
  met(name: string, key: AuthorId, now: Millis): Meeting {
    const pin = this.of(name)
    if (pin === undefined) {
      if (this.#pins.size < PINS_MAX) this.pin({ name, key, since: now, how: 'met' })
      return 'new'
    }
    if (pin.key === key) return 'same'
    if (pin.other === key || pin.refused === key) return 'other-key-again'
    this.#put({ ...pin, other: key })
    return 'other-key'
  }

  /** Binds a name to a key from now on: the user accepted it or compared words, or a room vouches for it. */
  pin(pin: Pin): void {
    const before = this.of(pin.name)
    const refused = before?.key === pin.key ? (before.other ?? before.refused) : undefined
    this.#put({ ...pin, other: undefined, ...(refused !== undefined && { refused }) })
  }

  /** Replaces the people who wrote to the user directly and wait for an answer. */
  setAsking(asking: readonly Asking[]): void {
    this.#asking = asking
    this.emit('change')
  }

  /** The owner of a key signed a new one: moves everything known about the old key to it. Returns the names that were moved. */
  renew(key: AuthorId, fresh: AuthorId, now: Millis): readonly string[] {
    const moved = this.all.filter(pin => pin.key === key)
    // The user compared words for the old key only.
    for (const pin of moved) {
      const earlier = [...(pin.earlier ?? []), key].slice(-EARLIER_MAX)
      const how = pin.how === 'compared' ? 'met' : pin.how
      this.#put({ ...pin, key: fresh, since: now, how, other: undefined, earlier })
    }
    if (this.#addressed.has(key)) this.address(fresh)
    return moved.map(({ name }) => name)
  }

  /** Whether a name was bound to this key before its owner signed a new one. */
  isEarlier(key: AuthorId): boolean {
    return [...this.#pins.values()].some(({ earlier }) => earlier?.includes(key) === true)
  }

  /**
   * An earlier key signed a second new key, so somebody has stolen it. Returns the pins that have two keys from now on.
   * Ignores further keys, and all keys once the user has chosen one.
   */
  renewedTwice(key: AuthorId, fresh: AuthorId): readonly Pin[] {
    const contested = this.all.filter(
      ({ key: current, earlier = [], other }) =>
        earlier.includes(key) && ![current, ...earlier].includes(fresh) && other === undefined,
    )
    for (const pin of contested) this.#put({ ...pin, other: fresh })
    return contested
  }

  /** The user compared words with the person who has this key. False if no name is bound to it. */
  compared(key: AuthorId, how: PinSource = 'compared'): boolean {
    const pins = this.all.filter(pin => pin.key === key)
    for (const pin of pins) this.#put({ ...pin, how })
    return pins.length > 0
  }

  /** Removes the pin of a name. False if there is none. */
  forget(name: string): boolean {
    const pin = this.of(name)
    if (pin === undefined) return false
    this.#pins.delete(pinnedNameOf(name))
    this.#updateKeys()
    this.#save(store => store.deletePin(name))
    this.emit('change')
    return true
  }

  /** The user addressed an author in a typed line, or dialled the author's address: the author becomes known, without a name. */
  address(author: AuthorId): void {
    if (this.#addressed.has(author) || this.#addressed.size >= PINS_MAX) return
    const wasKnown = this.isKnown(author)
    this.#addressed.add(author)
    this.#save(store => store.putAddressed(author))
    if (!wasKnown) this.emit('known', author)
  }

  /** Resolves when every pending write has succeeded or failed. */
  saved(): Promise<void> {
    return this.#saving
  }

  #put(pin: Pin): void {
    const wasKnown = this.isKnown(pin.key)
    this.#pins.set(pinnedNameOf(pin.name), pin)
    this.#updateKeys()
    this.#save(store => store.putPin(pin))
    this.emit('change')
    if (!wasKnown) this.emit('known', pin.key)
  }

  #updateKeys(): void {
    this.#keys.clear()
    for (const { key } of this.#pins.values()) this.#keys.add(key)
  }

  #save(write: (store: PinStore) => Promise<void>): void {
    const store = this.#store
    if (store !== undefined) this.#saving = this.#saving.then(() => write(store)).catch(() => {})
  }
}
