import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { Contestant } from './contestant.js'
import { now, type Subject, type Task } from './subject.js'

/** What is counted at the receiving side. */
export type Counted = 'entries stored' | 'texts read'

/** Counts what arrives; says when there were so many. */
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

  /** Asked for before they come, so that the time is that of their coming. */
  expect(target: number): void {
    if (this.#count >= target) throw new Error(`there are ${this.#count} already, and ${target} were to come`)
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

export const linkTasks = {
  /** Listens, and replicates with who connects. The port. */
  serve: async (subject: Subject): Promise<number> => {
    const contestant = await subject.open()
    const server = net.createServer({ noDelay: true }, socket => replicate(contestant, socket, false))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  },

  /** Connects, and replicates. When it began to. */
  connect: async (
    subject: Subject,
    { port, counted, target }: { port: number; counted: Counted; target: number },
  ): Promise<number> => {
    const contestant = await subject.open()
    counter.expect(target)
    if (counted === 'entries stored') contestant.onStored(count => counter.add(count))
    else contestant.onText(() => counter.add(1))
    const startedAt = now()
    replicate(contestant, net.connect({ port, host: '127.0.0.1', noDelay: true }), true)
    return startedAt
  },

  /** From now on it waits for so many, in all. */
  expect: async (_subject: Subject, target: number) => counter.expect(target),

  /** When so many were there. */
  arrived: async () => counter.at,
} satisfies Record<string, Task>

function replicate(contestant: Contestant, socket: Socket, isInitiator: boolean): void {
  pipeline(socket, contestant.replicate(isInitiator), socket, () => socket.destroy())
}
