import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { RawConnection } from '../src/net/peer-source.js'
import { RecordOpener, RecordSealer } from '../src/net/sealed/records.js'
import { SealedConnection } from '../src/net/sealed/sealed-connection.js'
import type { Contestant } from './contestant.js'
import { now, type Subject, type Task } from './subject.js'

/** What the receiver counts. */
export type Counted = 'entries stored' | 'texts read'

/** Counts arrivals and reports when they reached a target. */
class Counter {
  #count = 0
  #target = Number.POSITIVE_INFINITY
  #reached: (at: number) => void = () => {}
  #at: Promise<number> = Promise.resolve(0)

  add(count: number): void {
    this.#count += count
    if (this.#count < this.#target) return
    this.#target = Number.POSITIVE_INFINITY
    this.#reached(now())
  }

  /** Sets the target before the first arrival, so that the time of the last one is exact. */
  expect(target: number): void {
    if (this.#count >= target) throw new Error(`target ${target} is not above the ${this.#count} arrivals so far`)
    this.#target = target
    this.#at = new Promise(resolve => {
      this.#reached = resolve
    })
  }

  get at(): Promise<number> {
    return this.#at
  }
}

const counter = new Counter()

interface LinkOptions {
  /** Default: not sealed. */
  readonly isSealed?: boolean
}

export const linkTasks = {
  /** Listens and replicates with everyone who connects. Resolves with the port. */
  serve: async (subject: Subject, options: LinkOptions | null): Promise<number> => {
    const contestant = await subject.open()
    const server = net.createServer({ noDelay: true }, socket => replicate(contestant, socket, false, options))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  },

  /** Connects and replicates. Resolves with the time of the start. */
  connect: async (
    subject: Subject,
    { port, counted, target, ...options }: LinkOptions & { port: number; counted: Counted; target: number },
  ): Promise<number> => {
    const contestant = await subject.open()
    counter.expect(target)
    if (counted === 'entries stored') contestant.onStored(count => counter.add(count))
    else contestant.onText(() => counter.add(1))
    const startedAt = now()
    replicate(contestant, net.connect({ port, host: '127.0.0.1', noDelay: true }), true, options)
    return startedAt
  },

  /** Sets a new target for the total count. */
  expect: async (_subject: Subject, target: number) => counter.expect(target),

  /** Resolves with the time at which the target was reached. */
  arrived: async () => counter.at,
} satisfies Record<string, Task>

/** Pipes a connection through a replication stream, sealed or not. (The program itself seals every native connection.) */
function replicate(contestant: Contestant, socket: Socket, isInitiator: boolean, options: LinkOptions | null): void {
  const stream = options?.isSealed ? sealed(socket, isInitiator) : socket
  pipeline(stream, contestant.replicate(isInitiator), stream, () => stream.destroy())
}

/** A sealed connection as it is after its handshake, with keys that both ends know. */
export function sealed(socket: Socket, isInitiator: boolean): SealedConnection {
  const [ours, theirs] = [Buffer.alloc(32, isInitiator ? 1 : 2), Buffer.alloc(32, isInitiator ? 2 : 1)]
  const records = { sealer: new RecordSealer(ours, Buffer.alloc(24)), opener: new RecordOpener(theirs) }
  socket.on('error', () => socket.destroy())
  return new SealedConnection(socket as RawConnection, records)
}
