import { EventEmitter } from 'node:events'
import type { Millis } from '../../base/clock.js'
import { isName } from '../../base/names.js'
import { isPlainName } from '../../chat/shown-name.js'
import type { AuthorId } from '../../log/format/author.js'
import type { ReceivedRequest } from './direct-contacts.js'

/** Largest number of stored requests. */
const REQUESTS_MAX = 16
/** Largest number of these that come from strangers of one block of addresses. */
const REQUESTS_PER_BLOCK_MAX = 4
/** How often one person may change their request: each change costs a write. */
const CHANGES_MAX = 16
/** An unanswered request expires after this time. */
const REQUEST_MS_MAX: Millis = 30 * 86_400_000
/**
 * Largest number of declined keys that are stored; the oldest is evicted first. Strangers cannot fill the list: the
 * user declined each key.
 */
const DECLINED_MAX = 1_000

/** Somebody who wrote to the user, and whom the user does not talk with yet. */
export interface MessageRequest extends ReceivedRequest {
  readonly since: Millis
  readonly changes: number
}

/** Where requests are stored. */
export interface RequestStore {
  requests(): Promise<readonly MessageRequest[]>
  /** The keys that were declined, the earliest first. */
  declined(): Promise<readonly AuthorId[]>
  putRequest(request: MessageRequest): Promise<void>
  deleteRequest(key: AuthorId): Promise<void>
  putDeclined(key: AuthorId, at: Millis): Promise<void>
  deleteDeclined(key: AuthorId): Promise<void>
}

export interface MessageRequestsOptions {
  readonly store: RequestStore
  readonly now: () => Millis
  readonly isKnown: (key: AuthorId) => boolean
}

interface MessageRequestsEvents {
  /** A request was added, changed or removed. */
  change: []
  /** Somebody asks for the first time. */
  asked: [MessageRequest]
}

/**
 * The message requests of people whom the user does not talk with. Stores at most REQUESTS_MAX of them, however many keys a stranger
 * generates: requests of known people evict those of strangers, and a stranger's request evicts none.
 */
export class MessageRequests extends EventEmitter<MessageRequestsEvents> {
  readonly #options: MessageRequestsOptions
  readonly #requests = new Map<AuthorId, MessageRequest>()
  readonly #declined = new Set<AuthorId>()
  #saving: Promise<void> = Promise.resolve()

  private constructor(options: MessageRequestsOptions) {
    super()
    this.#options = options
  }

  static async open(options: MessageRequestsOptions): Promise<MessageRequests> {
    const requests = new MessageRequests(options)
    for (const request of await options.store.requests()) requests.#requests.set(request.key, request)
    for (const key of await options.store.declined()) requests.#declined.add(key)
    requests.#expire()
    return requests
  }

  /** The requests, those of known people first. */
  get all(): readonly MessageRequest[] {
    const { isKnown } = this.#options
    return [...this.#requests.values()].sort(
      (a, b) => Number(isKnown(b.key)) - Number(isKnown(a.key)) || a.since - b.since,
    )
  }

  /** Stores a request, if there is room for it. */
  receive(received: ReceivedRequest): void {
    const { key, text } = received
    this.#expire()
    const before = this.#requests.get(key)
    if (this.#declined.has(key) || text === '' || before?.text === text) return
    if (before !== undefined && before.changes >= CHANGES_MAX) return
    if (before === undefined && !this.#makeRoom(received)) return
    const name = isName(received.name) && isPlainName(received.name) ? received.name : ''
    const since = before?.since ?? this.#options.now()
    const request = { ...received, name, since, changes: (before?.changes ?? 0) + 1 }
    this.#requests.set(key, request)
    this.#save(store => store.putRequest(request))
    this.emit('change')
    if (before === undefined) this.emit('asked', request)
  }

  /** The user talks with this person, or wrote to them: removes their request. */
  accept(key: AuthorId): void {
    this.drop(key)
    if (this.#declined.delete(key)) this.#save(store => store.deleteDeclined(key))
  }

  /** Removes the request of this person, and drops later ones. They are not told. */
  decline(key: AuthorId): void {
    this.drop(key)
    if (this.#declined.has(key)) return
    this.#declined.add(key)
    const at = this.#options.now()
    this.#save(store => store.putDeclined(key, at))
    const [earliest] = this.#declined
    if (this.#declined.size <= DECLINED_MAX || earliest === undefined) return
    this.#declined.delete(earliest)
    this.#save(store => store.deleteDeclined(earliest))
  }

  /** Removes the request of this person; they may ask again. */
  drop(key: AuthorId): void {
    if (!this.#requests.delete(key)) return
    this.#save(store => store.deleteRequest(key))
    this.emit('change')
  }

  /** Resolves when every pending write has succeeded or failed. */
  saved(): Promise<void> {
    return this.#saving
  }

  /**
   * Makes space for the request of a new person: a known person's request evicts the newest one of a stranger. False if
   * there is no space.
   */
  #makeRoom({ key, block }: ReceivedRequest): boolean {
    const { isKnown } = this.#options
    const strangers = this.all.filter(each => !isKnown(each.key))
    if (!isKnown(key) && strangers.filter(each => each.block === block).length >= REQUESTS_PER_BLOCK_MAX) return false
    if (this.#requests.size < REQUESTS_MAX) return true
    const newest = strangers.at(-1)
    if (!isKnown(key) || newest === undefined) return false
    this.drop(newest.key)
    return true
  }

  #expire(): void {
    const now = this.#options.now()
    for (const { key, since } of [...this.#requests.values()]) if (now - since > REQUEST_MS_MAX) this.drop(key)
  }

  #save(write: (store: RequestStore) => Promise<void>): void {
    this.#saving = this.#saving.then(() => write(this.#options.store)).catch(() => {}) // the logs report a failing disk
  }
}
