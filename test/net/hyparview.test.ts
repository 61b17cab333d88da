import assert from 'node:assert/strict'
import test from 'node:test'
import { HyParView, type HyParViewEffect } from '../../src/net/overlay/hyparview.js'
import { ACTIVE_VIEW_MAX, ACTIVE_VIEW_TARGET, JOIN_HOPS_MAX, PASSIVE_VIEW_MAX } from '../../src/net/overlay/limits.js'
import {
  type Contact,
  contactFilterFor,
  dialableAddress,
  type OutgoingPexFrame,
} from '../../src/net/overlay/pex-codec.js'

// docs/protocol/discovery.md §5.7: which peers to connect to, and how far strangers can influence this.

const START = 1_800_000_000_000
const SECOND = 1_000

const idOf = (number: number): string => number.toString(16).padStart(16, '0')
const hostOf = (number: number): string => `10.0.${number >> 8}.${number & 0xff}`
const contactOf = (number: number): Contact => ({ id: idOf(number), host: hostOf(number), port: 4_000 })

/** A peer with a lower key than all others, and its effects. */
function world(present?: string) {
  let now = START
  let seed = 1
  const random = (): number => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const view = new HyParView({ id: idOf(0), port: 4_000, isPresent: id => id === present, random })
  const dials: string[] = []
  const dropped: number[] = []
  const sent: { connection: number; frame: OutgoingPexFrame }[] = []
  const perform = (effects: readonly HyParViewEffect[] | 'bad'): void => {
    assert.notEqual(effects, 'bad')
    for (const effect of effects as readonly HyParViewEffect[]) {
      if (effect.kind === 'dial') dials.push(effect.address.host)
      if (effect.kind === 'drop') dropped.push(effect.connection)
      if (effect.kind === 'send') sent.push(effect)
    }
  }
  /** Peer `number` connects, takes part in the overlay, and states its number of connections. */
  const connect = (number: number, connections = 5, isNamed = false): void => {
    perform(view.opened({ connection: number, id: idOf(number), host: hostOf(number), isNamed }, now))
    hear(number, { kind: 'neighbour', port: 4_000, connections })
  }
  const hear = (number: number, frame: OutgoingPexFrame): void => perform(view.receive(number, frame, now))
  const close = (number: number, isGone = false): void => perform(view.closed(number, isGone, now))
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end; ) {
      now += SECOND
      const isDue = view.nextAt <= now
      const effects = view.tick(now)
      assert.ok(isDue || effects.length === 0, 'nothing happens before it is due')
      perform(effects)
    }
  }
  /** All dials fail at once. */
  let failed = 0
  const passWithoutSuccess = (ms: number): void => {
    for (let s = 0; s < ms / SECOND; s++) {
      pass(SECOND)
      for (const host of dials.slice(failed)) {
        failed++
        const [, , high = 0, low = 0] = host.split('.').map(Number)
        perform(view.dialFailed(idOf(high * 256 + low), now))
      }
    }
  }
  return { view, dials, dropped, sent, connect, hear, close, pass, passWithoutSuccess }
}

const CONTACTS: readonly [what: string, host: string | undefined, port: number, from: string, isDialled: boolean][] = [
  ['a peer on the same kind of network', '192.168.7.9', 4_000, '10.0.0.7', true],
  ['a peer on the internet, learned from the internet', '203.0.113.9', 4_000, '198.51.100.7', true],
  ['an IPv6 peer', 'fd00::9', 4_000, 'fd00::7', true],
  ['a peer on the sender’s machine', undefined, 4_000, '10.0.0.7', true],
  ['this machine, learned from this machine', '127.0.0.1', 4_000, '127.0.0.1', true],
  ['this machine, learned from elsewhere', '127.0.0.1', 4_000, '10.0.0.7', false],
  ['this machine by IPv6, learned from elsewhere', '::1', 4_000, 'fd00::7', false],
  ['a private network, learned from the internet', '192.168.0.1', 4_000, '203.0.113.9', false],
  ['the internet, learned from a private network', '203.0.113.9', 4_000, '10.0.0.7', false],
  ['a system service', '10.0.0.9', 443, '10.0.0.7', false],
  ['port 0', '10.0.0.9', 0, '10.0.0.7', false],
  ['broadcast', '255.255.255.255', 4_000, '10.0.0.7', false],
  ['a multicast group', '224.0.0.251', 4_000, '10.0.0.7', false],
  ['the unspecified address', '0.0.0.0', 4_000, '10.0.0.7', false],
  ['a link-local address, which needs a zone', 'fe80::9', 4_000, 'fd00::7', false],
  ['an IPv4-mapped address', '::ffff:10.0.0.9', 4_000, '10.0.0.7', false],
  ['a host name', 'bank.example', 4_000, '10.0.0.7', false],
]
for (const [what, host, port, from, isDialled] of CONTACTS) {
  test(`${isDialled ? 'dials' : 'does not dial'} a contact: ${what}`, () => {
    const place = dialableAddress({ id: idOf(1), host, port }, from)
    assert.deepEqual(place, isDialled ? { host: host ?? from, port } : undefined)
  })
}

