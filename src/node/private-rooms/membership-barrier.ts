import { Transform } from 'node:stream'
import { reasonOf } from '../../base/errors.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../base/wire/frames.js'
import { isExchangeFrame } from '../../membership/exchange/frames.js'
import { type ExchangeEffect, OperationExchange } from '../../membership/exchange/operation-exchange.js'
import type { Card } from '../../membership/format/card.js'
import type { Operation } from '../../membership/format/operation.js'
import type { RoomMembers } from './room-members.js'

/**
 * The barrier between a channel of a private room and the replication of its chat. It keeps two rules:
 *
 * 1. Nothing of the chat is sent before every membership operation that is on our disk was sent on the channel.
 * 2. Chat that arrives after operations waits until they are on disk.
 *
 * So whoever receives an entry already has the removals that its sender knew, and neither side passes it on to a removed member.
 */
export class MembershipBarrier {
  /** From the channel to the replication. */
  readonly incoming: Transform
  /** From the replication to the channel. */
  readonly outgoing: Transform
  readonly #members: RoomMembers
  readonly #exchange: OperationExchange
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  readonly #onMalformed: () => void
  /** Resumes a chunk of chat that waits until the operations are in sync. */
  #waiting: (() => void) | undefined

  constructor(members: RoomMembers, onMalformed: () => void) {
    this.#members = members
    this.#onMalformed = onMalformed
    this.#exchange = new OperationExchange(members)
    this.incoming = new Transform({
      transform: (bytes: Uint8Array, _encoding, done) => void this.#receive(bytes).then(() => done(), done),
    })
    this.outgoing = new Transform({
      transform: (bytes: Uint8Array, _encoding, done) => {
        const pass = (): void => done(null, bytes)
        if (this.#exchange.isLevel) pass()
        else this.#waiting = pass
      },
    })
    const added = (operations: readonly Operation[]): void => this.#perform(this.#exchange.added(operations))
    const addedCards = (cards: readonly Card[]): void => this.#perform(this.#exchange.addedCards(cards))
    members.on('change', added).on('cards', addedCards)
    this.outgoing.once('close', () => members.off('change', added).off('cards', addedCards))
    this.#perform(this.#exchange.start())
  }

  /** Passes chat on, and processes frames of the exchange of operations, in the order of arrival. */
  async #receive(bytes: Uint8Array): Promise<void> {
    this.#frames.push(bytes)
    for (let read = this.#frames.next(); read.kind !== 'more'; read = this.#frames.next()) {
      if (read.kind === 'bad') return this.#malformed()
      if (!isExchangeFrame(read.body)) {
        this.incoming.push(frame(read.body))
        continue
      }
      for (const effect of this.#exchange.receive(read.body)) {
        if (effect.kind === 'operations') await this.#store(effect.items)
        else this.#perform([effect])
      }
    }
  }

  async #store(items: readonly Uint8Array[]): Promise<void> {
    const operations = this.#members.check(items)
    if (operations === undefined) return this.#malformed()
    this.#exchange.knows(operations)
    await this.#members.add(operations).catch(error => this.incoming.destroy(new Error(reasonOf(error))))
    this.#perform(this.#exchange.processed())
  }

  #perform(effects: readonly ExchangeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send' && !this.outgoing.destroyed) this.outgoing.push(frame(effect.body))
      else if (effect.kind === 'cards') void this.#members.takeCards(effect.items).catch(() => {})
      else if (effect.kind === 'synchronised') void this.#members.settleDoubt().catch(() => {})
      else if (effect.kind === 'malformed') this.#malformed()
    }
    if (!this.#exchange.isLevel) return
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  #malformed(): void {
    this.#onMalformed()
    this.incoming.destroy(new Error('malformed-operations'))
  }
}
