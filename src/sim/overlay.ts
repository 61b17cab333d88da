import { retryDelayMs } from '../base/backoff.js'
import type { Cancel, Millis } from '../base/clock.js'
import { SeededRandom } from '../base/seeded-random.js'
import { FRAME_BYTES_MAX, FrameReader } from '../base/wire/frames.js'
import { CONNECTIONS_MAX } from '../net/limits.js'
import { HyParView, type HyParViewEffect } from '../net/overlay/hyparview.js'
import { LanAutodial } from '../net/overlay/lan-autodial.js'
import { decodePexFrame, encodePexFrame } from '../net/overlay/pex-codec.js'
import type { ConnectionId } from '../net/topology.js'
import { VirtualTime } from './virtual-time.js'

const TICK_MS: Millis = 1_000
const ROOM = 'room'
const REMOTE = { kind: 'native', address: '', instance: '', isOlder: false, aheadMs: 0 } as const
const PORT = 4_000
/** Ways that a link needs to open: the connection, the handshake, a Hello and a proof each way. */
const WAYS_TO_OPEN = 6
/** How long somebody who is gone without a word is waited for. */
const NO_ANSWER_MS: Millis = 5_000
/** After which a link to somebody who is gone without a word is closed. */
const SILENCE_MS_MIN: Millis = 30_000
const SILENCE_MS_MAX: Millis = 31_000

interface Link {
  readonly ends: readonly [Member, Member]
  /** What each end calls it. */
  readonly ids: ReadonlyMap<Member, ConnectionId>
  /** The same for all that is sent, so that what was sent first comes first. */
  readonly delayMs: Millis
  isOpen: boolean
}

/** A peer of a crowd: its decisions, and whom its user named. */
interface Member {
  readonly index: number
  readonly id: string
  readonly host: string
  readonly view: HyParView
  readonly links: Map<ConnectionId, Link>
  readonly named: Set<Member>
  isUp: boolean
  nextLink: ConnectionId
  attempt: number
  retry: Cancel
  isResting: boolean
  /** What it does about those who are announced, where they are. */
  readonly neighbours: LanAutodial | undefined
  /** Those whom it dials because they are announced, and how often that came to nothing. */
  readonly found: Map<string, { readonly other: Member; tries: number; isDialling: boolean }>
}

export interface OverlayOptions {
  readonly seed: number
  readonly peers: number
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** Whether all are on one network that announces them to each other. */
  readonly isAnnounced?: boolean
}

/**
 * Many peers that know one address and decide with whom to link, in virtual time: their decisions and the frames
 * between them are real, the connections are a model. There are no logs.
 */
export class Overlay {
  readonly #time = new VirtualTime(0)
  readonly #chance: SeededRandom
  readonly #options: OverlayOptions
  readonly #members: Member[] = []
  readonly #byHost = new Map<string, Member>()
  readonly #blocked = new Set<number>()
  dials = 0
  bytesSent = 0
  steps = 0

  constructor(options: OverlayOptions) {
    this.#options = options
    this.#chance = new SeededRandom(options.seed, 'crowd')
    for (let index = 0; index < options.peers; index++) {
      const chance = new SeededRandom(options.seed, `member ${index}`)
      const id = Buffer.from(chance.bytes(8)).toString('hex')
      const view = new HyParView({ id, port: PORT, isPresent: () => false, random: () => chance.number() })
      const member: Member = {
        index,
        id,
        host: `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`,
        view,
        links: new Map(),
        named: new Set(),
        isUp: false,
        nextLink: 1,
        attempt: 0,
        retry: () => {},
        isResting: false,
        neighbours: options.isAnnounced ? this.#neighboursOf(() => member, view, id) : undefined,
        found: new Map(),
      }
      this.#members.push(member)
      this.#byHost.set(member.host, member)
    }
  }

  get now(): Millis {
    return this.#time.now
  }

  /** Peer `index` starts at a time, and knows one other. */
  start(index: number, knows: number | undefined, atMs: Millis): void {
    const member = this.#at(index)
    if (knows !== undefined) member.named.add(this.#at(knows))
    this.#time.after(atMs - this.now, () => {
      member.isUp = true
      for (const other of member.named) this.#dialNamed(member, other)
      if (this.#options.isAnnounced) this.#time.after(this.#chance.between(0, TICK_MS), () => this.#announce(member))
      const tick = (): void => {
        if (!member.isUp) return
        this.#perform(member, member.view.tick(this.now))
        this.#time.after(TICK_MS, tick)
      }
      this.#time.after(this.#chance.between(0, TICK_MS), tick)
    })
  }

