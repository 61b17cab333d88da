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

// PROTOCOL.md §5.7: with whom to link in a room, and what strangers can make of it.

const START = 1_800_000_000_000
const SECOND = 1_000

const idOf = (number: number): string => number.toString(16).padStart(16, '0')
const hostOf = (number: number): string => `10.0.${number >> 8}.${number & 0xff}`
const contactOf = (number: number): Contact => ({ id: idOf(number), host: hostOf(number), port: 4_000 })

/** A peer whose key is lower than all others, and what it does. */
function world(heardOf?: string) {
  let now = START
  let seed = 1
  const random = (): number => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const view = new HyParView({ id: idOf(0), port: 4_000, isPresent: id => id === heardOf, random })
  const dials: string[] = []
  const parted: number[] = []
  const said: { link: number; frame: OutgoingPexFrame }[] = []
  const perform = (effects: readonly HyParViewEffect[] | 'bad'): void => {
    assert.notEqual(effects, 'bad')
    for (const effect of effects as readonly HyParViewEffect[]) {
      if (effect.kind === 'dial') dials.push(effect.address.host)
      if (effect.kind === 'part') parted.push(effect.link)
      if (effect.kind === 'send') said.push(effect)
    }
  }
  /** Peer `number` is linked by the link of that number, meets others, and has so many links. */
  const link = (number: number, links = 5, isNamed = false): void => {
    perform(view.opened({ connection: number, id: idOf(number), host: hostOf(number), isNamed }, now))
    hear(number, { kind: 'neighbour', port: 4_000, links })
  }
  const hear = (number: number, frame: OutgoingPexFrame): void => perform(view.receive(number, frame, now))
  const close = (number: number, isGone = false): void => perform(view.closed(number, isGone, now))
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end; ) {
      now += SECOND
      perform(view.tick(now))
    }
  }
  /** Every dial comes to nothing at once. */
  let missed = 0
  const passInVain = (ms: number): void => {
    for (let s = 0; s < ms / SECOND; s++) {
      pass(SECOND)
      for (const host of dials.slice(missed)) {
        missed++
        const [, , high = 0, low = 0] = host.split('.').map(Number)
        perform(view.dialFailed(idOf(high * 256 + low), now))
      }
    }
  }
  return { view, dials, parted, said, link, hear, close, pass, passInVain }
}

const PLACES: readonly [what: string, host: string | undefined, port: number, from: string, isDialled: boolean][] = [
  ['a peer on the same kind of network', '192.168.7.9', 4_000, '10.0.0.7', true],
  ['one on the internet, told from there', '203.0.113.9', 4_000, '198.51.100.7', true],
  ['one of IPv6', 'fd00::9', 4_000, 'fd00::7', true],
  ['one on the machine of who tells', undefined, 4_000, '10.0.0.7', true],
  ['this machine, told from this machine', '127.0.0.1', 4_000, '127.0.0.1', true],
  ['this machine, told from elsewhere', '127.0.0.1', 4_000, '10.0.0.7', false],
  ['this machine in IPv6, told from elsewhere', '::1', 4_000, 'fd00::7', false],
  ['a private network, told from the internet', '192.168.0.1', 4_000, '203.0.113.9', false],
  ['the internet, told from a private network', '203.0.113.9', 4_000, '10.0.0.7', false],
  ['a service of the system', '10.0.0.9', 443, '10.0.0.7', false],
  ['port 0', '10.0.0.9', 0, '10.0.0.7', false],
  ['everybody', '255.255.255.255', 4_000, '10.0.0.7', false],
  ['a group', '224.0.0.251', 4_000, '10.0.0.7', false],
  ['nowhere', '0.0.0.0', 4_000, '10.0.0.7', false],
  ['a link-local address, which needs a zone', 'fe80::9', 4_000, 'fd00::7', false],
  ['IPv4 in the clothes of IPv6', '::ffff:10.0.0.9', 4_000, '10.0.0.7', false],
  ['a name', 'bank.example', 4_000, '10.0.0.7', false],
]
for (const [what, host, port, from, isDialled] of PLACES) {
  test(`${isDialled ? 'dialled' : 'not dialled'} because somebody says so: ${what}`, () => {
    const place = dialableAddress({ id: idOf(1), host, port }, from)
    assert.deepEqual(place, isDialled ? { host: host ?? from, port } : undefined)
  })
}

