import { EventEmitter } from 'node:events'
import { HEADS_MAX, LEFT_HOLDERS_MAX } from '../base/limits.js'
import { sameBytes } from '../base/wire/bytes.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'

/** Where an entry is held besides here, as far as it was told. */
export interface Replicas {
  /** How many of the linked peers hold it. */
  readonly on: number
  /** How many peers are linked. */
  readonly of: number
  /** How many peers held it when they were last linked, and are not now. */
  readonly left: number
  /** How many of the linked peers hold another history of its log, and are not known to hold it; 0 where it is left out. */
  readonly differing?: number
}

/** How far a log is held besides here, as far as it was told: by each peer that is linked, and by each that was. */
export interface Held {
  readonly linked: readonly Seq[]
  readonly left: readonly Seq[]
  /** How far it is held by those of the linked peers that hold another history of it. */
  readonly differing: readonly Seq[]
}

/** Where an entry is held of a log that is held so far. */
export function replicasIn({ linked, left, differing }: Held, seq: Seq): Replicas {
  const count = (reached: readonly Seq[]): number => reached.filter(reach => reach >= seq).length
  const others = differing.length - count(differing)
  return { on: count(linked), of: linked.length, left: count(left), ...(others > 0 && { differing: others }) }
}

/** The log of which receipts count only with a chain value that agrees: the own one, of which there may be two histories. */
export interface OwnHistory {
  readonly author: AuthorId
  /** The first bytes of the chain value at a place, as on the wire; undefined where the log does not go so far. */
  chainAt(seq: Seq): Promise<Uint8Array | undefined>
}

/** What one link told. */
interface Account {
  /** How far each log is held at its other end; of the own log, how far what is held there is known to be what is held here. */
  readonly held: Map<AuthorId, Seq>
  /** What was told last of the own log and is not known to agree with it. */
  report: Required<Pick<Digest, 'seq' | 'chain'>> | undefined
  /** Whether the report was compared, and differs. */
  isDiffering: boolean
  /** One comparison at a time: however many places a peer tells of, they are not all looked up. */
  isComparing: boolean
  readonly onDiffering: (seq: Seq) => void
}

interface Holder {
  /** Of each open link; several are there while it is found out which of them to keep. */
  readonly open: Set<Account>
  /** Of the link that was closed last. */
  left: Account
}

/** What one link tells of what is held at its other end. */
export interface ReceiptRecorder {
  /** How far logs are held there. */
  told(heads: readonly Digest[]): void
  close(): void
}

export interface ReceiptRecorderOptions {
  /** Whether the peer's heads carry chain values; where its protocol knows none, its numbers count as they are. */
  readonly hasChainValues?: boolean
  /** The peer holds another history of the own log at a place. */
  readonly onDiffering?: (seq: Seq) => void
}

interface CustodyEvents {
  /** A peer told that it holds a log up to a place. */
  told: [holder: string, author: AuthorId, seq: Seq]
}

const accountOf = ({ onDiffering = () => {} }: ReceiptRecorderOptions): Account => ({
  held: new Map(),
  report: undefined,
  isDiffering: false,
  isComparing: false,
  onDiffering,
})

/**
 * Keeps account of what each peer holds durably, by what it said itself. A receipt for an own entry names a chain value: a peer
 * that got another entry for the same place, from a second device with the same key, does not count.
 */
export class Receipts extends EventEmitter<CustodyEvents> {
  readonly #own: OwnHistory | undefined
  /** In the order in which they were last linked. */
  readonly #holders = new Map<string, Holder>()
  /** Whose report is to be compared once the own log goes so far. */
  readonly #waiting = new Map<Account, string>()

  /** Without `own`, what is told of any log counts by its place alone. */
  constructor(own?: OwnHistory) {
    super()
    this.#own = own
  }

