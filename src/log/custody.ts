import { EventEmitter } from 'node:events'
import { HEADS_MAX, LEFT_HOLDERS_MAX } from '../base/limits.js'
import type { AuthorId, Seq } from './author.js'
import type { Digest } from './head.js'

/** Where an entry is held besides here, as far as it was told. */
export interface Holders {
  /** How many of the linked peers hold it. */
  readonly on: number
  /** How many peers are linked. */
  readonly of: number
  /** How many peers held it when they were last linked, and are not now. */
  readonly left: number
}

/** How far a log is held besides here, as far as it was told: by each peer that is linked, and by each that was. */
export interface Held {
  readonly linked: readonly Seq[]
  readonly left: readonly Seq[]
}

/** Where an entry is held of a log that is held so far. */
export function holdersIn({ linked, left }: Held, seq: Seq): Holders {
  const count = (reached: readonly Seq[]): number => reached.filter(reach => reach >= seq).length
  return { on: count(linked), of: linked.length, left: count(left) }
}

/** What one link told: how far each log is held at its other end. */
type Account = Map<AuthorId, Seq>

interface Holder {
  /** Of each open link; several are there while it is found out which of them to keep. */
  readonly open: Set<Account>
  /** Of the link that was closed last. */
  left: Account
}

/** What one link tells of what is held at its other end. */
export interface Witness {
  /** How far logs are held there. */
  told(heads: readonly Digest[]): void
  close(): void
}

interface CustodyEvents {
  /** A peer told that it holds a log up to a place. */
  told: [holder: string, author: AuthorId, seq: Seq]
}

/** Keeps account of what each peer holds durably, by what it said itself. */
export class Custody extends EventEmitter<CustodyEvents> {
  /** In the order in which they were last linked. */
  readonly #holders = new Map<string, Holder>()

  /** A link to a peer opens. Several links to the same one count once. */
  open(name: string): Witness {
    const holder = this.#holders.get(name) ?? { open: new Set(), left: new Map() }
    this.#holders.delete(name)
    this.#holders.set(name, holder)
    const account: Account = new Map()
    holder.open.add(account)
    return {
      told: heads => this.#note(name, account, heads),
      close: () => {
        if (!holder.open.delete(account)) return
        holder.left = account
        this.#forgetOldest()
      },
    }
  }

  /** Who holds an entry. */
  of({ author, seq }: Digest): Holders {
    return holdersIn(this.held(author), seq)
  }

  /** How far a log is held. */
  held(author: AuthorId): Held {
    const linked: Seq[] = []
    const left: Seq[] = []
    for (const { open, left: account } of this.#holders.values()) {
      if (open.size > 0) linked.push(Math.max(...[...open].map(each => each.get(author) ?? 0)))
      else left.push(account.get(author) ?? 0)
    }
    return { linked, left }
  }

  #note(name: string, account: Account, heads: readonly Digest[]): void {
    for (const { author, seq } of heads) {
      if (seq <= (account.get(author) ?? 0) || (account.size >= HEADS_MAX && !account.has(author))) continue
      account.set(author, seq)
      this.emit('told', name, author, seq)
    }
  }

  #forgetOldest(): void {
    const left = [...this.#holders].filter(([, { open }]) => open.size === 0)
    for (const [name] of left.slice(0, Math.max(0, left.length - LEFT_HOLDERS_MAX))) this.#holders.delete(name)
  }
}
