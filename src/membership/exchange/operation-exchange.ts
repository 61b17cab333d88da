import { hash } from '../../base/crypto/hash.js'
import { hexOf, utf8 } from '../../base/wire/bytes.js'
import { type TermName, termName } from '../evaluation/operation-log.js'
import type { OperationId } from '../format/body.js'
import type { Card } from '../format/card.js'
import type { Operation } from '../format/operation.js'
import { type OperationsHead, operationHeads } from '../heads.js'
import {
  cardPages,
  decodeExchangeFrame,
  encodeRead,
  encodeSummary,
  headPages,
  idPages,
  operationPages,
} from './frames.js'

/** Pages that are sent before the other side has processed them. */
const PAGES_AHEAD = 2
/** Most bytes in one batch; larger batches are stored in parts. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** Most heads, and most ids, that the other side may name: an honest peer stays within the limits of a room. */
const HEADS_MAX = 65_536
const IDS_MAX = 131_072

export type ExchangeEffect =
  | { readonly kind: 'send'; readonly body: Uint8Array }
  /** Store these as one batch, then call `processed`. Later frames wait until then. */
  | { readonly kind: 'operations'; readonly items: readonly Uint8Array[] }
  | { readonly kind: 'cards'; readonly items: readonly Uint8Array[] }
  /** Everything that the other side had at the start is on disk here, or is not retained. */
  | { readonly kind: 'synchronised' }
  | { readonly kind: 'malformed' }

/** The state of a room's members that is exchanged. */
export interface ExchangeSource {
  /** The operations on disk that are sent to others, in the order of evaluation. */
  readonly sent: readonly Operation[]
  readonly cards: Iterable<Card>
}

/**
 * Synchronises the operations of two members over one channel, without IO: frames in, effects out. docs/protocol/membership.md §9.11.
 *
 *     opening ── equal summaries ──▶ level
 *     opening ── different summaries: heads ──▶ comparing ── heads: ids ──▶ naming ── ids: what the other lacks ──▶ level
 *
 * Level means in sync. From then on, each operation is sent as soon as it is on disk. No chat may be sent while `isLevel` is false.
 */
export class OperationExchange {
  readonly #source: ExchangeSource
  /** The operations at the start, which the summary and the heads describe. */
  readonly #start: ReadonlySet<OperationId>
  readonly #heads: ReadonlyMap<TermName, OperationsHead>
  #state: 'opening' | 'comparing' | 'naming' | 'level' | 'closed' = 'opening'
  readonly #theirHeads = new Map<TermName, OperationsHead>()
  readonly #theirIds = new Set<OperationId>()
  /**
   * Operations in the batch that is being stored, which are not sent back. Cleared after the batch, because the other side may later drop
   * an operation in favour of another branch.
   */
  readonly #received = new Set<OperationId>()
  /** The operations that the other side had at the start and this side lacks. */
  #lacking: Set<OperationId> | undefined
  /** Logs in which the two sides have different operations. */
  readonly #differing = new Set<TermName>()
  #pages: Uint8Array[] = []
  #unread = 0
  #batch: Uint8Array[] = []
  #batchBytes = 0

  constructor(source: ExchangeSource) {
    this.#source = source
    this.#start = new Set(source.sent.map(({ id }) => id))
    this.#heads = operationHeads(source.sent)
  }

  /** Whether the other side has every operation on disk, or was sent it. */
  get isLevel(): boolean {
    return this.#state === 'level' && this.#pages.length === 0
  }

