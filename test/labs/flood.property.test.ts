import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type Effect, Flood } from '../../src/labs/flood/flood.js'
import { SentMessages } from '../../src/labs/flood/sent-messages.js'

// When typing stops, all connected clients have printed the same texts: on any graph, in any order, with any delays.

/** Deliveries after which a flood counts as endless. Floods that end need far fewer. */
const DELIVERIES_MAX = 20_000

/** How a faulty client changes the effects of a correct one. */
type Rule = (effects: readonly Effect[]) => readonly Effect[]

class Forgetful extends SentMessages {
  override has(): boolean {
    return false
  }
}

const toOneOnly: Rule = effects => {
  const first = effects.find(effect => effect.kind === 'send')
  return effects.filter(effect => effect.kind !== 'send' || effect === first)
}

interface Cable {
  readonly ends: readonly [number, number]
  /** Bytes in flight to either end. */
  readonly inFlight: [number[], number[]]
}

/** Clients and the connections between them. Bytes are in flight until they are delivered. */
class Net {
  readonly printed: string[][]
  readonly #clients: Flood[]
  readonly #cables = new Map<number, Cable>()
  readonly #rule: Rule
  #next = 1

  constructor(count: number, rule: Rule = effects => effects, sent: () => SentMessages = () => new SentMessages()) {
    this.#rule = rule
    this.#clients = Array.from({ length: count }, () => new Flood(sent()))
    this.printed = this.#clients.map(() => [])
  }

  connect(a: number, b: number): void {
    const id = this.#next++
    this.#cables.set(id, { ends: [a, b], inFlight: [[], []] })
    // Clients do not connect to themselves: both ends would have the same id.
    this.#clients[a]?.connected(id)
    this.#clients[b]?.connected(id)
  }

  /** Breaks a connection. The bytes in flight on it are lost. */
  cut(choice: number): void {
    const id = [...this.#cables.keys()][choice % Math.max(1, this.#cables.size)]
    const cable = id === undefined ? undefined : this.#cables.get(id)
    if (id === undefined || cable === undefined) return
    this.#cables.delete(id)
    for (const end of cable.ends) this.#clients[end]?.disconnected(id)
  }

  type(who: number, text: string): void {
    this.#perform(who, this.#clients[who]?.typed(text) ?? [])
  }

  /** Delivers some of the bytes in flight on one connection. False if none are. */
  deliver(choice: number, bytes: number): boolean {
    const waiting = [...this.#cables].flatMap(([id, { ends, inFlight }]) =>
      ([0, 1] as const)
        .filter(side => inFlight[side].length > 0)
        .map(side => ({ id, end: ends[side], bytes: inFlight[side] })),
    )
    const chosen = waiting[choice % Math.max(1, waiting.length)]
    if (chosen === undefined) return false
    const chunk = Uint8Array.from(chosen.bytes.splice(0, bytes))
    this.#perform(chosen.end, this.#clients[chosen.end]?.received(chosen.id, chunk) ?? [])
    return true
  }

  /** Delivers everything in flight. False if that does not end. */
  settle(random: (below: number) => number): boolean {
    for (let left = DELIVERIES_MAX; left > 0; left--) if (!this.deliver(random(1 << 20), 1 + random(24))) return true
    return false
  }

  /** The connected components. */
  groups(): number[][] {
    const group = this.#clients.map((_, who) => who)
    for (const {
      ends: [a, b],
    } of this.#cables.values()) {
      const [from, to] = [group[a], group[b]]
      if (from === undefined || to === undefined) continue
      for (const [who, of] of group.entries()) if (of === from) group[who] = to
    }
    return [...new Set(group)].map(of => group.flatMap((each, who) => (each === of ? [who] : [])))
  }

  #perform(who: number, effects: readonly Effect[]): void {
    for (const effect of this.#rule(effects)) {
      assert.ok(effect.kind === 'print' || effect.kind === 'send', effect.kind)
      if (effect.kind === 'print') this.printed[who]?.push(effect.text)
      else {
        const cable = this.#cables.get(effect.to)
        cable?.inFlight[cable.ends[0] === who ? 1 : 0].push(...effect.line)
      }
    }
  }
}