test('sends contacts on this machine as such, and others only to peers that can dial them', () => {
  const one = { id: idOf(1), port: 4_000 }
  assert.deepEqual(contactFilterFor('10.0.0.7')({ ...one, host: '127.0.0.1' }), [{ ...one, host: undefined }])
  assert.deepEqual(contactFilterFor('10.0.0.7')({ ...one, host: '10.0.0.9' }), [{ ...one, host: '10.0.0.9' }])
  assert.deepEqual(contactFilterFor('203.0.113.9')({ ...one, host: '10.0.0.9' }), [])
  assert.deepEqual(contactFilterFor('10.0.0.7')({ ...one, host: '10.0.0.9', port: 0 }), [])
})

test('dials everyone in a small room, and some peers in a larger one', () => {
  const few = world()
  few.connect(1)
  few.hear(1, { kind: 'shuffle-reply', contacts: Array.from({ length: 15 }, (_, index) => contactOf(index + 2)) })
  few.passWithoutSuccess(20 * SECOND)
  assert.equal(new Set(few.dials).size, 15)
  const many = world()
  for (let i = 1; i <= ACTIVE_VIEW_TARGET; i++) many.connect(i)
  many.hear(1, { kind: 'shuffle-reply', contacts: Array.from({ length: 15 }, (_, index) => contactOf(index + 20)) })
  many.pass(20 * SECOND)
  assert.deepEqual(many.dials, [])
  many.close(2)
  assert.equal(many.dials.length, 1, 'a lost neighbour is replaced')
})

test('drops a seventeenth neighbour that has other connections, and sends it contacts', () => {
  const { connect, dropped, sent } = world()
  for (let i = 1; i <= ACTIVE_VIEW_MAX; i++) connect(i)
  assert.deepEqual(dropped, [])
  connect(17)
  assert.deepEqual(dropped, [17])
  const full = sent.find(({ frame }) => frame.kind === 'full')
  assert.equal(full?.connection, 17)
  assert.ok(full?.frame.kind === 'full' && full.frame.contacts.length === 16)
})

test('a peer without connections replaces a neighbour, but no named or badly connected one', () => {
  const { connect, dropped } = world()
  for (let i = 1; i <= 10; i++) connect(i, 5, true)
  for (let i = 11; i <= 15; i++) connect(i, 0)
  connect(16, 5)
  connect(17, 0)
  assert.deepEqual(dropped, [16])
})

test('keeps all named neighbours, and drops a new one', () => {
  const { connect, dropped, view } = world()
  for (let i = 1; i <= 20; i++) connect(i, 5, true)
  assert.deepEqual(dropped, [])
  connect(21, 0)
  assert.deepEqual(dropped, [21])
  assert.equal(view.size, 20)
})

test('neither drops nor shares peers that do not take part', () => {
  const { connect, view, dropped, sent } = world()
  for (let i = 100; i < 130; i++) view.opened({ connection: i, id: idOf(i), host: hostOf(i), isNamed: false }, START)
  for (let i = 1; i <= 16; i++) connect(i)
  assert.deepEqual(dropped, [])
  assert.equal(view.size, 16)
  for (const { frame } of sent)
    if (frame.kind === 'shuffle-reply') assert.ok(frame.contacts.every(({ id }) => Number.parseInt(id, 16) < 100))
})

test('sends a forward join to all neighbours, who forward it to one each while hops remain', () => {
  const { connect, sent, hear } = world()
  for (let i = 1; i <= 5; i++) connect(i)
  sent.length = 0
  connect(6, 0)
  const news = sent.filter(({ frame }) => frame.kind === 'forward-join')
  assert.deepEqual(
    news.map(({ connection }) => connection),
    [1, 2, 3, 4, 5],
  )
  assert.ok(news.every(({ frame }) => frame.kind === 'forward-join' && frame.hops === JOIN_HOPS_MAX))
  sent.length = 0
  connect(7, 5)
  assert.ok(
    sent.every(({ frame }) => frame.kind !== 'forward-join' || frame.hops === 1),
    'a peer with connections is announced one hop far',
  )
  sent.length = 0
  hear(1, { kind: 'forward-join', hops: 3, contact: contactOf(99) })
  const [forwarded, ...more] = sent
  assert.ok(
    forwarded?.frame.kind === 'forward-join' &&
      forwarded.frame.hops === 2 &&
      forwarded.connection !== 1 &&
      more.length === 0,
  )
  sent.length = 0
  hear(1, { kind: 'forward-join', hops: 1, contact: contactOf(98) })
  assert.deepEqual(sent, [])
})

