import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import { Courier, type Errand } from './courier.js'
import { type Counts, type Effect, GossipNode, type GossipSettings, TICK_MS } from './gossip-node.js'
import { type Client, httpClient } from './http-client.js'
import { serve } from './http-server.js'
import type { PeerState } from './peer-book.js'
import { type Port, type Rumour, uuidOf } from './rumour.js'
import { type Batch, type GossipAnswer, readAnswer, readPeers } from './schema.js'

export interface NodeOptions extends GossipSettings {
  /** Where this node, and all the others, listen. */
  readonly host: string
  /** How often another book is chosen, about. */
  readonly everyMs: Millis
  readonly books: readonly string[]
  readonly clock: Clock
  readonly random: Random
  /** A book was chosen or heard of. */
  readonly onNews: (rumour: Rumour) => void
}

/** What a node knows of one origin, and how many messages of it came in and went out. */
export interface BookState extends Rumour {
  readonly ageMs: Millis
  readonly in: number
  readonly out: number
}

/** What a node knows, for people. */
export interface NodeState {
  readonly port: Port
  readonly books: readonly BookState[]
  readonly peers: readonly { readonly port: Port; readonly state: PeerState; readonly knows: readonly Port[] }[]
  readonly counts: Counts
}

/** A running node. */
export interface OpenNode {
  state(): NodeState
  close(): Promise<void>
}

/** Opens a node: it listens, learns peers from the one it is started with, and gossips until it is closed. */
export async function openNode(options: NodeOptions): Promise<OpenNode> {
  const running = new RunningNode(options)
  await running.open()
  return running
}

class RunningNode implements OpenNode {
  readonly #options: NodeOptions
  readonly #node: GossipNode
  readonly #courier = new Courier()
  readonly #client: Client
  /** Whom each peer told of when it was asked last. */
  readonly #told = new Map<Port, readonly Port[]>()
  readonly #traffic = new Map<Port, { in: number; out: number }>()
  #timers: Cancel[] = []
  #closeServer: (() => Promise<void>) | undefined
  #isClosed = false

  constructor(options: NodeOptions) {
    this.#options = options
    this.#node = new GossipNode(options, options.random)
    // Every address of this machine: itself is reached at its loopback.
    this.#client = httpClient(dialled(options.host))
  }

  async open(): Promise<void> {
    const { host, port } = this.#options
    const server = await serve(host, port, {
      peers: () => ({ port, peers: this.#node.peers.live }),
      gossip: batch => this.#receive(batch),
      state: () => this.state(),
    })
    this.#closeServer = () => server.close()
    this.#everyTick()
    this.#everyBook()
  }

  state(): NodeState {
    const { clock, port } = this.#options
    const nowMs = clock.now()
    const books = Array.from(this.#node.rumours.all(), ({ rumour, heardAtMs }) => ({
      ...rumour,
      ageMs: Math.max(0, nowMs - heardAtMs),
      ...(this.#traffic.get(rumour.origin) ?? { in: 0, out: 0 }),
    }))
    const peers = Array.from(this.#node.peers.states(), ([peer, state]) => ({
      port: peer,
      state,
      knows: this.#told.get(peer) ?? [],
    }))
    return {
      port,
      books: books.sort((a, b) => a.origin - b.origin),
      peers: peers.sort((a, b) => a.port - b.port),
      counts: { ...this.#node.counts },
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const cancel of this.#timers) cancel()
    this.#client.close()
    await this.#closeServer?.()
  }

  #everyTick(): void {
    this.#perform(this.#node.tick(this.#now))
    this.#timers[0] = this.#options.clock.after(TICK_MS, () => this.#everyTick())
  }

  #everyBook(): void {
    this.#chooseBook()
    const { clock, everyMs, random } = this.#options
    // Not all at the same moment, though all were started together.
    this.#timers[1] = clock.after(everyMs * (0.9 + random.number() * 0.2), () => this.#everyBook())
  }

  #chooseBook(): void {
    const { books, random } = this.#options
    const book = books[Math.floor(random.number() * books.length)] ?? 'no book at all'
    this.#perform(this.#node.choose(book, uuidOf(random.bytes(16)), this.#now))
    const own = this.#node.rumours.newest(this.#options.port)
    if (own !== undefined) this.#options.onNews(own.rumour)
  }

  #receive({ from, messages = [], known }: Batch): GossipAnswer | undefined {
    const { fresh, refused, newer, effects } = this.#node.receive(from, messages, this.#now)
    for (const { origin } of messages) this.#trafficOf(origin).in++
    this.#perform(effects)
    for (const rumour of fresh) this.#options.onNews(rumour)
    // A node is not told: it would take it for a failure, and its next batch may be taken.
    if (refused > 0 && refused === messages.length && from === undefined) return undefined
    return { accepted: fresh.length, messages: known === undefined ? newer : this.#node.lackedBy(known) }
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') {
        this.#trafficOf(effect.rumour.origin).out += effect.to.length
        for (const peer of effect.to) this.#courier.send(peer, effect.rumour)
      } else if (effect.kind === 'pull') this.#courier.pull(effect.from)
      else if (effect.kind === 'ask') this.#courier.ask(effect.peer)
      else if (effect.kind === 'choose') this.#chooseBook()
      else {
        this.#courier.forget(effect.peer)
        this.#told.delete(effect.peer)
      }
    }
    for (let errand = this.#courier.next(); errand !== undefined; errand = this.#courier.next()) void this.#run(errand)
  }

  async #run(errand: Errand): Promise<void> {
    const { peer } = errand
    const isAnswered = errand.kind === 'ask' ? await this.#ask(peer) : await this.#post(errand)
    if (this.#isClosed) return
    this.#courier.done(peer)
    this.#perform(isAnswered ? [] : this.#node.failed(peer, this.#now))
  }

  async #ask(peer: Port): Promise<boolean> {
    const answer = readPeers(await this.#client.request(peer, '/peers/'))
    // Who does not say that it is at this port is not the node that was meant.
    if (answer?.port !== peer) return false
    this.#perform(this.#node.answered(peer, answer.peers, this.#now))
    if (this.#node.peers.isLive(peer)) this.#told.set(peer, answer.peers)
    return true
  }

  async #post(errand: Extract<Errand, { kind: 'pull' | 'send' }>): Promise<boolean> {
    const from = this.#options.port
    const body: Batch =
      errand.kind === 'pull' ? { from, known: this.#node.rumours.known } : { from, messages: errand.rumours }
    const rumours = readAnswer(await this.#client.request(errand.peer, '/gossip/', body))
    if (rumours === undefined || this.#isClosed) return false
    this.#perform(this.#node.answered(errand.peer, [], this.#now))
    if (rumours.length > 0) this.#receive({ messages: rumours })
    return true
  }

  #trafficOf(origin: Port): { in: number; out: number } {
    let traffic = this.#traffic.get(origin)
    if (traffic === undefined) {
      traffic = { in: 0, out: 0 }
      // There are no more than ports.
      this.#traffic.set(origin, traffic)
    }
    return traffic
  }

  get #now(): Millis {
    return this.#options.clock.now()
  }
}

const dialled = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)
