import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Piece } from '../../src/files/exchange/frames.js'
import { Bitmap } from '../../src/files/format/bitmap.js'
import { CHUNK_BYTES, PAGE_HASHES_MAX } from '../../src/files/limits.js'
import { type HolderId, Transfer, type TransferEffect } from '../../src/files/transfer/transfer.js'
import { chunksOf, contentOf, treeOfContent } from '../helper/file-contents.js'

// A content of two pages is slow to make: all runs use the same.
const CONTENT = contentOf((PAGE_HASHES_MAX + 3) * CHUNK_BYTES - 9)
const TREE = treeOfContent(CONTENT)
const CHUNKS = chunksOf(CONTENT)
const PAGE_BYTES = PAGE_HASHES_MAX * 32

const genuine = ({ level, index }: Piece): Uint8Array => {
  if (level === 'top') return TREE.top
  if (level === 'page') return TREE.hashes.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)
  return CHUNKS[index] ?? assert.fail('no such chunk')
}

const nothing = () => ({ top: undefined, pages: new Map<number, Uint8Array>(), chunks: Bitmap.empty(CHUNKS.length) })

/** How a holder behaves: honest about the chunks that it has, silent, or with wrong answers. */
type Behaviour = 'honest' | 'silent' | 'wrong' | 'absent' | 'twice'

interface Peer {
  readonly behaviour: Behaviour
  readonly has: (index: number) => boolean
}

/** Runs a transfer with peers until it is complete or nothing more happens. */
class World {
  readonly transfer: Transfer
  readonly stored = new Map<string, Uint8Array>()
  readonly violators = new Set<HolderId>()
  readonly #peers: readonly Peer[]
  readonly #queue: TransferEffect[] = []
  #now = 0
  requests = 0
  chunkRequests = 0

  constructor(peers: readonly Peer[], transfer = new Transfer(TREE, nothing())) {
    this.#peers = peers
    this.transfer = transfer
    for (const id of peers.keys()) this.#queue.push(...transfer.connected(id, 0))
  }

  /** `turn` chooses the next of the waiting effects. */
  run(turn: () => number, until = Number.POSITIVE_INFINITY): void {
    for (let quiet = 0; quiet < 100 && this.requests < until; ) {
      const [effect] = this.#queue.splice(turn() % Math.max(1, this.#queue.length), 1)
      if (effect !== undefined) this.#perform(effect)
      else {
        if (this.transfer.isComplete) return
        quiet++
        this.#now += 1_000
        this.#queue.push(...this.transfer.passed(this.#now))
      }
    }
  }

