import { EventEmitter } from 'node:events'
import type { Clock, Millis } from '../base/clock.js'
import { sameBytes } from '../base/wire/bytes.js'
import type { LogId, Run, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { type PlaceRange, Places } from '../log/format/places.js'
import type { GapsNote } from './codec.js'
import { GAP_RANGES_MAX, trackedLogsMax } from './limits.js'

/** Number of disconnected peers whose receipts are remembered. */
export const DISCONNECTED_MAX = 64

/**
 * Which peers have an entry, according to their announcements. Anyone can announce anything, so `strangers` is separate, and the other
 * numbers include only known people.
 */
export interface Replicas {
  /** How many connected peers have it. */
  readonly on: number
  /** How many peers are connected. */
  readonly of: number
  /** How many disconnected peers had it when they were last connected. */
  readonly left: number
  /** How many connected peers have another history of its log and are not known to have the entry; absent if none. */
  readonly differing?: number
  /** How many connected strangers have it; absent if none. */
  readonly strangers?: number
}

/** Where an entry of ours is. */
export interface OwnPlace {
  readonly run: Run
  readonly seq: Seq
}

/** The last seq of a log that a peer has, and the earlier places whose content it lacks, if any. */
export type ReplicaHead = Seq | { readonly seq: Seq; readonly without: readonly PlaceRange[] }

/** The announced heads of one log. */
export interface ReplicaHeads {
  readonly connected: readonly ReplicaHead[]
  readonly left: readonly ReplicaHead[]
  /** The heads of those connected peers that have another history of the log. */
  readonly differing: readonly ReplicaHead[]
  /** The heads of connected strangers. */
  readonly strangers?: readonly ReplicaHead[] | undefined
}

/** Whether a peer with this head has the content of the entry at `seq`. */
export function hasContent(head: ReplicaHead, seq: Seq): boolean {
  if (typeof head === 'number') return head >= seq
  const { without } = head
  // A note with the largest number of ranges says nothing about the places after its last range.
  const end = without.length < GAP_RANGES_MAX ? Number.POSITIVE_INFINITY : (without.at(-1)?.to ?? 0)
  return head.seq >= seq && seq < end && !without.some(({ from, to }) => from <= seq && seq < to)
}

/** The places with content at a peer with this head. */
function placesIn(head: ReplicaHead, { from, to }: PlaceRange): Places {
  const { seq, without } = typeof head === 'number' ? { seq: head, without: [] } : head
  const end = without.length < GAP_RANGES_MAX ? Number.POSITIVE_INFINITY : (without.at(-1)?.to ?? 0)
  const places = new Places([{ from, to: Math.min(to, seq + 1, end) }])
  for (const gap of without) places.remove(gap.from, gap.to)
  return places
}

/** Which peers have the content of the entry at `seq`. */
export function replicasIn(heads: ReplicaHeads, seq: Seq): Replicas {
  const { connected, left, differing } = heads
  const count = (announced: readonly ReplicaHead[]): number => announced.filter(head => hasContent(head, seq)).length
  const others = differing.length - count(differing)
  const strangers = count(heads.strangers ?? [])
  return {
    on: count(connected),
    of: connected.length,
    left: count(left),
    ...(others > 0 && { differing: others }),
    ...(strangers > 0 && { strangers }),
  }
}

/** A peer's statements about one entry. */
export interface Holder {
  /** The peer's key, or the address of a scuttleup peer. */
  readonly peer: string
  readonly isConnected: boolean
  readonly isKnown: boolean
  /** Whether the peer has the content. For a disconnected peer: whether it had the content when it disconnected. */
  readonly holds: boolean
  /** Whether the peer's chain value agrees with ours; undefined if this disk cannot tell. */
  readonly isSameHistory?: boolean | undefined
  /** When the peer first announced on this connection that it has the entry or a later one. */
  readonly sinceMs?: Millis | undefined
}

/** Up to which seq a peer has a log, with the chain value there. */
export interface ProvenHead extends Required<Digest> {
  /** Earlier places whose content the peer lacks. */
  readonly without: readonly PlaceRange[]
}

/** Largest number of logs of one peer that `provenHeadsOf` returns. Our own logs come first. */
const PROVEN_HEADS_MAX = 256

/** Places of one log whose content a connected peer announced. */
export interface PlacesAtPeer {
  /** The peer's key, or the address of a scuttleup peer. */
  readonly peer: string
  readonly isKnown: boolean
  readonly places: Places
}

/** How many of the other peers have dropped an erased line of ours. */
export interface Reach {
  /** Peers that had the place of the line, and how many of them have no content there any more. */
  readonly of: number
  readonly dropped: number
}

/** Which peers have dropped the content of the entry at `seq`, among all that have its place. */
export function reachIn({ connected, left, strangers = [] }: ReplicaHeads, seq: Seq): Reach {
  const heads = [...connected, ...left, ...strangers].filter(
    head => (typeof head === 'number' ? head : head.seq) >= seq,
  )
  return { of: heads.length, dropped: heads.filter(head => !hasContent(head, seq)).length }
}

/** Our own logs. Another device with the same key may have written another history of them. */
export interface OurHistory {
  readonly clock?: Clock

  /** Largest number of logs that are stored here. Default: AUTHORS_MAX. */
  readonly logsMax?: number
  isOurs(log: LogId): boolean
  /** Where an entry is now: its log may have been divided since. */
  placeOf(place: Digest): Digest
  /** The prefix of the chain value at `seq` that peers exchange; undefined if the log is shorter. */
  chainAt(log: LogId, seq: Seq): Promise<Uint8Array | undefined>
}

/** Records the receipts of one connection. */
export interface ReceiptRecorder {
  /** The peer has persisted logs up to these heads. */
  record(heads: readonly Digest[]): void
  /** The peer has no content of these places. */
  gaps(notes: readonly GapsNote[]): void
  close(): void
}

export interface ReceiptRecorderOptions {
  /** Whether the peer's heads carry chain values. If its protocol has none, its heads are accepted unchecked. */
  readonly hasChainValues?: boolean
  /** Whether the user knows the peer; called whenever replicas are counted, because a stranger may become known. Default: true. */
  readonly isKnown?: (() => boolean) | undefined
  /** Called when the peer has another history of a log of ours. */
  readonly onDiffering?: (log: LogId, seq: Seq) => void
}

interface ReceiptsEvents {
  /** A peer has a log up to an entry. */
  receipt: [replica: string, author: LogId, seq: Seq]
}

interface Growth {
  readonly seq: Seq
  readonly atMs: Millis
}

/** Steps of growth of one log that are remembered for each connection. */
const GROWTH_MAX = 4

/** The heads that one connection announced. */
interface ConnectionHeads {
  /** The peer's head of each log; of our logs, only the part that is proven to be our history. */
  readonly heads: Map<LogId, Seq>
  /** Where the peer has no content of our logs. */
  readonly without: Map<LogId, readonly PlaceRange[]>
  /** The chain value at the head of each log of others. */
  readonly chains: Map<LogId, Uint8Array>
  /** The latest growth of each log: up to which seq, and when the peer announced it. */
  readonly growth: Map<LogId, readonly Growth[]>
  /** The latest head of each log of ours that is not yet known to agree with it. */
  readonly unproven: Map<LogId, Required<Pick<Digest, 'seq' | 'chain'>>>
  /** Logs of ours whose unproven head was compared and differs. */
  readonly differing: Set<LogId>
  /** Logs whose heads are being compared: one comparison at a time, for any number of heads that a peer announces. */
  readonly comparing: Set<LogId>
  readonly onDiffering: (log: LogId, seq: Seq) => void
}

interface Replica {
  readonly name: string
  /** The open connections to the peer: there are several until duplicates are closed. */
  readonly open: Set<ConnectionHeads>
  isKnown: () => boolean
  /** The heads of the connection that closed last. */
  left: ConnectionHeads
}

const newConnectionHeads = (onDiffering: ConnectionHeads['onDiffering'] = () => {}): ConnectionHeads => ({
  heads: new Map(),
  without: new Map(),
  chains: new Map(),
  growth: new Map(),
  unproven: new Map(),
  differing: new Set(),
  comparing: new Set(),
  onDiffering,
})

/** The head of a log at a peer, with the places whose content the peer lacks. */
function headOf({ heads, without }: ConnectionHeads, log: LogId): ReplicaHead {
  const seq = heads.get(log) ?? 0
  const ranges = without.get(log) ?? []
  return ranges.length === 0 ? seq : { seq, without: ranges }
}

const KNOWN = (): boolean => true

/**
 * Records what every peer has persisted, according to its announcements. A receipt for our log is accepted only if its chain value
 * matches ours: the peer may have an entry that another device wrote with our key.
 */
export class Receipts extends EventEmitter<ReceiptsEvents> {
  readonly #ours: OurHistory | undefined
  /** Ordered by the time of the last connection. */
  readonly #replicas = new Map<string, Replica>()
  /** Connections with an unproven head beyond the end of a log of ours. */
  readonly #ahead = new Map<ConnectionHeads, Replica>()

  /** Without `ours`, heads of all logs are accepted without a chain value. */
  constructor(ours?: OurHistory) {
    super()
    this.#ours = ours
  }

  /** A connection to a peer opened. Several connections to one peer are one replica. */
  open(name: string, options: ReceiptRecorderOptions = {}): ReceiptRecorder {
    const replica = this.#replicas.get(name) ?? { name, open: new Set(), left: newConnectionHeads(), isKnown: KNOWN }
    replica.isKnown = options.isKnown ?? KNOWN
    this.#replicas.delete(name)
    this.#replicas.set(name, replica)
    const connection = newConnectionHeads(options.onDiffering)
    replica.open.add(connection)
    return {
      record: heads => {
        for (const head of heads) {
          if (head.seq === 0) this.#drop(replica, connection, head.author)
          else if (this.#ours?.isOurs(head.author) && options.hasChainValues !== false)
            this.#prove(replica, connection, head)
          else this.#count(replica, connection, head)
        }
      },
      gaps: notes => {
        for (const { author, ranges } of notes) {
          if (connection.without.size >= trackedLogsMax(this.#ours?.logsMax) && !connection.without.has(author))
            continue
          if (ranges.length === 0) connection.without.delete(author)
          else connection.without.set(author, ranges)
          this.emit('receipt', replica.name, author, connection.heads.get(author) ?? 0)
        }
      },
      close: () => this.#close(replica, connection),
    }
  }

  /** Which peers have an entry. */
  of(place: Digest): Replicas {
    const { author, seq } = this.#ours?.placeOf(place) ?? place
    return replicasIn(this.headsOf(author), seq)
  }

  /** The head of a log at each peer. */
  headsOf(author: LogId): ReplicaHeads {
    const connected: ReplicaHead[] = []
    const left: ReplicaHead[] = []
    const differing: ReplicaHead[] = []
    const strangers: ReplicaHead[] = []
    for (const replica of this.#replicas.values()) {
      const { open } = replica
      const head = headIn(replica, author)
      if (!replica.isKnown()) {
        if (open.size > 0) strangers.push(head)
      } else if (open.size === 0) left.push(head)
      else {
        connected.push(head)
        if ([...open].some(connection => connection.differing.has(author))) differing.push(head)
      }
    }
    return { connected, left, differing, ...(strangers.length > 0 && { strangers }) }
  }

  /** For each connected peer, the places in a range whose content it announced. */
  placesAt(log: LogId, range: PlaceRange): readonly PlacesAtPeer[] {
    return [...this.#replicas.values()]
      .filter(({ open }) => open.size > 0)
      .map(replica => ({
        peer: replica.name,
        isKnown: replica.isKnown(),
        places: placesIn(headIn(replica, log), range),
      }))
  }

  /** What each peer announced about an entry. */
  async holdersOf(place: Digest): Promise<readonly Holder[]> {
    const { author, seq } = this.#ours?.placeOf(place) ?? place
    const holders: Holder[] = []
    for (const { name, open, left, isKnown } of [...this.#replicas.values()]) {
      const connection = latestOf(open, left, author)
      holders.push({
        peer: name,
        isConnected: open.size > 0,
        isKnown: isKnown(),
        holds: hasContent(headOf(connection, author), seq),
        // A peer that is the author signed what it sent.
        isSameHistory: author.startsWith(name) || (await this.#isSameHistory(connection, author)),
        sinceMs: connection.growth.get(author)?.find(each => each.seq >= seq)?.atMs,
      })
    }
    return holders
  }

  /** Up to which seq a known peer has each log; undefined for a stranger. The caller compares the chain values with those here. */
  async provenHeadsOf(name: string): Promise<readonly ProvenHead[] | undefined> {
    const replica = this.#replicas.get(name)
    if (replica?.isKnown() !== true) return undefined
    const logs = new Set([...replica.open, replica.left].flatMap(({ heads }) => [...heads.keys()]))
    const isOurs = (log: LogId): boolean => this.#ours?.isOurs(log) === true
    const ordered = [...logs].sort((a, b) => Number(isOurs(b)) - Number(isOurs(a))).slice(0, PROVEN_HEADS_MAX)
    const proven: ProvenHead[] = []
    for (const author of ordered) {
      const { heads, chains, without } = latestOf(replica.open, replica.left, author)
      const seq = heads.get(author) ?? 0
      // Heads of our logs were compared before they were recorded.
      const chain = isOurs(author) ? await this.#ours?.chainAt(author, seq).catch(() => undefined) : chains.get(author)
      if (chain !== undefined) proven.push({ author, seq, chain, without: without.get(author) ?? [] })
    }
    return proven
  }

  /** Whether the head of a log at a peer has our chain value; undefined if this disk or the peer does not have the log that far. */
  async #isSameHistory({ heads, chains, differing }: ConnectionHeads, log: LogId): Promise<boolean | undefined> {
    const [seq, chain] = [heads.get(log), chains.get(log)]
    if (this.#ours?.isOurs(log)) return differing.has(log) ? false : seq !== undefined || undefined
    const ours = seq === undefined ? undefined : await this.#ours?.chainAt(log, seq).catch(() => undefined)
    return ours === undefined || chain === undefined ? undefined : sameBytes(ours, chain)
  }

  /** Whether one peer has an entry. */
  isAt(name: string, place: Digest): boolean {
    const { author, seq } = this.#ours?.placeOf(place) ?? place
    const replica = this.#replicas.get(name)
    return replica !== undefined && hasContent(headIn(replica, author), seq)
  }

  /** A log of ours grew: compares the heads that were beyond its end. */
  ourLogGrew(log: LogId): void {
    for (const [connection, replica] of this.#ahead) void this.#compare(replica, connection, log)
  }

  /** A log of ours was divided: heads that were proven to match our history now belong to its branch. */
  ourLogForked(log: LogId): void {
    for (const { open, left } of this.#replicas.values()) {
      for (const { heads, differing, unproven, without } of [...open, left]) {
        differing.delete(log)
        unproven.delete(log)
        const { author, seq } = this.#ours?.placeOf({ author: log, seq: heads.get(log) ?? 0 }) ?? {
          author: log,
          seq: 0,
        }
        if (author === log) continue
        heads.set(author, seq)
        // The shifted gaps are used until the peer reports gaps of the branch.
        const shift = (heads.get(log) ?? 0) - seq
        const moved = (without.get(log) ?? []).filter(({ to }) => to > shift + 1)
        without.set(
          author,
          moved.map(({ from, to }) => ({ from: Math.max(1, from - shift), to: to - shift })),
        )
      }
    }
  }

  /** This disk no longer stores a log or any record of it. */
  forget(log: LogId): void {
    for (const { open, left } of this.#replicas.values())
      for (const { heads, chains, growth, without } of [...open, left])
        for (const of of [heads, chains, growth, without]) of.delete(log)
  }

  /** A peer has dropped a log. */
  #drop({ name }: Replica, connection: ConnectionHeads, log: LogId): void {
    const { heads, chains, growth, without, unproven, differing } = connection
    const had = heads.has(log)
    for (const of of [heads, chains, growth, without, unproven, differing]) of.delete(log)
    if (unproven.size === 0) this.#ahead.delete(connection)
    if (had) this.emit('receipt', name, log, 0)
  }

  #count({ name }: Replica, connection: ConnectionHeads, { author, seq, chain }: Digest): void {
    const { heads, growth, chains } = connection
    if (seq <= (heads.get(author) ?? 0) || (heads.size >= trackedLogsMax(this.#ours?.logsMax) && !heads.has(author)))
      return
    heads.set(author, seq)
    if (chain !== undefined && this.#ours?.isOurs(author) !== true) chains.set(author, Uint8Array.from(chain))
    const atMs = this.#ours?.clock?.now()
    if (atMs !== undefined) growth.set(author, [...(growth.get(author) ?? []), { seq, atMs }].slice(-GROWTH_MAX))
    this.emit('receipt', name, author, seq)
  }

  /** Records a head of a log of ours once its chain value is known to match ours. */
  #prove(replica: Replica, connection: ConnectionHeads, { author, seq, chain }: Digest): void {
    const { heads, unproven } = connection
    if (chain === undefined || seq < 1 || seq <= (heads.get(author) ?? 0)) return
    if (unproven.size >= trackedLogsMax(this.#ours?.logsMax) && !unproven.has(author)) return
    unproven.set(author, { seq, chain: Uint8Array.from(chain) })
    void this.#compare(replica, connection, author)
  }

  async #compare(replica: Replica, connection: ConnectionHeads, log: LogId): Promise<void> {
    const { unproven, comparing, differing } = connection
    const head = unproven.get(log)
    const ours = this.#ours
    if (head === undefined || ours === undefined || comparing.has(log)) return
    comparing.add(log)
    const chain = await ours.chainAt(log, head.seq).catch(() => undefined)
    comparing.delete(log)
    if (unproven.get(log) !== head) return this.#compare(replica, connection, log) // a later head arrived during the comparison
    if (chain === undefined) {
      this.#ahead.set(connection, replica)
      return
    }
    if (sameBytes(chain, head.chain)) {
      unproven.delete(log)
      differing.delete(log)
      if (unproven.size === 0) this.#ahead.delete(connection)
      this.#count(replica, connection, { author: log, seq: head.seq })
    } else if (!differing.has(log)) {
      differing.add(log)
      connection.onDiffering(log, head.seq)
      this.emit('receipt', replica.name, log, connection.heads.get(log) ?? 0)
    }
  }

  #close(replica: Replica, connection: ConnectionHeads): void {
    if (!replica.open.delete(connection)) return
    replica.left = connection
    // Disconnected strangers are not counted.
    if (replica.open.size === 0 && !replica.isKnown()) this.#replicas.delete(replica.name)
    this.#forgetOldest()
  }

  #forgetOldest(): void {
    const disconnected = [...this.#replicas.values()].filter(({ open }) => open.size === 0)
    const excess = Math.max(0, disconnected.length - DISCONNECTED_MAX)
    for (const { name } of disconnected.slice(0, excess)) this.#replicas.delete(name)
    const known = new Set([...this.#replicas.values()].flatMap(({ open, left }) => [...open, left]))
    for (const connection of this.#ahead.keys()) if (!known.has(connection)) this.#ahead.delete(connection)
  }
}

/** The connection with the highest head of a log: among the open connections or, if none is open, the last one. */
function latestOf(open: ReadonlySet<ConnectionHeads>, left: ConnectionHeads, author: LogId): ConnectionHeads {
  if (open.size === 0) return left
  return [...open].reduce((a, b) => ((b.heads.get(author) ?? 0) > (a.heads.get(author) ?? 0) ? b : a))
}

/** The head of a log at a peer. */
const headIn = ({ open, left }: Replica, author: LogId): ReplicaHead => headOf(latestOf(open, left, author), author)
