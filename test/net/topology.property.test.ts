import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Remote } from '../../src/net/handshake/effects.js'
import { parseAddress } from '../../src/net/lan/address.js'
import { Topology, type TopologyEffect } from '../../src/net/topology.js'

type Name = 'alice' | 'bob'
const NAMES = ['alice', 'bob'] as const
const other = (name: Name): Name => (name === 'alice' ? 'bob' : 'alice')
const ADDRESSES = { alice: parseAddress('alice.local:1001'), bob: parseAddress('bob.local:1002') }

/** State of a connection at one end. */
type End = 'unopened' | 'open' | 'gone'

interface Connection {
  readonly dialler: Name
  readonly ends: Record<Name, End>
  /** Whether one side closed it, or the network broke it. */
  isCut: boolean
  /** Whether the network broke it: then it may never open at an end. */
  isBroken: boolean
}

/** Two topologies and the network between them, whose events happen in any order. */
class World {
  readonly #topologies: Record<Name, Topology>
  readonly #instances: Record<Name, string>
  readonly #connections: Connection[] = []
  readonly #dials: Name[] = []
  readonly #timers = new Set<Name>()
  readonly #pings: { readonly who: Name; readonly id: number }[] = []
  readonly connected: Record<Name, number> = { alice: 0, bob: 0 }

  constructor(instances: Record<Name, string>) {
    this.#instances = instances
    this.#topologies = { alice: topologyOf(instances.alice), bob: topologyOf(instances.bob) }
  }

  name(who: Name): void {
    this.#perform(who, this.#topologies[who].add(other(who), ADDRESSES[other(who)]))
  }

  /** All events that may happen next. */
  next(): (() => void)[] {
    const events: (() => void)[] = this.#dials.map((who, index) => () => {
      this.#dials.splice(index, 1)
      this.#connections.push({
        dialler: who,
        ends: { alice: 'unopened', bob: 'unopened' },
        isCut: false,
        isBroken: false,
      })
    })
    for (const who of this.#timers) {
      events.push(() => {
        this.#timers.delete(who)
        this.#perform(who, this.#topologies[who].due(other(who)))
      })
    }
    for (const ping of this.#pings) {
      events.push(() => {
        this.#pings.splice(this.#pings.indexOf(ping), 1)
        this.#answers(ping.who, ping.id)
      })
    }
    for (const [id, connection] of this.#connections.entries()) {
      for (const who of NAMES) {
        // The bytes that the other side sent before it closed still open this end.
        if (connection.ends[who] === 'unopened') events.push(() => this.#opens(id, connection, who))
        const mayBeLost = connection.isBroken ? connection.ends[who] !== 'gone' : connection.ends[who] === 'open'
        if (mayBeLost && connection.isCut) events.push(() => this.#loses(id, connection, who))
      }
    }
    return events
  }

  /** Makes a dial fail or a connection break, if there is one. */
  disturb(index: number): void {
    if (index % 2 === 0 && this.#dials.length > 0) {
      const [who] = this.#dials.splice(index % this.#dials.length, 1)
      if (who !== undefined) this.#perform(who, this.#topologies[who].failed(other(who), { reason: 'refused' }))
      return
    }
    const connection = this.#connections[index % Math.max(1, this.#connections.length)]
    if (connection !== undefined) connection.isCut = connection.isBroken = true
  }

  get open(): readonly Connection[] {
    return this.#connections.filter(({ ends }) => ends.alice === 'open' && ends.bob === 'open')
  }

  /** Whether any connection is open or opening, and closed by neither side. */
  get isAlive(): boolean {
    return this.#connections.some(({ ends, isCut }) => !isCut && (ends.alice === 'open' || ends.bob === 'open'))
  }

  get openCounts(): number[] {
    return NAMES.map(who => this.#topologies[who].connections.length)
  }

  #opens(id: number, connection: Connection, who: Name): void {
    connection.ends[who] = 'open'
    const remote = remoteOf(other(who), this.#instances[other(who)])
    const dialled = connection.dialler === who ? other(who) : undefined
    this.#perform(who, this.#topologies[who].opened({ id, remote, dialled, remoteAddress: '10.0.0.1' }))
  }

  /** A connection answers if it is open at both ends. A connection that the other side opens late is alive too. */
  #answers(who: Name, id: number): void {
    const { ends, isCut } = this.#connections[id] ?? assert.fail()
    this.#perform(who, this.#topologies[who].answered(id, !isCut && ends[other(who)] !== 'gone'))
  }

  #loses(id: number, connection: Connection, who: Name): void {
    const wasOpen = connection.ends[who] === 'open'
    connection.ends[who] = 'gone'
    if (wasOpen) this.#perform(who, this.#topologies[who].closed(id, 0))
    else if (connection.dialler === who) {
      this.#perform(who, this.#topologies[who].failed(other(who), { reason: 'closed' }, '10.0.0.1'))
    }
  }

  #perform(who: Name, effects: readonly TopologyEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'dial') this.#dials.push(who)
      if (effect.kind === 'retry') this.#timers.add(who)
      if (effect.kind === 'cancel-retry') this.#timers.delete(who)
      if (effect.kind === 'ping') this.#pings.push({ who, id: effect.connection })
      if (effect.kind === 'connected') this.connected[who]++
      if (effect.kind !== 'close') continue
      const connection = this.#connections[effect.connection]
      assert.ok(connection !== undefined && connection.ends[who] === 'open', 'closes only open connections')
      connection.isCut = true
    }
  }
}