const text = fc.oneof(
  fc.constantFrom('hi', 'hello', 'ålesund', '👩‍👩‍👧', ' ', '\u202eover', '', 'x\r'),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map(each => each.replaceAll('\n', '')),
)
const number = fc.nat({ max: 1 << 20 })

/** A connected graph: a random tree, and some further edges. */
const network = fc.integer({ min: 2, max: 7 }).chain(count =>
  fc.record({
    count: fc.constant(count),
    tree: fc.array(number, { minLength: count - 1, maxLength: count - 1 }),
    more: fc.array(fc.tuple(fc.nat({ max: count - 1 }), fc.nat({ max: count - 1 })), { maxLength: 6 }),
    events: fc.array(
      fc.oneof(
        fc.record({ who: fc.nat({ max: count - 1 }), text }),
        fc.record({ deliver: number, bytes: fc.integer({ min: 1, max: 9 }) }),
      ),
      { maxLength: 60 },
    ),
    seed: number,
  }),
)

type Story = typeof network extends fc.Arbitrary<infer T> ? T : never

/** A small random number generator, for the order of the last deliveries. */
function randomOf(seed: number): (below: number) => number {
  let state = seed + 1
  return below => {
    state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647
    return state % below
  }
}

function begin({ count, tree, more }: Story, rule?: Rule, sent?: () => SentMessages): Net {
  const net = new Net(count, rule, sent)
  tree.forEach((choice, index) => void net.connect(index + 1, choice % (index + 1)))
  for (const [a, b] of more) if (a !== b) net.connect(a, b)
  return net
}

/** Runs a story and checks that every connected client has printed the same texts. */
function check(story: Story, rule?: Rule, sent?: () => SentMessages): void {
  const net = begin(story, rule, sent)
  const typed = new Set<string>()
  for (const event of story.events) {
    if ('text' in event) {
      net.type(event.who, event.text)
      typed.add(Buffer.from(event.text).toString().replace(/\r+$/, ''))
    } else net.deliver(event.deliver, event.bytes)
  }
  typed.delete('')
  assert.ok(net.settle(randomOf(story.seed)), 'the flood ends')
  for (const printed of net.printed) {
    assert.deepEqual(new Set(printed), typed)
    assert.equal(printed.length, typed.size, 'nothing is printed twice')
  }
}

test('when typing stops, all clients have printed the same set of texts, each once', () => {
  fc.assert(fc.property(network, story => check(story)))
})

test('texts typed after the last change of connections reach all connected clients', () => {
  const changes = fc.array(
    fc.oneof(
      fc.record({ cut: number }),
      fc.record({ from: number, to: number }),
      fc.record({ who: number, text }),
      fc.record({ deliver: number, bytes: fc.integer({ min: 1, max: 9 }) }),
    ),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(network, changes, (story, events) => {
      const net = begin(story)
      for (const event of events) {
        if ('cut' in event) net.cut(event.cut)
        else if ('text' in event) net.type(event.who % story.count, event.text)
        else if ('deliver' in event) net.deliver(event.deliver, event.bytes)
        else if (event.from % story.count !== event.to % story.count)
          net.connect(event.from % story.count, event.to % story.count)
      }
      for (let who = 0; who < story.count; who++) net.type(who, `last of ${who}`)
      assert.ok(net.settle(randomOf(story.seed)), 'the flood ends')
      for (const group of net.groups()) {
        for (const who of group) {
          const printed = net.printed[who] ?? []
          assert.equal(new Set(printed).size, printed.length)
          assert.deepEqual(
            printed.filter(each => each.startsWith('last of ')).sort(),
            group.map(each => `last of ${each}`),
          )
        }
      }
    }),
  )
})

/** The fault that the property finds in faulty clients. */
function faultOf(rule: Rule | undefined, sent?: () => SentMessages): string {
  const { failed, errorInstance } = fc.check(
    fc.property(network, story => check(story, rule, sent)),
    { endOnFailure: true },
  )
  assert.ok(failed)
  return String(errorInstance)
}

test('control: without the set of sent messages the flood does not end', () => {
  assert.match(
    faultOf(undefined, () => new Forgetful()),
    /the flood ends/,
  )
})

test('control: with only one neighbour per text, some client misses it', () => {
  assert.match(faultOf(toOneOnly), /deepStrictEqual|deep-equal/)
})