  start(): ExchangeEffect[] {
    return [send(encodeSummary(this.#summary))]
  }

  receive(body: Uint8Array): ExchangeEffect[] {
    const frame = decodeExchangeFrame(body)
    if (frame === undefined || this.#state === 'closed') return this.#close()
    switch (frame.kind) {
      case 'read':
        if (this.#unread === 0) return this.#close()
        this.#unread--
        return this.#flush()
      case 'summary':
        return this.#onSummary(frame.digest)
      case 'heads':
        return this.#onHeads(frame.heads, frame.isLast)
      case 'ids':
        return this.#onIds(frame.ids, frame.isLast)
      case 'operations':
        return this.#onOperations(frame.items, frame.isLast)
      case 'cards':
        return [{ kind: 'cards', items: frame.items }, send(encodeRead())]
    }
  }

  /** The other side has these operations. */
  knows(operations: readonly Operation[]): void {
    for (const { id } of operations) {
      this.#theirIds.add(id)
      this.#received.add(id)
    }
  }

  /** A batch of the other side is on disk. */
  processed(): ExchangeEffect[] {
    this.#received.clear()
    return [send(encodeRead()), ...this.#synchronised()]
  }

  /** These operations are on disk now. */
  added(operations: readonly Operation[]): ExchangeEffect[] {
    if (this.#state !== 'level') return []
    const lacking = this.#withBranches(operations.filter(({ id }) => !this.#received.has(id)))
    return lacking.length === 0 ? [] : this.#queue(operationPages(lacking))
  }

  /** Adds to a removal the branch that it names: the other side may have dropped that branch in favour of another. */
  #withBranches(operations: readonly Operation[]): readonly Operation[] {
    const names = new Set(
      operations.flatMap(({ body }) => (body.kind === 'remove' ? termName(body.subject, body.place.term) : [])),
    )
    if (names.size === 0) return operations
    const branches = this.#source.sent.filter(({ author, term }) => names.has(termName(author, term)))
    return [...new Map([...branches, ...operations].map(each => [each.id, each])).values()]
  }

  /** These cards are new. */
  addedCards(cards: readonly Card[]): ExchangeEffect[] {
    return this.#state === 'level' ? this.#queue(cardPages(cards)) : []
  }

  #onSummary(digest: string): ExchangeEffect[] {
    if (this.#state !== 'opening') return this.#close()
    if (digest === this.#summary) {
      this.#lacking = new Set()
      return [...this.#level(), ...this.#synchronised()]
    }
    this.#state = 'comparing'
    return this.#queue(headPages(this.#heads))
  }

  #onHeads(heads: ReadonlyMap<TermName, OperationsHead>, isLast: boolean): ExchangeEffect[] {
    if (this.#state !== 'comparing' || this.#theirHeads.size + heads.size > HEADS_MAX) return this.#close()
    for (const [name, head] of heads) this.#theirHeads.set(name, head)
    if (!isLast) return [send(encodeRead())]
    for (const [name, { digest }] of this.#heads)
      if (this.#theirHeads.get(name)?.digest !== digest) this.#differing.add(name)
    this.#theirHeads.clear()
    this.#state = 'naming'
    const ids = this.#source.sent.filter(each => this.#start.has(each.id) && this.#isInDiffering(each))
    return [send(encodeRead()), ...this.#queue(idPages(ids.map(({ id }) => id)))]
  }

  #onIds(ids: readonly OperationId[], isLast: boolean): ExchangeEffect[] {
    if (this.#state !== 'naming' || this.#theirIds.size + ids.length > IDS_MAX) return this.#close()
    for (const id of ids) this.#theirIds.add(id)
    if (!isLast) return [send(encodeRead())]
    const here = new Set(this.#source.sent.map(({ id }) => id))
    this.#lacking = new Set([...this.#theirIds].filter(id => !here.has(id)))
    return [send(encodeRead()), ...this.#level(), ...this.#synchronised()]
  }

  #onOperations(items: readonly Uint8Array[], isLast: boolean): ExchangeEffect[] {
    this.#batch.push(...items)
    for (const { length } of items) this.#batchBytes += length
    // The other side first sends the operations that it had at the start, and marks the last page of them.
    if (isLast) this.#lacking?.clear()
    if (!isLast && this.#batchBytes < BATCH_BYTES_MAX) return [send(encodeRead())]
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    return [{ kind: 'operations', items: batch }]
  }

  /** Sends the operations and cards that the other side lacks. */
  #level(): ExchangeEffect[] {
    this.#state = 'level'
    const lacking = this.#withBranches(
      this.#source.sent.filter(
        each => !this.#theirIds.has(each.id) && (this.#isInDiffering(each) || !this.#start.has(each.id)),
      ),
    )
    const cards = [...this.#source.cards]
    return [
      ...(lacking.length === 0 ? [] : this.#queue(operationPages(lacking))),
      ...(cards.length === 0 ? [] : this.#queue(cardPages(cards))),
    ]
  }

  #synchronised(): ExchangeEffect[] {
    if (this.#lacking?.size !== 0) return []
    this.#lacking = undefined
    return [{ kind: 'synchronised' }]
  }

  #isInDiffering({ author, term }: Operation): boolean {
    return this.#differing.has(termName(author, term))
  }

  get #summary(): string {
    const heads = [...this.#heads].map(([name, { digest }]) => `${name} ${digest}`).sort()
    return hexOf(hash(utf8(heads.join('\n'))))
  }

  #queue(pages: readonly Uint8Array[]): ExchangeEffect[] {
    this.#pages.push(...pages)
    return this.#flush()
  }

  #flush(): ExchangeEffect[] {
    const sent = this.#pages.splice(0, Math.max(0, PAGES_AHEAD - this.#unread))
    this.#unread += sent.length
    return sent.map(send)
  }

  #close(): ExchangeEffect[] {
    this.#state = 'closed'
    return [{ kind: 'malformed' }]
  }
}

const send = (body: Uint8Array): ExchangeEffect => ({ kind: 'send', body })
