import { type AuthorId, authorOf } from '../../log/format/author.js'
import type { Store } from '../../log/store/store.js'
import { JsonRows } from './json-rows.js'
import { isPin, type Pin, type PinStore, pinnedNameOf } from './pin.js'

/** The people whom a user knows, in the node database. */
export class PinRows implements PinStore {
  readonly #pins: JsonRows<Pin>
  readonly #addressed: JsonRows<AuthorId>

  constructor(store: Store) {
    this.#pins = new JsonRows(store, 'pin/', (_name, value) => (isPin(value) ? value : undefined))
    this.#addressed = new JsonRows(store, 'addressed/', authorOf)
  }

  pins(): Promise<readonly Pin[]> {
    return this.#pins.all()
  }

  putPin(pin: Pin): Promise<void> {
    return this.#pins.put(pinnedNameOf(pin.name), pin)
  }

  deletePin(name: string): Promise<void> {
    return this.#pins.delete(pinnedNameOf(name))
  }

  addressed(): Promise<readonly AuthorId[]> {
    return this.#addressed.all()
  }

  putAddressed(author: AuthorId): Promise<void> {
    return this.#addressed.put(author)
  }
}
