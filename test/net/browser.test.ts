import assert from 'node:assert/strict'
import test from 'node:test'
import { roomId } from '../../src/log/format/room-id.js'
import { roomTag, SERVICE, serviceRecords, sightingsIn } from '../../src/net/lan/mdns/service-records.js'
import { interfaceOfHost, MdnsNetwork, ROOM, serviceOf } from '../helper/mdns-network.js'

const here = interfaceOfHost(1)
const responseOf = (...answers: readonly unknown[]) => ({ type: 'response', answers })
const bob = serviceOf('bob', 2)
const [pointer, location, description, address] = serviceRecords(bob, interfaceOfHost(2)) as unknown as Record<
  string,
  unknown
>[]

test('three peers discover each other within two seconds', () => {
  const link = new MdnsNetwork()
  const hosts = [link.join('alice', 1), link.join('bob', 2, 0.1), link.join('carol', 3, 0.9)]
  for (const { browser } of hosts) browser.browse()
  link.clock.advance(2_000)
  const known = hosts.map(({ browser }) => browser.all.map(({ instance }) => instance).sort())
  assert.deepEqual(known, [
    ['bob', 'carol'],
    ['alice', 'carol'],
    ['alice', 'bob'],
  ])
  assert.deepEqual(hosts[0]?.browser.addressesOf('bob'), [{ host: '10.0.0.2', port: 4_002 }])
})

test('decodes a response as it was encoded', () => {
  assert.deepEqual(sightingsIn(responseOf(...serviceRecords(bob, interfaceOfHost(2))), here), [
    { service: bob, addresses: ['10.0.0.2'], ttl: 120 },
  ])
})

test('queries at growing intervals, and every 3 s while a peer is missing', () => {
  const link = new MdnsNetwork()
  const { browser, responder } = link.join('alice', 1)
  responder.close()
  browser.browse()
  link.clock.advance(100_000)
  assert.deepEqual(
    link.sent.map(({ atMs }) => atMs / 1_000),
    [0, 1, 3, 7, 15, 31, 61, 91],
  )
  browser.setMissing(true)
  link.clock.advance(9_000)
  assert.deepEqual(
    link.sent.slice(8).map(({ atMs }) => atMs / 1_000),
    [100, 103, 106, 109],
  )
})

test('lists known services as known answers, unless a peer is missing', () => {
  const link = new MdnsNetwork()
  const { browser } = link.join('alice', 1)
  link.join('bob', 2)
  link.clock.advance(5_000)
  browser.browse()
  link.clock.advance(1_000)
  const questions = () =>
    link.sent.filter(({ packet }) => packet.questions?.[0]?.type === 'PTR').map(({ packet }) => packet)
  assert.deepEqual(
    questions().map(({ answers }) => answers?.length),
    [1, 1],
  )
  browser.setMissing(true)
  link.clock.advance(3_000)
  assert.equal(questions().at(-1)?.answers, undefined)
})

test('forgets a service after a goodbye at once, otherwise when it expires', () => {
  const link = new MdnsNetwork()
  const alice = link.join('alice', 1)
  link.join('bob', 2)
  const carol = link.join('carol', 3)
  alice.browser.browse()
  link.clock.advance(5_000)
  link.leave(2)
  assert.deepEqual(alice.lost, ['bob goodbye'])
  carol.isCut = true
  link.clock.advance(115_000)
  assert.deepEqual(alice.browser.all.length, 1, 'control: not before its time')
  link.clock.advance(35_000)
  assert.deepEqual(alice.lost, ['bob goodbye', 'carol silence'])
})

test('finds a missing peer within 5 s of its return after a minute', () => {
  const link = new MdnsNetwork()
  const alice = link.join('alice', 1)
  const carol = link.join('bob', 2)
  for (const { browser } of [alice, carol]) browser.browse()
  link.clock.advance(5_000)
  carol.isCut = true
  link.clock.advance(30_000)
  for (const { browser } of [alice, carol]) browser.setMissing(true)
  link.clock.advance(30_000)
  const before = alice.sighted.length
  carol.isCut = false
  link.clock.advance(3_200)
  assert.ok(alice.sighted.length > before)
})