  #perform(effect: TransferEffect): void {
    const { transfer } = this
    if (effect.kind === 'store') {
      const key = JSON.stringify(effect.piece)
      assert.ok(!this.stored.has(key), 'nothing is stored twice')
      assert.deepEqual(effect.bytes, genuine(effect.piece))
      this.stored.set(key, effect.bytes)
      this.#queue.push(...transfer.written(effect.piece, this.#now))
      return
    }
    if (effect.kind === 'violation') {
      this.violators.add(effect.holder)
      return
    }
    const { holder: id } = effect
    const peer = this.#peers[id]
    if (peer === undefined || this.violators.has(id) || peer.behaviour === 'silent') return
    if (effect.kind === 'query') {
      const bitmap = Bitmap.empty(CHUNKS.length)
      CHUNKS.forEach((_, index) => {
        if (peer.has(index)) bitmap.add(index)
      })
      this.#queue.push(...transfer.holding(id, bitmap.isFull ? undefined : bitmap.bytes, this.#now))
      return
    }
    this.requests++
    const { piece } = effect
    if (piece.level === 'chunk') this.chunkRequests++
    const answers: Record<Exclude<Behaviour, 'silent'>, () => TransferEffect[]> = {
      honest: () => transfer.received(id, piece, genuine(piece), this.#now),
      absent: () => transfer.absent(id, piece, this.#now),
      wrong: () => transfer.received(id, piece, Buffer.from(genuine(piece)).reverse(), this.#now),
      twice: () => [
        ...transfer.received(id, piece, genuine(piece), this.#now),
        ...transfer.received(id, piece, genuine(piece), this.#now),
      ],
    }
    this.#queue.push(...answers[peer.behaviour]())
  }
}

const BEHAVIOURS = fc.array(
  fc.record({
    behaviour: fc.constantFrom<Behaviour>('honest', 'silent', 'wrong', 'absent', 'twice'),
    modulus: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 4 },
)

test('completes if the honest holders have everything together, whatever the others do', () => {
  fc.assert(
    fc.property(BEHAVIOURS, fc.infiniteStream(fc.nat(9)), fc.nat(1), (others, order, split) => {
      const honest: Peer[] = [
        { behaviour: 'honest', has: index => index % 2 === split },
        { behaviour: 'honest', has: index => index % 2 !== split },
      ]
      const peers = [
        ...others.map(({ behaviour, modulus }) => ({ behaviour, has: (i: number) => i % modulus === 0 })),
        ...honest,
      ]
      const world = new World(peers)
      world.run(() => order.next().value ?? 0)
      assert.ok(world.transfer.isComplete)
      assert.equal(world.transfer.bytes, CONTENT.length)
      assert.equal(world.stored.size, CHUNKS.length + 2 + 1)
      for (const violator of world.violators)
        assert.ok(!['honest', 'silent', 'absent'].includes(peers[violator]?.behaviour ?? ''))
    }),
    { numRuns: 12 },
  )
})

test('control: does not complete if no honest holder has the last chunk', () => {
  const world = new World([
    { behaviour: 'honest', has: index => index < CHUNKS.length - 1 },
    { behaviour: 'wrong', has: () => true },
  ])
  world.run(() => 0)
  assert.ok(!world.transfer.isComplete)
  assert.equal(world.transfer.stored.count, CHUNKS.length - 1)
})

test('asks several holders at once, and each for about as much as the others', () => {
  const world = new World([1, 2, 3].map(() => ({ behaviour: 'honest', has: () => true })))
  const asked = new Map<HolderId, number>()
  const received = world.transfer.received.bind(world.transfer)
  world.transfer.received = (id, piece, bytes, now) => {
    asked.set(id, (asked.get(id) ?? 0) + 1)
    return received(id, piece, bytes, now)
  }
  world.run(() => 0)
  assert.ok(world.transfer.isComplete)
  assert.ok(Math.min(...asked.values()) > CHUNKS.length / 4, JSON.stringify([...asked]))
})

test('requests nothing that is stored already', () => {
  const first = new World([{ behaviour: 'honest', has: () => true }])
  first.run(() => 0, 500)
  const chunks = Bitmap.empty(CHUNKS.length)
  for (const key of first.stored.keys()) {
    const { level, index } = JSON.parse(key) as Piece
    if (level === 'chunk') chunks.add(index)
  }
  assert.ok(chunks.count > 400)
  const again = new Transfer(TREE, { top: undefined, pages: new Map(), chunks })
  const second = new World([{ behaviour: 'honest', has: () => true }], again)
  second.run(() => 0)
  assert.ok(again.isComplete)
  assert.equal(second.chunkRequests, CHUNKS.length - (second.transfer.stored.length - second.chunkRequests))
  assert.ok(second.chunkRequests <= CHUNKS.length - 400)
})

test('a holder with a bitmap of a wrong length, or an answer that nobody asked for, is not used any more', () => {
  const transfer = new Transfer(TREE, nothing())
  transfer.connected(1, 0)
  assert.deepEqual(transfer.holding(1, new Uint8Array(3), 0), [{ kind: 'violation', holder: 1 }])
  transfer.connected(2, 0)
  assert.deepEqual(transfer.received(2, { level: 'top', index: 0 }, TREE.top, 0), [{ kind: 'violation', holder: 2 }])
  transfer.connected(3, 0)
  assert.deepEqual(transfer.absent(3, { level: 'chunk', index: 7 }, 0), [{ kind: 'violation', holder: 3 }])
  assert.deepEqual(transfer.holding(3, undefined, 0), [])
})

test('holds no more than the window of each holder while the disk is slow', () => {
  const transfer = new Transfer(TREE, {
    ...nothing(),
    top: TREE.top,
    pages: new Map([[0, genuine({ level: 'page', index: 0 })]]),
  })
  transfer.connected(1, 0)
  const requests = transfer.holding(1, undefined, 0).filter(({ kind }) => kind === 'request')
  assert.equal(requests.length, 16)
  for (const effect of requests)
    if (effect.kind === 'request') {
      const effects = transfer.received(1, effect.piece, genuine(effect.piece), 0)
      assert.deepEqual(
        effects.map(({ kind }) => kind),
        ['store'],
      )
    }
})
