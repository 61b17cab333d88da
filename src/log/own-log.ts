import type { KeyPair } from '../base/signing.js'
import { type At, EARLIEST } from './at.js'
import { type AuthorId, authorOfKey, type Seq } from './author.js'
import { type ChainValue, chainNext, chainStart } from './chain.js'
import type { CommitQueue } from './commit-queue.js'
import type { Entry } from './entry.js'
import type { SignedHead } from './head.js'
import { type OwnLink, sealOwn } from './segment-plan.js'
import { OFFERED_KEY, signedHeadWrite } from './segment-rows.js'
import type { Write } from './store.js'

/** Entries that go to the disk together, under as few signatures as hold them. */
interface Group {
  readonly first: Seq
  readonly before: ChainValue
  readonly links: OwnLink[]
  readonly done: Promise<void>
}

/** The log that this process extends: it alone signs with its key. */
export class OwnLog {
  readonly author: AuthorId
  readonly #keys: KeyPair
  readonly #room: Uint8Array
  readonly #queue: CommitQueue
  /** What is stored or on its way to the disk. */
  #head: SignedHead | undefined
  #group: Group | undefined
  #offered: Seq = 0
  /** Whether peers are told of what is stored as soon as it is. */
  isOffering = false

  constructor(keys: KeyPair, room: Uint8Array, queue: CommitQueue) {
    this.author = authorOfKey(keys.publicKey)
    this.#keys = keys
    this.#room = room
    this.#queue = queue
  }

  get head(): SignedHead | undefined {
    return this.#head
  }

  /** The last own entry that some peer may hold. */
  get offered(): Seq {
    return this.#offered
  }

  get last(): At {
    return this.#head?.last ?? EARLIEST
  }

  /** What the disk holds: after opening, and after each time that it failed. */
  reset(head: SignedHead | undefined, offered: Seq): void {
    this.#head = head
    this.#group = undefined
    this.#offered = offered
  }

  /** Appends one entry; `stored` settles when it is on disk, and is called back in order. */
  append(
    at: At,
    entry: Uint8Array,
    onStored: (from: Seq, to: Seq) => void,
  ): { readonly entry: Entry; readonly stored: Promise<void> } {
    const before = this.#head?.chain ?? chainStart({ room: this.#room, key: this.#keys.publicKey })
    const seq = (this.#head?.seq ?? 0) + 1
    const chain = chainNext(before, entry)
    this.#head = { author: this.author, seq, chain, first: this.#head?.first ?? at, last: at }
    const group = this.#group ?? this.#startGroup(seq, before, onStored)
    group.links.push({ entry, chain })
    return { entry: { author: this.author, seq, at, entry }, stored: group.done }
  }

  /** Notes on disk that peers are about to be told of everything that is stored. */
  async offer(): Promise<void> {
    this.isOffering = true
    const seq = this.#head?.seq ?? 0
    if (seq <= this.#offered) return
    await this.#queue.write([offeredWrite(seq)])
    this.#offered = Math.max(this.#offered, seq)
  }

  /** The rows for own entries, signed. */
  seal(first: Seq, before: ChainValue, links: readonly OwnLink[]): Write[] {
    return sealOwn(this.#keys, this.#room, first, before, links)
  }

  #startGroup(first: Seq, before: ChainValue, onStored: (from: Seq, to: Seq) => void): Group {
    const links: OwnLink[] = []
    const seal = (): Write[] => {
      this.#group = undefined
      const writes = this.seal(first, before, links)
      const last = first + links.length - 1
      if (this.isOffering) {
        writes.push(offeredWrite(last))
        this.#offered = last
      }
      if (this.#head !== undefined) {
        const chain = links.at(-1)?.chain ?? before
        writes.push(signedHeadWrite({ ...this.#head, seq: last, chain }))
      }
      return writes
    }
    const done = this.#queue.write(seal).then(() => onStored(first, first + links.length))
    this.#group = { first, before, links, done }
    return this.#group
  }
}

function offeredWrite(seq: Seq): Write {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(seq)
  return { type: 'put', key: OFFERED_KEY, value }
}

export const storedOffer = (value: Uint8Array | undefined): Seq =>
  value?.length === 4 ? Buffer.from(value.buffer, value.byteOffset, 4).readUInt32BE() : 0
