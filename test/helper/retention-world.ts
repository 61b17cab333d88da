import { type Duplex, pipeline, Transform } from 'node:stream'
import type { Millis } from '../../src/base/clock.js'
import type { KeyPair } from '../../src/base/crypto/signing.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import type { Log } from '../../src/log/log.js'
import type { Keep } from '../../src/membership/format/body.js'
import { Retention } from '../../src/node/retention/retention.js'
import { logOver, replicate, replicatorOf } from './logs.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { VirtualClock } from './virtual-clock.js'

/** A store in memory that is as large as its rows. */
class WeighedStore extends MemoryStore {
  async bytes(): Promise<number> {
    let bytes = 0
    const all = { gte: new Uint8Array(), lt: new Uint8Array(64).fill(0xff) }
    for await (const page of this.pages(all)) for (const [key, value] of page) bytes += key.length + value.length
    return bytes
  }
}

/** One direction of a connection. */
class Wire extends Transform {
  isCut = false

  override _transform(bytes: Uint8Array, _encoding: string, done: (error: null, bytes?: Uint8Array) => void): void {
    if (this.isCut) done(null)
    else done(null, bytes)
  }
}

/** A peer that drops content by its room's keep, or by its own bound. */
export interface KeepingPeer {
  readonly log: Log
  readonly retention: Retention
  readonly disk: MemoryDisk
  close(): Promise<void>
}

/** Peers of one room in one process, on a clock that the test advances. */
export class RetentionWorld {
  readonly clock: VirtualClock
  roomKeep: Keep | undefined
  readonly #peers: KeepingPeer[] = []
  readonly #streams: Duplex[] = []
  readonly #random = new SeededRandom(1, 'retention')

  constructor(now?: number) {
    this.clock = new VirtualClock(now)
  }

  async open(keys: KeyPair, disk = new MemoryDisk(), clock = this.clock): Promise<KeepingPeer> {
    const log = await logOver(new WeighedStore(disk), keys, { clock })
    const { receipts } = replicatorOf(log)
    const retention = await Retention.open({
      log,
      receipts,
      clock,
      roomKeep: () => this.roomKeep,
      random: () => this.#random.number(),
    })
    const close = async (): Promise<void> => {
      await retention.close()
      await log.close()
    }
    const peer = { log, retention, disk, close }
    this.#peers.push(peer)
    return peer
  }

  connect(a: KeepingPeer, b: KeepingPeer, isKnown = () => true): () => void {
    const { close } = this.#connection(a, b, isKnown)
    return close
  }

  /** A connection on which nothing arrives after the returned function is called; both sides close it after some silence. */
  connectUntilCut(a: KeepingPeer, b: KeepingPeer, silenceMs: Millis): () => void {
    const { wires, close } = this.#connection(a, b, () => true)
    return () => {
      for (const wire of wires) wire.isCut = true
      this.clock.after(silenceMs, close)
    }
  }

  #connection(a: KeepingPeer, b: KeepingPeer, isKnown: () => boolean): { wires: readonly Wire[]; close: () => void } {
    const [one, two] = [
      replicate(a.log, { dialect: 'native', live: true, replica: b.log.author, peer: b.log.author, isKnown }),
      replicate(b.log, { dialect: 'native', live: true, replica: a.log.author, peer: a.log.author, isKnown }),
    ]
    const [there, back] = [new Wire(), new Wire()]
    pipeline(one, there, two, back, one, () => {})
    this.#streams.push(one, two)
    const close = (): void => {
      one.destroy()
      two.destroy()
    }
    return { wires: [there, back], close }
  }

  setKeep(keep: Keep | undefined): void {
    this.roomKeep = keep
    for (const { retention } of this.#peers) retention.changed()
  }

  /** Advances the clock by `ms`, and delivers everything in flight. */
  async pass(ms: number, steps = 1): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.clock.advance(ms / steps)
      await this.settle()
    }
  }

  async settle(turns = 200): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.destroy()
    await this.settle(20)
    for (const peer of this.#peers) await peer.close()
  }
}