test('redials lost peers even with enough connections, but none that sent goodbye', () => {
  const { connect, close, passWithoutSuccess, dials } = world()
  for (let i = 1; i <= 16; i++) connect(i)
  close(1)
  close(2, true)
  for (let i = 17; i <= 18; i++) connect(i)
  passWithoutSuccess(600 * SECOND)
  const times = dials.filter(host => host === hostOf(1)).length
  assert.ok(times >= 15 && times <= 41, `${times} times in ten minutes`)
  assert.equal(dials.includes(hostOf(2)), false)
})

test('does not redial a lost peer that others report as present', () => {
  const { connect, close, passWithoutSuccess, dials } = world(idOf(1))
  for (let i = 1; i <= 16; i++) connect(i)
  close(1)
  connect(17)
  passWithoutSuccess(600 * SECOND)
  assert.equal(dials.includes(hostOf(1)), false)
})

test('does not redial a peer with a full view for a minute', () => {
  const { connect, hear, close, pass, dials } = world()
  connect(1)
  hear(1, { kind: 'full', contacts: [] })
  close(1)
  pass(59 * SECOND)
  assert.deepEqual(dials, [])
  pass(3 * SECOND)
  assert.deepEqual(dials, [hostOf(1)])
})

test('dials a host rarely, however many contacts a stranger sends for it', () => {
  const { connect, hear, passWithoutSuccess, dials } = world()
  connect(1)
  for (let second = 0; second < 600; second++) {
    const contacts = Array.from({ length: 16 }, (_, index) => ({
      id: idOf(1_000 + second * 16 + index),
      host: '10.9.9.9',
      port: 1_024 + ((second * 16 + index) % 60_000),
    }))
    hear(1, { kind: 'shuffle-reply', contacts })
    passWithoutSuccess(SECOND)
  }
  assert.ok(dials.length > 0 && dials.length <= 8 * 11, `${dials.length} dials in ten minutes`)
})

test('control: dials contacts at many hosts, four a second', () => {
  const { connect, hear, passWithoutSuccess, dials } = world()
  connect(1)
  for (let second = 0; second < 60; second++) {
    hear(1, {
      kind: 'shuffle-reply',
      contacts: Array.from({ length: 16 }, (_, index) => contactOf(100 + second * 16 + index)),
    })
    passWithoutSuccess(SECOND)
  }
  assert.ok(dials.length > 60 && dials.length <= 4 * 61, `${dials.length} dials in a minute`)
  assert.ok(new Set(dials).size > dials.length / 3)
})

test('remembers sixteen contacts of one neighbour and sixty-four in all, former peers first', () => {
  const { view, connect, hear, close, sent } = world()
  for (let i = 1; i <= 12; i++) connect(i)
  for (let i = 1; i <= 12; i++)
    for (let more = 0; more < 4; more++)
      hear(i, {
        kind: 'shuffle-reply',
        contacts: Array.from({ length: 16 }, (_, index) => contactOf(i * 256 + more * 16 + index)),
      })
  assert.equal(view.passiveSize, PASSIVE_VIEW_MAX)
  close(1)
  sent.length = 0
  for (let round = 0; round < 20; round++) hear(2, { kind: 'shuffle-request', contacts: [contactOf(5_000 + round)] })
  const shared = sent.flatMap(({ frame }) => (frame.kind === 'shuffle-reply' ? frame.contacts.map(({ id }) => id) : []))
  assert.ok(shared.includes(idOf(1)), 'still shares a former peer')
  const alone = world()
  alone.connect(1)
  for (let more = 0; more < 8; more++)
    alone.hear(1, {
      kind: 'shuffle-reply',
      contacts: Array.from({ length: 16 }, (_, index) => contactOf(256 + more * 16 + index)),
    })
  assert.equal(alone.view.passiveSize, 16)
})

test('reads at most thirty-two frames a second of one connection', () => {
  const { connect, hear, sent } = world()
  connect(1)
  sent.length = 0
  for (let i = 0; i < 1_000; i++) hear(1, { kind: 'shuffle-request', contacts: [] })
  assert.equal(sent.length, 31)
})

test('peers that claim to have no connections displace neither the longest connected half nor known people', () => {
  const { view, dropped, connect } = world()
  for (let number = 1; number <= ACTIVE_VIEW_MAX; number++) connect(number)
  const isKnown = true
  view.opened({ connection: 99, id: idOf(99), host: hostOf(99), isNamed: false, isKnown }, START)
  view.receive(99, { kind: 'neighbour', port: 4_000, connections: 5 }, START)
  for (let claim = 100; claim < 200; claim++) connect(claim, 0)
  assert.ok(dropped.length >= 100 - ACTIVE_VIEW_MAX / 2, 'control: there was something to displace')
  assert.deepEqual(
    dropped.filter(connection => connection <= ACTIVE_VIEW_MAX / 2 || connection === 99),
    [],
  )
})
