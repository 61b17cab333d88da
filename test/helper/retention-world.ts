import { type Duplex, pipeline } from 'node:stream'
import type { KeyPair } from '../../src/base/crypto/signing.js'
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

/** A peer that keeps what its room, or its own bound, says. */
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

  constructor(now?: number) {
    this.clock = new VirtualClock(now)
  }

  async open(keys: KeyPair, disk = new MemoryDisk(), clock = this.clock): Promise<KeepingPeer> {
    const log = await logOver(new WeighedStore(disk), keys, { clock })
    const { receipts } = replicatorOf(log)
    const retention = await Retention.open({ log, receipts, clock, roomKeep: () => this.roomKeep })
    const close = async (): Promise<void> => {
      await retention.close()
      await log.close()
    }
    const peer = { log, retention, disk, close }
    this.#peers.push(peer)
    return peer
  }

  connect(a: KeepingPeer, b: KeepingPeer, isKnown = () => true): () => void {
    const [one, two] = [
      replicate(a.log, { dialect: 'native', live: true, replica: b.log.author, peer: b.log.author, isKnown }),
      replicate(b.log, { dialect: 'native', live: true, replica: a.log.author, peer: a.log.author, isKnown }),
    ]
    pipeline(one, two, one, () => {})
    this.#streams.push(one, two)
    return () => {
      one.destroy()
      two.destroy()
    }
  }

  setKeep(keep: Keep | undefined): void {
    this.roomKeep = keep
    for (const { retention } of this.#peers) retention.changed()
  }

  /** Lets everything that is on its way happen, while `ms` pass. */
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