test('who is seen on the own machine is told of as being on it, and others only to whom they are of use', () => {
  const one = { id: idOf(1), port: 4_000 }
  assert.deepEqual(contactFilterFor('10.0.0.7')({ ...one, host: '127.0.0.1' }), [{ ...one, host: undefined }])
  assert.deepEqual(contactFilterFor('10.0.0.7')({ ...one, host: '10.0.0.9' }), [{ ...one, host: '10.0.0.9' }])
  assert.deepEqual(contactFilterFor('203.0.113.9')({ ...one, host: '10.0.0.9' }), [])
  assert.deepEqual(contactFilterFor('10.0.0.7')({ ...one, host: '10.0.0.9', port: 0 }), [])
})

test('where few are known all are dialled, where more are known only some', () => {
  const few = world()
  few.link(1)
  few.hear(1, { kind: 'answer', contacts: Array.from({ length: 15 }, (_, index) => contactOf(index + 2)) })
  few.passInVain(20 * SECOND)
  assert.equal(new Set(few.dials).size, 15)
  const many = world()
  for (let i = 1; i <= ACTIVE_VIEW_TARGET; i++) many.link(i)
  many.hear(1, { kind: 'answer', contacts: Array.from({ length: 15 }, (_, index) => contactOf(index + 20)) })
  many.pass(20 * SECOND)
  assert.deepEqual(many.dials, [])
  many.close(2)
  assert.equal(many.dials.length, 1, 'one is promoted where one is lost')
})

test('a seventeenth that has links enough is sent away, and told of others', () => {
  const { link, parted, said } = world()
  for (let i = 1; i <= ACTIVE_VIEW_MAX; i++) link(i)
  assert.deepEqual(parted, [])
  link(17)
  assert.deepEqual(parted, [17])
  const full = said.find(({ frame }) => frame.kind === 'full')
  assert.equal(full?.link, 17)
  assert.ok(full?.frame.kind === 'full' && full.frame.contacts.length === 16)
})

test('one that has nobody else takes the place of another, but of none that the user named, and of none that has no more', () => {
  const { link, parted } = world()
  for (let i = 1; i <= 10; i++) link(i, 5, true)
  for (let i = 11; i <= 15; i++) link(i, 0)
  link(16, 5)
  link(17, 0)
  assert.deepEqual(parted, [16])
})

test('those whom the user named are all kept, and who is new has to go', () => {
  const { link, parted, view } = world()
  for (let i = 1; i <= 20; i++) link(i, 5, true)
  assert.deepEqual(parted, [])
  link(21, 0)
  assert.deepEqual(parted, [21])
  assert.equal(view.size, 20)
})

test('who does not meet others is never sent away, nor told of', () => {
  const { link, view, parted, said } = world()
  for (let i = 100; i < 130; i++) view.opened({ connection: i, id: idOf(i), host: hostOf(i), isNamed: false }, START)
  for (let i = 1; i <= 16; i++) link(i)
  assert.deepEqual(parted, [])
  assert.equal(view.size, 16)
  for (const { frame } of said)
    if (frame.kind === 'answer') assert.ok(frame.contacts.every(({ id }) => Number.parseInt(id, 16) < 100))
})

test('the news of a newcomer goes to all who are linked, and from them to one each, as far as it may', () => {
  const { link, said, hear } = world()
  for (let i = 1; i <= 5; i++) link(i)
  said.length = 0
  link(6, 0)
  const news = said.filter(({ frame }) => frame.kind === 'newcomer')
  assert.deepEqual(
    news.map(({ link }) => link),
    [1, 2, 3, 4, 5],
  )
  assert.ok(news.every(({ frame }) => frame.kind === 'newcomer' && frame.hops === JOIN_HOPS_MAX))
  said.length = 0
  link(7, 5)
  assert.ok(
    said.every(({ frame }) => frame.kind !== 'newcomer' || frame.hops === 1),
    'one that has links is told of',
  )
  said.length = 0
  hear(1, { kind: 'newcomer', hops: 3, contact: contactOf(99) })
  const [onward, ...more] = said
  assert.ok(onward?.frame.kind === 'newcomer' && onward.frame.hops === 2 && onward.link !== 1 && more.length === 0)
  said.length = 0
  hear(1, { kind: 'newcomer', hops: 1, contact: contactOf(98) })
  assert.deepEqual(said, [])
})