  /** A peer is gone: its links break, or fall silent where nothing says so to the others. */
  leave(index: number, how: 'killed' | 'silent'): void {
    const member = this.#at(index)
    member.isUp = false
    member.retry()
    for (const link of [...member.links.values()]) {
      const waitMs = how === 'killed' ? link.delayMs : this.#chance.between(SILENCE_MS_MIN, SILENCE_MS_MAX)
      this.#time.after(waitMs, () => this.#close(link, false))
    }
    member.links.clear()
  }

  /** Nothing gets from these peers to the others, and links between them fall silent. */
  part(indices: readonly number[]): void {
    for (const index of indices) this.#blocked.add(index)
    for (const member of this.#members)
      for (const link of member.links.values())
        if (this.#isBlocked(...link.ends))
          this.#time.after(this.#chance.between(SILENCE_MS_MIN, SILENCE_MS_MAX), () => this.#close(link, false))
  }

  heal(): void {
    this.#blocked.clear()
  }

  run(ms: Millis): void {
    const until = this.now + ms
    while (this.#time.step(until)) this.steps++
  }

  /** Lets time pass until it is so, looked at twice a second. Gives how long that took; undefined where it never was. */
  runUntil(isSo: () => boolean, msMax: Millis): Millis | undefined {
    const from = this.now
    while (!isSo()) {
      if (this.now - from >= msMax) return undefined
      this.run(TICK_MS / 2)
    }
    return this.now - from
  }

  /** Links of each peer that is up, the fewest first. */
  degrees(): number[] {
    return this.#up()
      .map(member => this.#neighbours(member).size)
      .sort((a, b) => a - b)
  }

  /** Into how many parts that do not reach each other those who are up fall. */
  components(): number {
    const left = new Set(this.#up())
    let count = 0
    for (const start of left) {
      count++
      const frontier = [start]
      left.delete(start)
      for (let next = frontier.pop(); next !== undefined; next = frontier.pop()) {
        for (const other of this.#neighbours(next)) if (left.delete(other)) frontier.push(other)
      }
    }
    return count
  }

  #at(index: number): Member {
    const member = this.#members[index]
    if (member === undefined) throw new RangeError(`there is no peer ${index}`)
    return member
  }

  #up(): Member[] {
    return this.#members.filter(({ isUp }) => isUp)
  }

  #neighbours(member: Member): Set<Member> {
    const others = new Set<Member>()
    for (const { ends, isOpen } of member.links.values()) {
      const other = ends[0] === member ? ends[1] : ends[0]
      if (isOpen && other.isUp && !this.#isBlocked(member, other)) others.add(other)
    }
    return others
  }

  #isBlocked(a: Member, b: Member): boolean {
    return this.#blocked.has(a.index) !== this.#blocked.has(b.index)
  }

  #neighboursOf(member: () => Member, view: HyParView, id: string): LanAutodial {
    const time = this.#time
    const byHost = this.#byHost
    const dial = (other: Member): void => this.#dialFound(member(), other)
    return new LanAutodial({
      connections: {
        get connections() {
          const self = member()
          return Array.from(self.links.values(), ({ ends: [a, b] }) => ({
            remote: { ...REMOTE, key: (a === self ? b : a).id },
          }))
        },
        get dialAttempts() {
          return [...member().found.entries()].flatMap(([name, { tries, other }]) =>
            tries === 0 ? [] : [{ name, tries, address: { host: other.host, port: PORT }, reason: '' }],
          )
        },
        add: name => {
          const other = byHost.get(name)
          if (other === undefined) return
          member().found.set(name, { other, tries: 0, isDialling: false })
          dial(other)
        },
        remove: name => void member().found.delete(name),
        retryNow: () => {},
      },
      clock: { now: () => time.now, after: (delayMs, action) => time.after(delayMs, action) },
      key: id,
      room: ROOM,
      peerExchange: {
        discovered: key => view.discovered(key, time.now),
        lost: key => view.lost(key),
        shouldDial: (key, dialled) => view.shouldDial(key, dialled, time.now),
      },
      onMissing: () => {},
    })
  }

  /** Everybody is told of a peer, and it of everybody. */
  #announce(member: Member): void {
    for (const other of this.#up()) {
      if (other === member) continue
      other.neighbours?.sighted(serviceOf(member))
      member.neighbours?.sighted(serviceOf(other))
    }
  }

  #dialFound(member: Member, other: Member): void {
    const one = member.found.get(other.host)
    if (one === undefined || one.isDialling || !member.isUp) return
    one.isDialling = true
    this.#dial(member, other, false, () => {
      one.isDialling = false
      if ([...member.links.values()].some(({ ends }) => ends.includes(other))) return
      this.#time.after(
        retryDelayMs(one.tries++, () => this.#chance.number()),
        () => this.#dialFound(member, other),
      )
    })
  }

  #perform(member: Member, effects: readonly HyParViewEffect[] | 'bad'): void {
    if (!member.isUp) return
    if (effects === 'bad') throw new Error(`peer ${member.index} was sent what is no frame`)
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#send(member, effect.connection, encodePexFrame(effect.frame))
          break
        case 'dial': {
          const other = this.#byHost.get(effect.address.host)
          this.#dial(member, other, false, () => this.#perform(member, member.view.dialFailed(effect.id, this.now)))
          break
        }
        case 'drop': {
          member.neighbours?.dropped(effect.id)
          const link = member.links.get(effect.connection)
          const named = link?.ends.find(end => end !== member)
          if (link === undefined) break
          this.#time.after(effect.delayMs, () => this.#close(link, true))
          if (named === undefined || !member.named.has(named)) break
          member.isResting = true
          this.#retry(member, named, effect.cooldownMs * this.#chance.between(0.5, 1))
          break
        }
        case 'isolated':
          if (member.isResting) for (const other of member.named) this.#dialNamed(member, other)
      }
    }
  }

  #send(from: Member, id: ConnectionId, bytes: Uint8Array): void {
    const link = from.links.get(id)
    if (link === undefined || !link.isOpen) return
    this.bytesSent += bytes.length
    const to = link.ends[0] === from ? link.ends[1] : link.ends[0]
    this.#time.after(link.delayMs, () => {
      if (!to.isUp || !link.isOpen || this.#isBlocked(from, to)) return
      const end = idOf(link, to)
      const reader = new FrameReader(FRAME_BYTES_MAX)
      reader.push(bytes)
      for (let read = reader.next(); read.kind === 'frame'; read = reader.next())
        this.#perform(to, to.view.receive(end, decodePexFrame(read.body), this.now))
    })
  }

  #dialNamed(member: Member, other: Member): void {
    member.retry()
    member.isResting = false
    this.#dial(member, other, true, () =>
      this.#retry(
        member,
        other,
        retryDelayMs(member.attempt++, () => this.#chance.number()),
      ),
    )
  }

  #retry(member: Member, other: Member, delayMs: Millis): void {
    member.retry()
    member.retry = this.#time.after(delayMs, () => {
      if (member.isUp && ![...member.links.values()].some(({ ends }) => ends.includes(other)))
        this.#dialNamed(member, other)
    })
  }

  #dial(from: Member, to: Member | undefined, isNamed: boolean, onMissed: () => void): void {
    this.dials++
    const delayMs = this.#chance.between(this.#options.delayMsMin, this.#options.delayMsMax)
    const isThere = to?.isUp && !this.#isBlocked(from, to)
    const waitMs = isThere ? delayMs * WAYS_TO_OPEN : NO_ANSWER_MS
    this.#time.after(waitMs, () => {
      if (!from.isUp) return
      const isLinked = to !== undefined && [...from.links.values()].some(({ ends }) => ends.includes(to))
      if (!to?.isUp || this.#isBlocked(from, to) || isLinked || to.links.size >= CONNECTIONS_MAX) {
        onMissed()
        return
      }
      const ids = new Map([
        [from, from.nextLink++],
        [to, to.nextLink++],
      ])
      const link: Link = { ends: [from, to], ids, delayMs, isOpen: true }
      if (isNamed) from.attempt = 0
      for (const [self, other] of [
        [from, to],
        [to, from],
      ] as const) {
        const id = idOf(link, self)
        self.links.set(id, link)
        const named = self === from && isNamed
        this.#perform(
          self,
          self.view.opened({ connection: id, id: other.id, host: other.host, isNamed: named }, this.now),
        )
      }
    })
  }

  #close(link: Link, isMeant: boolean): void {
    if (!link.isOpen) return
    link.isOpen = false
    for (const self of link.ends) {
      const id = idOf(link, self)
      self.links.delete(id)
      if (!self.isUp) continue
      this.#perform(self, self.view.closed(id, false, this.now))
      const other = self === link.ends[0] ? link.ends[1] : link.ends[0]
      if (self.neighbours !== undefined)
        for (const one of this.#up()) if (one !== self) self.neighbours.sighted(serviceOf(one))
      if (!isMeant && self.named.has(other))
        this.#retry(
          self,
          other,
          retryDelayMs(self.attempt++, () => this.#chance.number()),
        )
    }
  }
}

function idOf(link: Link, self: Member): ConnectionId {
  const id = link.ids.get(self)
  if (id === undefined) throw new RangeError(`it is no link of peer ${self.index}`)
  return id
}

/** What is announced of a peer: its address stands for its name. */
const serviceOf = ({ id, host }: Member): Parameters<LanAutodial['sighted']>[0] => ({
  instance: host,
  host,
  port: PORT,
  version: 1,
  room: ROOM,
  key: id,
})