test('ignores incomplete services, foreign addresses and unprintable names', () => {
  const control = [pointer, location, description, address]
  assert.equal(sightingsIn(responseOf(...control), here).length, 1)
  const bad: readonly (readonly unknown[])[] = [
    [location, address],
    [description, address],
    [{ ...location, data: { port: 0, target: bob.host } }, description, address],
    [{ ...location, data: { port: 65_536, target: bob.host } }, description, address],
    [{ ...location, data: { port: 4_002, target: 'printer.local' } }, description, address],
    [{ ...location, data: null }, description, address],
    [{ ...location, name: SERVICE }, description, address],
    [{ ...location, name: `a.b.${SERVICE}` }, { ...description, name: `a.b.${SERVICE}` }, address],
    [{ ...location, name: `\u001b[2J.${SERVICE}` }, { ...description, name: `\u001b[2J.${SERVICE}` }, address],
    [{ ...location, name: `\u202ebob.${SERVICE}` }, { ...description, name: `\u202ebob.${SERVICE}` }, address],
    [location, { ...description, data: ['v=1', `rooms=${ROOM}`] }, address],
    [location, { ...description, data: ['v=0', `rooms=${ROOM}`, `key=${bob.key}`] }, address],
    [location, { ...description, data: ['v=1', 'rooms=1', `key=${bob.key}`] }, address],
    [location, { ...description, data: 7 }, address],
  ]
  for (const records of bad) assert.deepEqual(sightingsIn(responseOf(...records), here), [], JSON.stringify(records))
  for (const data of ['10.0.1.2', '127.0.0.1', '8.8.8.8', '224.0.0.1', 'bob', 7]) {
    const [found] = sightingsIn(responseOf(location, description, { ...address, data }), here)
    assert.deepEqual(found?.addresses, [], String(data))
  }
})

test('accepts IPv6 addresses with a zone, or of a shared subnet', () => {
  const six = { ...here, family: 'IPv6' as const, address: 'fe80::1', ipv6: ['fd00::1'] }
  const aaaa = (data: string) => ({ type: 'AAAA', name: bob.host, ttl: 120, data })
  const addresses = (at: typeof here) =>
    sightingsIn(
      responseOf(location, description, aaaa('fe80::2'), aaaa('fd00::2'), aaaa('fd01::2'), aaaa('::1')),
      at,
    )[0]?.addresses
  assert.deepEqual(addresses(six), ['fe80::2%eth0', 'fd00::2'])
  assert.deepEqual(addresses({ ...here, ipv6: ['fd00::1'] }), ['fd00::2'])
})

test('remembers 64 services from one sender, and leaves space for others', () => {
  const link = new MdnsNetwork()
  const { browser } = link.join('alice', 1)
  const tell = (sender: number, count: number, from = 0) => {
    for (let i = from; i < from + count; i++) {
      const records = serviceRecords(serviceOf(`x${i}`, i), interfaceOfHost(sender))
      browser.receive(responseOf(...records), here, `10.0.0.${sender}`)
    }
  }
  tell(9, 1_000)
  assert.equal(browser.all.length, 64)
  tell(8, 10, 1_000)
  assert.equal(browser.all.length, 74)
})

test('collects addresses of several interfaces, IPv4 first, sixteen at most', () => {
  const link = new MdnsNetwork()
  const { browser } = link.join('alice', 1)
  for (let i = 2; i < 60; i++) browser.receive(responseOf(...serviceRecords(bob, interfaceOfHost(i))), here, '10.0.0.2')
  assert.equal(browser.addressesOf('bob').length, 16)
})

test('a room tag identifies the room without revealing its id', () => {
  const id = roomId('lobby')
  assert.equal(roomTag(id), '42a388ecf841aa99')
  assert.notEqual(roomTag(id), roomTag(roomId('ops')))
  assert.match(roomTag(id), /^[0-9a-f]{16}$/)
  assert.ok(!Buffer.from(id).toString('hex').includes(roomTag(id)))
})