  /** A link to a peer opens. Several links to the same one count once. */
  open(name: string, options: ReceiptRecorderOptions = {}): ReceiptRecorder {
    const holder = this.#holders.get(name) ?? { open: new Set(), left: accountOf({}) }
    this.#holders.delete(name)
    this.#holders.set(name, holder)
    const account = accountOf(options)
    holder.open.add(account)
    return {
      told: heads => {
        for (const head of heads) {
          if (head.author === this.#own?.author && options.hasChainValues !== false) this.#report(name, account, head)
          else this.#note(name, account, head)
        }
      },
      close: () => {
        if (!holder.open.delete(account)) return
        holder.left = account
        this.#forgetOldest()
      },
    }
  }

  /** Who holds an entry. */
  of({ author, seq }: Digest): Replicas {
    return replicasIn(this.held(author), seq)
  }

  /** How far a log is held. */
  held(author: AuthorId): Held {
    const linked: Seq[] = []
    const left: Seq[] = []
    const differing: Seq[] = []
    for (const { open, left: account } of this.#holders.values()) {
      if (open.size === 0) {
        left.push(account.held.get(author) ?? 0)
        continue
      }
      const reach = Math.max(...[...open].map(({ held }) => held.get(author) ?? 0))
      linked.push(reach)
      if (author === this.#own?.author && [...open].some(each => each.isDiffering)) differing.push(reach)
    }
    return { linked, left, differing }
  }

  /** The own log goes further than before: what was told of places beyond its end is compared with it. */
  grown(): void {
    for (const [account, name] of this.#waiting) void this.#compare(name, account)
  }

  /** The entries of the own log behind `kept` are not what they were. */
  rewritten(kept: Seq): void {
    const { author } = this.#own ?? {}
    if (author === undefined) return
    for (const [name, { open, left }] of this.#holders) {
      for (const account of [...open, left]) {
        const held = account.held.get(author) ?? 0
        if (held > kept) account.held.set(author, kept)
        account.isDiffering = false
        if (account.report === undefined) continue
        // A new object: a comparison that is under way is made again.
        account.report = { ...account.report }
        void this.#compare(name, account)
      }
    }
  }

  #note(name: string, account: Account, { author, seq }: Digest): void {
    const { held } = account
    if (seq <= (held.get(author) ?? 0) || (held.size >= HEADS_MAX && !held.has(author))) return
    held.set(author, seq)
    this.emit('told', name, author, seq)
  }

  /** What a peer says that it holds of the own log counts once it is known to be the same. */
  #report(name: string, account: Account, { author, seq, chain }: Digest): void {
    if (chain === undefined || seq < 1 || seq <= (account.held.get(author) ?? 0)) return
    account.report = { seq, chain: Uint8Array.from(chain) }
    void this.#compare(name, account)
  }

  async #compare(name: string, account: Account): Promise<void> {
    const { report } = account
    const own = this.#own
    if (report === undefined || own === undefined || account.isComparing) return
    account.isComparing = true
    const chain = await own.chainAt(report.seq).catch(() => undefined)
    account.isComparing = false
    if (account.report !== report) return this.#compare(name, account) // a later one came meanwhile
    if (chain === undefined) {
      this.#waiting.set(account, name)
      return
    }
    this.#waiting.delete(account)
    if (sameBytes(chain, report.chain)) {
      account.report = undefined
      account.isDiffering = false
      this.#note(name, account, { author: own.author, seq: report.seq })
    } else if (!account.isDiffering) {
      account.isDiffering = true
      account.onDiffering(report.seq)
      this.emit('told', name, own.author, account.held.get(own.author) ?? 0)
    }
  }

  #forgetOldest(): void {
    const left = [...this.#holders].filter(([, { open }]) => open.size === 0)
    for (const [name] of left.slice(0, Math.max(0, left.length - LEFT_HOLDERS_MAX))) this.#holders.delete(name)
    const known = new Set([...this.#holders.values()].flatMap(({ open, left }) => [...open, left]))
    for (const account of this.#waiting.keys()) if (!known.has(account)) this.#waiting.delete(account)
  }
}
