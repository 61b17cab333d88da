import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type DnsRecord, fieldsOf } from '../../src/net/lan/mdns/packets.js'
import {
  ALL_SERVICES,
  addressRecords,
  fullNameOf,
  locationOf,
  SERVICE,
  serviceRecords,
} from '../../src/net/lan/mdns/service-records.js'
import { interfaceOfHost, MdnsNetwork, serviceOf } from '../helper/mdns-network.js'

const typesOf = (answers: readonly DnsRecord[] = []): string => answers.map(({ type }) => type).join(' ')

test('probes three times, 250 ms apart, then announces twice', () => {
  const link = new MdnsNetwork()
  const alice = link.join('alice', 1)
  link.clock.advance(10_000)
  const said = link.sent.map(
    ({ atMs, packet }) => `${atMs} ${packet.type} ${typesOf(packet.authorities)}${typesOf(packet.answers)}`,
  )
  assert.deepEqual(said, [
    '125 query SRV',
    '375 query SRV',
    '625 query SRV',
    '875 response PTR SRV TXT A',
    '1875 response PTR SRV TXT A',
  ])
  assert.deepEqual(alice.named, ['alice'])
})

test('picks another name if the requested one is taken', () => {
  const link = new MdnsNetwork()
  const first = link.join('alice', 1)
  link.clock.advance(5_000)
  const second = link.join('alice', 2)
  const third = link.join('alice', 3, 0.9)
  link.clock.advance(20_000)
  assert.deepEqual(first.named, ['alice'])
  assert.deepEqual([...second.named, ...third.named].sort(), ['alice (2)', 'alice (3)'])
})

test('resolves a simultaneous probe for one name', () => {
  const link = new MdnsNetwork()
  const [lower, higher] = [link.join('alice', 1), link.join('alice', 2)]
  link.clock.advance(20_000)
  assert.deepEqual([lower.named, higher.named], [['alice (2)'], ['alice']])
})

test('resolves a conflict after a partition', () => {
  const link = new MdnsNetwork()
  const [first, second] = [link.join('alice', 1), link.join('alice', 2)]
  second.isCut = true
  link.clock.advance(5_000)
  assert.deepEqual([first.named, second.named], [['alice'], ['alice']])
  second.isCut = false
  second.responder.interfacesChanged()
  link.clock.advance(20_000)
  const names = [first.responder.service.instance, second.responder.service.instance].sort()
  assert.deepEqual(names, ['alice', 'alice (2)'])
})

test('is announced even if somebody claims every name', () => {
  const link = new MdnsNetwork()
  const alice = link.join('alice', 1)
  for (let i = 0; i < 200; i++) {
    const liar = { ...serviceOf(alice.responder.service.instance, 9), port: 1 + i }
    link.send(9, { type: 'response', answers: serviceRecords(liar, interfaceOfHost(9)) })
    link.clock.advance(100)
  }
  assert.equal(alice.responder.isAnnounced, true)
  assert.match(alice.named.at(-1) ?? '', /^alice/)
})

test('keeps the name a label after a conflict with 63 bytes', () => {
  const name = 'ü'.repeat(31)
  const link = new MdnsNetwork()
  link.join(name, 1)
  link.clock.advance(5_000)
  const second = link.join(name, 2)
  link.clock.advance(20_000)
  assert.equal(second.named[0], `${'ü'.repeat(29)} (2)`)
})