test('who was lost is tried again, also where there are enough connections; who said goodbye is not', () => {
  const { link, close, passInVain, dials } = world()
  for (let i = 1; i <= 16; i++) link(i)
  close(1)
  close(2, true)
  for (let i = 17; i <= 18; i++) link(i)
  passInVain(600 * SECOND)
  const times = dials.filter(host => host === hostOf(1)).length
  assert.ok(times >= 15 && times <= 41, `${times} times in ten minutes`)
  assert.equal(dials.includes(hostOf(2)), false)
})

test('who was lost, and is heard of by way of others, is not tried where there are enough connections', () => {
  const { link, close, passInVain, dials } = world(idOf(1))
  for (let i = 1; i <= 16; i++) link(i)
  close(1)
  link(17)
  passInVain(600 * SECOND)
  assert.equal(dials.includes(hostOf(1)), false)
})

test('whoever had no room is left in peace for a minute', () => {
  const { link, hear, close, pass, dials } = world()
  link(1)
  hear(1, { kind: 'full', contacts: [] })
  close(1)
  pass(59 * SECOND)
  assert.deepEqual(dials, [])
  pass(3 * SECOND)
  assert.deepEqual(dials, [hostOf(1)])
})

test('a victim is dialled a few times, however many names a stranger gives it', () => {
  const { link, hear, passInVain, dials } = world()
  link(1)
  for (let second = 0; second < 600; second++) {
    const contacts = Array.from({ length: 16 }, (_, index) => ({
      id: idOf(1_000 + second * 16 + index),
      host: '10.9.9.9',
      port: 1_024 + ((second * 16 + index) % 60_000),
    }))
    hear(1, { kind: 'answer', contacts })
    passInVain(SECOND)
  }
  assert.ok(dials.length > 0 && dials.length <= 8 * 11, `${dials.length} dials in ten minutes`)
})

test('control: contacts at many hosts are dialled, four a second', () => {
  const { link, hear, passInVain, dials } = world()
  link(1)
  for (let second = 0; second < 60; second++) {
    hear(1, {
      kind: 'answer',
      contacts: Array.from({ length: 16 }, (_, index) => contactOf(100 + second * 16 + index)),
    })
    passInVain(SECOND)
  }
  assert.ok(dials.length > 60 && dials.length <= 4 * 61, `${dials.length} dials in a minute`)
  assert.ok(new Set(dials).size > dials.length / 3)
})

test('of one link sixteen contacts are remembered, of all sixty-four; those who were linked before those who were not', () => {
  const { view, link, hear, close, said } = world()
  for (let i = 1; i <= 12; i++) link(i)
  for (let i = 1; i <= 12; i++)
    for (let more = 0; more < 4; more++)
      hear(i, {
        kind: 'answer',
        contacts: Array.from({ length: 16 }, (_, index) => contactOf(i * 256 + more * 16 + index)),
      })
  assert.equal(view.passiveSize, PASSIVE_VIEW_MAX)
  close(1)
  said.length = 0
  for (let round = 0; round < 20; round++) hear(2, { kind: 'question', contacts: [contactOf(5_000 + round)] })
  const told = said.flatMap(({ frame }) => (frame.kind === 'answer' ? frame.contacts.map(({ id }) => id) : []))
  assert.ok(told.includes(idOf(1)), 'who was linked is still told of')
  const alone = world()
  alone.link(1)
  for (let more = 0; more < 8; more++)
    alone.hear(1, {
      kind: 'answer',
      contacts: Array.from({ length: 16 }, (_, index) => contactOf(256 + more * 16 + index)),
    })
  assert.equal(alone.view.passiveSize, 16)
})

test('a link brings no more than thirty-two frames a second', () => {
  const { link, hear, said } = world()
  link(1)
  said.length = 0
  for (let i = 0; i < 1_000; i++) hear(1, { kind: 'question', contacts: [] })
  assert.equal(said.length, 31)
})
