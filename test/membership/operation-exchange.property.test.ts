import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { type ExchangeEffect, OperationExchange } from '../../src/membership/exchange/operation-exchange.js'
import { NO_OPERATION, type OperationId } from '../../src/membership/format/body.js'
import { type Operation, signOperation } from '../../src/membership/format/operation.js'

const ROOM = Buffer.alloc(32, 7)
const AUTHORS = 3
const LENGTH = 12

/** Logs of operations, each in order. */
const LOGS: readonly (readonly Operation[])[] = Array.from({ length: AUTHORS }, (_, author) => {
  const keys = keyPairOf(Buffer.alloc(32, 1 + author))
  const log: Operation[] = []
  for (let seq = 1; seq <= LENGTH; seq++) {
    const previous = log.at(-1)?.id ?? NO_OPERATION
    const body = { kind: 'name' as const, name: `name ${seq}`, time: seq }
    log.push(signOperation(ROOM, keys, { term: NO_OPERATION, seq, previous }, body))
  }
  return log
})
const BY_BYTES = new Map(LOGS.flat().map(operation => [Buffer.from(operation.bytes).toString('hex'), operation]))

type Frame =
  | { readonly kind: 'exchange'; readonly body: Uint8Array }
  | { readonly kind: 'chat'; readonly knew: ReadonlySet<OperationId> }

/** One side of a channel: it writes chat whenever it may. */
class Side {
  readonly operations: Operation[] = []
  readonly out: Frame[] = []
  readonly #exchange: OperationExchange
  readonly #waits: boolean

  /** Without `waits` it does not wait until the other side is level. */
  constructor(lengths: readonly number[], waits: boolean) {
    for (const [author, log] of LOGS.entries()) this.operations.push(...log.slice(0, lengths[author]))
    this.#waits = waits
    this.#exchange = new OperationExchange({ sent: this.operations, cards: [] })
    this.#perform(this.#exchange.start())
  }

  get ids(): Set<OperationId> {
    return new Set(this.operations.map(({ id }) => id))
  }

  get isLevel(): boolean {
    return this.#exchange.isLevel
  }

  /** The next operation of a log comes from elsewhere. */
  learn(author: number): void {
    const known = this.ids
    const next = LOGS[author]?.find(({ id }) => !known.has(id))
    if (next !== undefined) this.#add([next])
  }

  write(): void {
    if (this.#exchange.isLevel || !this.#waits) this.out.push({ kind: 'chat', knew: this.ids })
  }

  /** Returns whether a chat frame came before the operations that its sender knew. */
  receive(frame: Frame): boolean {
    if (frame.kind === 'chat') {
      const known = this.ids
      return [...frame.knew].some(id => !known.has(id))
    }
    this.#perform(this.#exchange.receive(frame.body))
    return false
  }

  #add(operations: readonly Operation[]): void {
    const known = this.ids
    const fresh = operations.filter(({ id }) => !known.has(id))
    this.operations.push(...fresh)
    this.#perform(this.#exchange.added(fresh))
  }

  #perform(effects: readonly ExchangeEffect[]): void {
    for (const effect of effects) {
      assert.notEqual(effect.kind, 'malformed')
      if (effect.kind === 'send') this.out.push({ kind: 'exchange', body: effect.body })
      if (effect.kind !== 'operations') continue
      const operations = effect.items.map(bytes => BY_BYTES.get(Buffer.from(bytes).toString('hex')) as Operation)
      this.#exchange.knows(operations)
      this.#add(operations)
      this.#perform(this.#exchange.processed())
    }
  }
}

/** Runs two sides until nothing is in flight. Returns whether chat overtook operations. */
function leaks(seed: number, lengths: readonly (readonly number[])[], waits: boolean): boolean {
  const random = new SeededRandom(seed, 'exchange')
  const sides = lengths.map(each => new Side(each, waits)) as [Side, Side]
  let hasLeaked = false
  for (let step = 0; step < 400 || sides.some(({ out }) => out.length > 0); step++) {
    const from = random.number() < 0.5 ? 0 : 1
    const whim = random.number()
    if (step < 400 && whim < 0.1) sides[from].learn(Math.floor(random.number() * AUTHORS))
    else if (step < 400 && whim < 0.3) sides[from].write()
    else {
      const frame = sides[from].out.shift()
      if (frame !== undefined && sides[1 - from]?.receive(frame)) hasLeaked = true
    }
  }
  assert.ok(sides.every(({ isLevel }) => isLevel))
  assert.deepEqual([...sides[0].ids].sort(), [...sides[1].ids].sort())
  return hasLeaked
}

const length = fc.nat(LENGTH)
const set = fc.tuple(length, length, length)

test('two members synchronise, and no chat overtakes the operations that its author knew', () => {
  fc.assert(fc.property(fc.integer(), set, set, (seed, one, other) => !leaks(seed, [one, other], true)))
})

test('control: without waiting, chat overtakes operations', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed)
  assert.ok(
    seeds.some(seed =>
      leaks(
        seed,
        [
          [12, 3, 0],
          [1, 9, 4],
        ],
        false,
      ),
    ),
  )
})

test('any other frame than the next one of the exchange ends it', () => {
  const exchange = new OperationExchange({ sent: [], cards: [] })
  assert.deepEqual(
    exchange.start().map(({ kind }) => kind),
    ['send'],
  )
  assert.deepEqual(exchange.receive(Uint8Array.of(22)), [{ kind: 'malformed' }])
  for (const body of [[], [17], [18, 2], [19, 1, 5], [20, 1, 200], [99]])
    assert.deepEqual(new OperationExchange({ sent: [], cards: [] }).receive(Uint8Array.from(body)), [
      { kind: 'malformed' },
    ])
})