test('answers browsing queries once, after a delay, unless the answer is known', () => {
  const link = new MdnsNetwork()
  const { responder } = link.join('alice', 1)
  link.clock.advance(5_000)
  const before = link.sent.length
  const asked = { type: 'query', questions: [{ name: SERVICE.toUpperCase(), type: 'PTR' }] }
  const at = interfaceOfHost(1)
  for (let i = 0; i < 50; i++) assert.deepEqual(responder.answerTo(asked, at), [])
  link.clock.advance(200)
  assert.deepEqual(
    link.sent.slice(before).map(({ packet }) => typesOf(packet.answers)),
    ['PTR SRV TXT A'],
  )
  const known = (ttl: number) => ({
    ...asked,
    answers: [{ type: 'PTR', name: SERVICE, ttl, data: fullNameOf('Alice') }],
  })
  responder.answerTo(known(60), at)
  link.clock.advance(200)
  assert.equal(link.sent.length, before + 1, 'no answer: the querier knows it')
  responder.answerTo(known(59), at)
  link.clock.advance(200)
  assert.equal(link.sent.length, before + 2, 'control: an answer, because the known one is about to expire')
})

test('answers for the instance, its host and service types, and defends its name against a probe', () => {
  const link = new MdnsNetwork()
  const { responder } = link.join('alice', 1)
  const at = interfaceOfHost(1)
  const asks = (name: string, type: string) => responder.answerTo({ type: 'query', questions: [{ name, type }] }, at)
  assert.deepEqual(asks(fullNameOf('alice'), 'SRV'), [], 'not while it is probed for')
  link.clock.advance(5_000)
  for (const type of ['SRV', 'TXT', 'ANY']) assert.equal(typesOf(asks(fullNameOf('ALICE'), type)), 'PTR SRV TXT A')
  assert.deepEqual(asks(responder.service.host, 'A'), addressRecords(responder.service.host, at))
  for (const name of [fullNameOf('bob'), 'alice.local', 'persisted-chat.local']) assert.deepEqual(asks(name, 'ANY'), [])
  asks(ALL_SERVICES, 'PTR')
  link.clock.advance(200)
  assert.equal(fieldsOf(link.sent.at(-1)?.packet.answers?.[0]).data, SERVICE)
})

test('a goodbye withdraws exactly what was announced', () => {
  const link = new MdnsNetwork()
  const { responder } = link.join('alice', 1)
  assert.deepEqual(responder.goodbye(interfaceOfHost(1)), [])
  link.clock.advance(5_000)
  const goodbye = responder.goodbye(interfaceOfHost(1))
  assert.equal(typesOf(goodbye), 'PTR SRV TXT A')
  assert.ok(goodbye.every(({ ttl }) => ttl === 0))
})

const odd = fc.oneof(
  fc.constantFrom('SRV', 'PTR', 'TXT', 'ANY', 'A', SERVICE, fullNameOf('alice'), serviceOf('x', 9).host, 0, 120, 4_001),
  fc.anything(),
)
const data = fc.oneof(odd, fc.record({ port: odd, target: odd }, { requiredKeys: [] }), fc.array(odd))
const record = fc.oneof(fc.anything(), fc.record({ name: odd, type: odd, ttl: odd, data }, { requiredKeys: [] }))
const section = fc.oneof(fc.anything(), fc.array(record))
const packet = fc.oneof(
  fc.anything(),
  fc.record({ questions: section, answers: section, authorities: section, additionals: section }, { requiredKeys: [] }),
)

test('no packet makes it throw or prevents the announcement', () => {
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 10 }), packets => {
      const link = new MdnsNetwork()
      const alice = link.join('alice', 1)
      alice.browser.browse()
      for (const each of packets) {
        link.clock.advance(200)
        alice.responder.answerTo(each, interfaceOfHost(1))
        alice.responder.receive(each)
        alice.browser.receive(each, interfaceOfHost(1), '10.0.0.9')
      }
      link.clock.advance(60_000)
      assert.equal(alice.responder.isAnnounced, true)
    }),
    { numRuns: 1_000, seed: 1 },
  )
  const link = new MdnsNetwork()
  const alice = link.join('alice', 1)
  alice.responder.receive({ answers: [locationOf(serviceOf('alice', 9))] })
  assert.equal(alice.responder.service.instance, 'alice (2)', 'control: a valid packet has an effect')
})