const topologyOf = (instance: string): Topology => new Topology(instance, instance, () => 1)
const remoteOf = (name: Name, instance: string): Remote => ({
  kind: 'native',
  version: 2,
  address: `${name}.local:1`,
  instance,
  key: instance,
  aheadMs: 0,
})

const LOW = '1'.repeat(32)
const HIGH = '9'.repeat(32)

test('two peers that dial each other end with one connection, in any order of events and failures', () => {
  const choice = fc.nat({ max: 1_000 })
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.constantFrom<readonly Name[]>(['alice', 'bob'], ['bob', 'alice'], ['alice'], ['bob']),
      fc.array(fc.tuple(choice, fc.option(choice)), { maxLength: 30 }),
      fc.array(choice, { minLength: 1, maxLength: 30 }),
      (isAliceLower, naming, stormy, calm) => {
        const world = new World(isAliceLower ? { alice: LOW, bob: HIGH } : { alice: HIGH, bob: LOW })
        for (const who of naming) world.name(who)
        for (const [index, disturbance] of stormy) {
          const events = world.next()
          events[index % events.length]?.()
          if (disturbance !== null) world.disturb(disturbance)
        }
        const wasStormy = stormy.some(([, disturbance]) => disturbance !== null)
        // From here on nothing breaks.
        for (let step = 0; ; step++) {
          const events = world.next()
          if (events.length === 0) break
          assert.ok(step < 500, 'comes to rest')
          const wasAlive = world.isAlive
          events[(calm[step % calm.length] ?? 0) % events.length]?.()
          // A broken connection may still open late, and then looks like the newer one.
          assert.ok(world.isAlive || !wasAlive || wasStormy, 'nobody closes the last connection')
        }
        assert.equal(world.open.length, 1)
        assert.deepEqual(world.openCounts, [1, 1])
        assert.ok(world.connected.alice > 0 && world.connected.bob > 0)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('control: if both sides closed the newer connection, both could close', () => {
  // The same two connections, opened in opposite order: each side would close the connection that the other keeps.
  const [a, b] = [topologyOf(LOW), topologyOf(LOW)]
  for (const [topology, order] of [
    [a, [1, 2]],
    [b, [2, 1]],
  ] as const) {
    for (const id of order)
      topology.opened({ id, remote: remoteOf('bob', HIGH), dialled: undefined, remoteAddress: '10.0.0.1' })
    const closed = topology.answered(order[0], true)
    assert.deepEqual(
      closed.flatMap(effect => (effect.kind === 'close' ? [effect.connection] : [])),
      [order[1]],
    )
  }
})
