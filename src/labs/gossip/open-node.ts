import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import { type Counts, type Effect, GossipNode, type GossipSettings, TICK_MS } from './gossip-node.js'
import { type Client, httpClient } from './http-client.js'
import { serve } from './http-server.js'
import type { PeerState } from './peer-book.js'
import { type PeerRequest, RequestScheduler } from './request-scheduler.js'
import { type Port, type Rumour, uuidOf } from './rumour.js'
import { type Batch, type GossipAnswer, readAnswer, readPeers } from './schema.js'

export interface NodeOptions extends GossipSettings {
  /** Address on which all nodes listen. */
  readonly host: string
  /** Mean interval between two chosen books. */
  readonly everyMs: Millis
  readonly books: readonly string[]
  readonly clock: Clock
  readonly random: Random
  /** A book was chosen or received. */
  readonly onNews: (rumour: Rumour) => void
}

/** The book of one origin, and the messages about it received and sent. */
export interface BookState extends Rumour {
  readonly ageMs: Millis
  readonly in: number
  readonly out: number
}

/** State of a node, as its page shows it. */
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

/** Opens a node, which listens, learns peers from its bootstrap node, and gossips until closed. */
export async function openNode(options: NodeOptions): Promise<OpenNode> {
  const running = new RunningNode(options)
  await running.open()
  return running
}

class RunningNode implements OpenNode {
  readonly #options: NodeOptions
  readonly #node: GossipNode
  readonly #requests = new RequestScheduler()
  readonly #client: Client
  /** The peers of each peer, as last answered. */
  readonly #peersOf = new Map<Port, readonly Port[]>()
  readonly #traffic = new Map<Port, { in: number; out: number }>()
  #timers: Cancel[] = []
  #closeServer: (() => Promise<void>) | undefined
  #isClosed = false

  constructor(options: NodeOptions) {
    this.#options = options
    this.#node = new GossipNode(options, options.random)
    // A node that listens on all addresses reaches itself over the loopback interface.
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
    const books = Array.from(this.#node.rumours.all(), ({ rumour, receivedAtMs }) => ({
      ...rumour,
      ageMs: Math.max(0, nowMs - receivedAtMs),
      ...(this.#traffic.get(rumour.origin) ?? { in: 0, out: 0 }),
    }))
    const peers = Array.from(this.#node.peers.states(), ([peer, state]) => ({
      port: peer,
      state,
      knows: this.#peersOf.get(peer) ?? [],
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
    // Random, because nodes may start at the same time.
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
    // Only clients are refused: a node would count a refusal as a failed request.
    if (refused > 0 && refused === messages.length && from === undefined) return undefined
    return { accepted: fresh.length, messages: known === undefined ? newer : this.#node.lackedBy(known) }
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') {
        this.#trafficOf(effect.rumour.origin).out += effect.to.length
        for (const peer of effect.to) this.#requests.send(peer, effect.rumour)
      } else if (effect.kind === 'pull') this.#requests.pull(effect.from)
      else if (effect.kind === 'ask') this.#requests.ask(effect.peer)
      else if (effect.kind === 'choose') this.#chooseBook()
      else {
        this.#requests.forget(effect.peer)
        this.#peersOf.delete(effect.peer)
      }
    }
    for (let request = this.#requests.next(); request !== undefined; request = this.#requests.next())
      void this.#run(request)
  }

  async #run(request: PeerRequest): Promise<void> {
    const { peer } = request
    const isAnswered = request.kind === 'ask' ? await this.#ask(peer) : await this.#post(request)
    if (this.#isClosed) return
    this.#requests.done(peer)
    this.#perform(isAnswered ? [] : this.#node.failed(peer, this.#now))
  }

  async #ask(peer: Port): Promise<boolean> {
    const answer = readPeers(await this.#client.request(peer, '/peers/'))
    // Another program may listen on this port.
    if (answer?.port !== peer) return false
    this.#perform(this.#node.answered(peer, answer.peers, this.#now))
    if (this.#node.peers.isLive(peer)) this.#peersOf.set(peer, answer.peers)
    return true
  }

  async #post(request: Extract<PeerRequest, { kind: 'pull' | 'send' }>): Promise<boolean> {
    const from = this.#options.port
    const body: Batch =
      request.kind === 'pull' ? { from, known: this.#node.rumours.known } : { from, messages: request.rumours }
    const rumours = readAnswer(await this.#client.request(request.peer, '/gossip/', body))
    if (rumours === undefined || this.#isClosed) return false
    this.#perform(this.#node.answered(request.peer, [], this.#now))
    if (rumours.length > 0) this.#receive({ messages: rumours })
    return true
  }

  #trafficOf(origin: Port): { in: number; out: number } {
    let traffic = this.#traffic.get(origin)
    if (traffic === undefined) {
      traffic = { in: 0, out: 0 }
      // Bounded by the number of ports.
      this.#traffic.set(origin, traffic)
    }
    return traffic
  }

  get #now(): Millis {
    return this.#options.clock.now()
  }
}

const dialled = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)
