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

interface Holder {
  links: number
  held: Map<AuthorId, Seq>
}

/** What one link tells of what is held at its other end. */
export interface Witness {
  /** All that is held there. */
  holds(heads: readonly Digest[]): void
  /** Some of what is held there now. */
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
    const holder = this.#holders.get(name) ?? { links: 0, held: new Map() }
    holder.links += 1
    this.#holders.delete(name)
    this.#holders.set(name, holder)
    let isOpen = true
    return {
      holds: heads => {
        holder.held = new Map()
        this.#note(name, holder, heads)
      },
      told: heads => this.#note(name, holder, heads),
      close: () => {
        if (isOpen) holder.links -= 1
        isOpen = false
        this.#forgetOldest()
      },
    }
  }

  /** Who holds an entry. */
  of({ author, seq }: Digest): Holders {
    let [on, of, left] = [0, 0, 0]
    for (const { links, held } of this.#holders.values()) {
      const holds = (held.get(author) ?? 0) >= seq
      if (links > 0) of += 1
      if (holds && links > 0) on += 1
      if (holds && links === 0) left += 1
    }
    return { on, of, left }
  }

  #note(name: string, { held }: Holder, heads: readonly Digest[]): void {
    for (const { author, seq } of heads) {
      if (seq <= (held.get(author) ?? 0) || (held.size >= HEADS_MAX && !held.has(author))) continue
      held.set(author, seq)
      this.emit('told', name, author, seq)
    }
  }

  #forgetOldest(): void {
    const left = [...this.#holders].filter(([, { links }]) => links === 0)
    for (const [name] of left.slice(0, Math.max(0, left.length - LEFT_HOLDERS_MAX))) this.#holders.delete(name)
  }
}
