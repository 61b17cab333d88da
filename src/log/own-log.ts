import type { KeyPair } from '../base/signing.js'
import { type At, EARLIEST } from './at.js'
import { type AuthorId, authorOfKey, type Seq } from './author.js'
import { type ChainValue, chainStart } from './chain.js'
import type { CommitQueue } from './commit-queue.js'
import type { SignedHead } from './head.js'
import { type Sealed, sealOwn } from './segment-plan.js'
import { OFFERED_KEY, signedHeadWrite } from './segment-rows.js'
import type { Write } from './store.js'

/** Entries that go to the disk together, under as few signatures as hold them. */
interface Group {
  readonly entries: Uint8Array[]
  readonly done: Promise<void>
}

/** What is told of own entries, in order. */
export interface OwnLogHooks {
  /** They are on their way to the disk. */
  onSealed(head: SignedHead): void
  /** Those with `from ≤ seq < to` are on disk. */
  onStored(author: AuthorId, from: Seq, to: Seq): void
}

/** The log that this process extends: it alone signs with its key. */
export class OwnLog {
  readonly author: AuthorId
  readonly #keys: KeyPair
  readonly #room: Uint8Array
  readonly #queue: CommitQueue
  readonly #hooks: OwnLogHooks
  /** What is stored or on its way to the disk. */
  #head: SignedHead | undefined
  /** The last entry that was appended, and the clock that it had. */
  #seq: Seq = 0
  #last: At = EARLIEST
  #group: Group | undefined
  #settled: Promise<void> = Promise.resolve()
  #offered: Seq = 0
  /** Whether peers are told of what is stored as soon as it is. */
  #isOffering = false

  constructor(keys: KeyPair, room: Uint8Array, queue: CommitQueue, hooks: OwnLogHooks) {
    this.author = authorOfKey(keys.publicKey)
    this.#keys = keys
    this.#room = room
    this.#queue = queue
    this.#hooks = hooks
  }

  get head(): SignedHead | undefined {
    return this.#head
  }

  /** The last own entry that some peer may hold. */
  get offered(): Seq {
    return this.#offered
  }

  get last(): At {
    return this.#last
  }

  /** What the disk holds: after opening, and after each time that it failed. */
  reset(head: SignedHead | undefined, offered: Seq): void {
    this.#head = head
    this.#seq = head?.seq ?? 0
    this.#last = head?.last ?? EARLIEST
    this.#group = undefined
    this.#offered = offered
  }

  /** Appends one entry; `stored` settles when it is on disk. */
  append(at: At, entry: Uint8Array): { readonly seq: Seq; readonly stored: Promise<void> } {
    this.#seq++
    this.#last = at
    this.#group ??= this.#startGroup(this.#seq, at)
    this.#group.entries.push(entry)
    return { seq: this.#seq, stored: this.#group.done }
  }

  /** Resolves when nothing that was appended is still on its way to the disk. */
  settled(): Promise<void> {
    return this.#settled
  }

  /** Notes on disk that peers are about to be told of everything that is stored. */
  async offer(): Promise<void> {
    this.#isOffering = true
    const seq = this.#seq
    if (seq <= this.#offered) return
    await this.#queue.write([offeredWrite(seq)])
    this.#offered = Math.max(this.#offered, seq)
  }

  /** The rows for own entries, signed, and the chain value behind them. */
  seal(first: Seq, before: ChainValue, entries: readonly Uint8Array[]): Sealed {
    return sealOwn(this.#keys, this.#room, first, before, entries)
  }

  /** What is appended until the disk is free goes there together. */
  #startGroup(first: Seq, at: At): Group {
    const entries: Uint8Array[] = []
    const done = this.#queue
      .write(() => {
        this.#group = undefined
        return this.#sealGroup(first, at, entries)
      })
      .then(() => this.#hooks.onStored(this.author, first, first + entries.length))
    this.#settled = done.catch(() => {})
    return { entries, done }
  }

  #sealGroup(first: Seq, at: At, entries: readonly Uint8Array[]): Write[] {
    const before = this.#head?.chain ?? chainStart({ room: this.#room, key: this.#keys.publicKey })
    const { writes, chain, size } = this.seal(first, before, entries)
    const seq = first + entries.length - 1
    this.#head = {
      author: this.author,
      seq,
      chain,
      first: this.#head?.first ?? at,
      last: this.#last,
      size: (this.#head?.size ?? 0) + size,
    }
    this.#hooks.onSealed(this.#head)
    if (!this.#isOffering) return [...writes, signedHeadWrite(this.#head)]
    this.#offered = seq
    return [...writes, signedHeadWrite(this.#head), offeredWrite(seq)]
  }
}

function offeredWrite(seq: Seq): Write {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(seq)
  return { type: 'put', key: OFFERED_KEY, value }
}

export const storedOffer = (value: Uint8Array | undefined): Seq =>
  value?.length === 4 ? Buffer.from(value.buffer, value.byteOffset, 4).readUInt32BE() : 0
