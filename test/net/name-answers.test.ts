import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import test from 'node:test'
import fc from 'fast-check'
import { ipv4Number, ipv6Groups } from '../../src/net/lan/ip-address.js'
import type { LocalInterface } from '../../src/net/lan/mdns/interfaces.js'
import { ADDRESSES_MAX, addressesIn, answerTo, goodbyeOf, hostOf } from '../../src/net/lan/mdns/name-answers.js'
import { labelPattern, passesPrefilter } from '../../src/net/lan/mdns/prefilter.js'

const eth0: LocalInterface = {
  name: 'eth0',
  family: 'IPv4',
  address: '10.0.0.7',
  netmask: '255.255.255.0',
  ipv6: ['fd00::7'],
}
const lo: LocalInterface = { name: 'lo', family: 'IPv4', address: '127.0.0.1', netmask: '255.0.0.0', ipv6: ['::1'] }
const a = (name: string, ttl = 120) => ({ type: 'A', name, ttl, data: '10.0.0.7' })
const aaaa = (name: string, ttl = 120) => ({ type: 'AAAA', name, ttl, data: 'fd00::7' })
const asks = (...questions: readonly (readonly [name: string, type: string])[]) => ({
  type: 'query',
  questions: questions.map(([name, type]) => ({ name, type, class: 'IN' })),
})
const gives = (...answers: readonly unknown[]) => ({ type: 'response', answers, additionals: [] })

test('answers with the address of the interface, under the spelling of the query', () => {
  assert.deepEqual(answerTo(asks(['ALICE.local', 'A']), 'alice.local', eth0), [a('ALICE.local')])
})

test('answers AAAA and ANY queries with A and AAAA records', () => {
  const both = [a('alice.local'), aaaa('alice.local')]
  assert.deepEqual(answerTo(asks(['alice.local', 'AAAA']), 'alice.local', eth0), both)
  assert.deepEqual(answerTo(asks(['alice.local', 'A'], ['alice.local', 'ANY']), 'alice.local', eth0), both)
  assert.deepEqual(answerTo(asks(['alice.local', 'ANY']), 'alice.local', { ...eth0, ipv6: [] }), [a('alice.local')])
})

test('does not answer for other names, other types, and names equal beyond ASCII case', () => {
  assert.equal(
    answerTo(asks(['bob.local', 'A'], ['alice', 'A'], ['alice.local.', 'A']), 'alice.local', eth0),
    undefined,
  )
  assert.equal(answerTo(asks(['alice.local', 'TXT'], ['alice.local', 'SRV']), 'alice.local', eth0), undefined)
  assert.equal(answerTo(asks(['É.local', 'A']), 'é.local', eth0), undefined)
  assert.deepEqual(answerTo(asks(['é.LOCAL', 'A']), 'é.local', eth0), [a('é.LOCAL')])
})

test('answers few spellings of one query', () => {
  const spellings = Array.from({ length: 128 }, (_, i) =>
    [...'abcdefg'].map((letter, bit) => (i & (1 << bit) ? letter.toUpperCase() : letter)).join(''),
  )
  const query = asks(...spellings.map(name => [`${name}.local`, 'A'] as const))
  assert.equal(answerTo(query, 'abcdefg.local', eth0)?.length, 4)
})

test('a goodbye withdraws every record', () => {
  assert.deepEqual(goodbyeOf('alice.local', eth0), [a('alice.local', 0), aaaa('alice.local', 0)])
})

test('returns all addresses of a response once, IPv4 first', () => {
  const response = {
    ...gives(
      { type: 'AAAA', name: 'bob.local', ttl: 120, data: 'fd00::2' },
      { type: 'A', name: 'BOB.local', ttl: 120, data: '10.0.0.1' },
      { type: 'A', name: 'bob.local', ttl: 120, data: '10.0.0.2' },
      { type: 'A', name: 'bob.local', data: '10.0.0.1' },
      { type: 'A', name: 'carol.local', ttl: 120, data: '10.0.0.3' },
    ),
    additionals: [{ type: 'AAAA', name: 'bob.local', ttl: 300, data: 'fd00::3' }],
  }
  assert.deepEqual(addressesIn(response, 'bob.local', eth0), ['10.0.0.1', '10.0.0.2', 'fd00::2', 'fd00::3'])
})

test('ignores goodbyes', () => {
  assert.deepEqual(addressesIn(gives(...goodbyeOf('alice.local', eth0)), 'alice.local', eth0), [])
  assert.deepEqual(addressesIn(gives(a('alice.local')), 'alice.local', eth0), ['10.0.0.7'], 'control')
})

test('ignores addresses that no peer can have, and this machine unless it is the sender', () => {
  const nowhere = [
    '0.0.0.0',
    '0.1.2.3',
    '224.0.0.251',
    '255.255.255.255',
    '10.0.0.256',
    '010.0.0.1',
    'bob',
    '',
    7,
    null,
  ]
  const nowhere6 = [
    '::',
    'fe80::1',
    'ff02::fb',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    '::2',
    'fd00::1%eth0',
    '1.2.3.4',
    [],
  ]
  const response = gives(
    ...nowhere.map(data => ({ type: 'A', name: 'bob.local', ttl: 120, data })),
    ...nowhere6.map(data => ({ type: 'AAAA', name: 'bob.local', ttl: 120, data })),
  )
  assert.deepEqual(addressesIn(response, 'bob.local', lo), [])
  const here = gives(
    { type: 'A', name: 'bob.local', ttl: 120, data: '127.0.0.1' },
    { type: 'AAAA', name: 'bob.local', ttl: 120, data: '::1' },
  )
  assert.deepEqual(addressesIn(here, 'bob.local', eth0), [])
  assert.deepEqual(addressesIn(here, 'bob.local', lo), ['127.0.0.1', '::1'], 'control: from this machine they count')
})

test('accepts sixteen addresses from one response', () => {
  const answers = Array.from({ length: 1000 }, (_, i) => ({
    type: 'A',
    name: 'bob.local',
    ttl: 1,
    data: `10.1.${i >> 8}.${i & 255}`,
  }))
  assert.equal(addressesIn(gives(...answers), 'bob.local', eth0).length, ADDRESSES_MAX)
})

/** Packets that are almost valid, and unrelated values. */
const odd = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('alice.local', 'A', 'AAAA', 'ANY', '10.0.0.1', 0) },
  fc.anything(),
)
const entry = fc.oneof(
  fc.anything(),
  fc.record({ name: odd, type: odd, ttl: odd, data: odd, class: odd }, { requiredKeys: [] }),
)
const section = fc.oneof(fc.anything(), fc.array(entry), fc.sparseArray(entry))
const packet = fc.oneof(
  fc.anything(),
  fc.record({ type: odd, questions: section, answers: section, additionals: section }, { requiredKeys: [] }),
)

test('never throws, and returns addresses only', () => {
  let answered = 0
  let read = 0
  fc.assert(
    fc.property(packet, fc.boolean(), (value, isFromLoopback) => {
      const answers = answerTo(value, 'alice.local', eth0)
      const addresses = addressesIn(value, 'alice.local', isFromLoopback ? lo : eth0)
      assert.ok(addresses.every(address => isIPv4(address) || isIPv6(address)))
      assert.ok((answers?.length ?? 1) > 0)
      answered += answers === undefined ? 0 : 1
      read += addresses.length
    }),
    { numRuns: 5_000, seed: 1 },
  )
  assert.ok(answered > 0 && read > 0, `control: some of them count (${answered} answered, ${read} addresses)`)
})

test('agrees with node:net about addresses', () => {
  const part = fc.oneof(
    fc.nat(300).map(String),
    fc.constantFrom('', '00', '1', 'ffff', 'g', ':', '::', '12345', '1.2.3.4', 'aB'),
  )
  const text = fc.oneof(
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc.array(part, { maxLength: 9 }).map(parts => parts.join('.')),
    fc.array(part, { maxLength: 9 }).map(parts => parts.join(':')),
  )
  fc.assert(
    fc.property(text, candidate => {
      assert.equal(ipv4Number(candidate) !== undefined, isIPv4(candidate))
      assert.equal(ipv6Groups(candidate) !== undefined, isIPv6(candidate) && !candidate.includes('%'))
    }),
    { numRuns: 5_000 },
  )
  assert.deepEqual(ipv6Groups('fd00::1:10.0.0.7'), [0xfd00, 0, 0, 0, 0, 1, 0x0a00, 7])
})

test('makes host names only of names that DNS can carry', () => {
  assert.equal(hostOf('alice'), 'alice.local')
  assert.equal(hostOf('alice.LOCAL'), 'alice.LOCAL')
  assert.equal(hostOf('x'.repeat(63)), `${'x'.repeat(63)}.local`)
  for (const bad of [
    '',
    '.local',
    'example.com',
    'a\nb',
    'a\u2028b',
    'a..local',
    'alice.local.',
    'x'.repeat(64),
    'é'.repeat(32),
    'a.'.repeat(130),
  ]) {
    assert.equal(hostOf(bad), undefined, bad)
  }
})

/** A query for a name as it goes over the wire. */
function queryBytes(name: string, counts: readonly number[] = [1, 0, 0, 0], tail = 0): Buffer {
  const labels = name.split('.').flatMap(label => [Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)])
  const header = Buffer.alloc(12)
  counts.forEach((count, i) => {
    header.writeUInt16BE(count, 4 + 2 * i)
  })
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1]), Buffer.alloc(tail)])
}

test('decodes only consistent datagrams that contain a mark', () => {
  const marks = [labelPattern('alice.local'), labelPattern('jürgen.local')]
  assert.equal(passesPrefilter(queryBytes('alice.local'), marks), true)
  assert.equal(passesPrefilter(queryBytes('ALICE.local'), marks), true)
  assert.equal(passesPrefilter(queryBytes('JürGEN.local'), marks), true)
  assert.equal(passesPrefilter(queryBytes('bob.local'), marks), false)
  assert.equal(passesPrefilter(queryBytes('alice.local'), []), false)
  assert.equal(passesPrefilter(Buffer.alloc(0), marks), false)
  assert.equal(passesPrefilter(Buffer.from('\x05alice'), marks), false)
  assert.equal(passesPrefilter(queryBytes('alice.local', [1, 0, 0, 65_535]), marks), false, 'claims too many records')
  assert.equal(passesPrefilter(queryBytes('alice.local', [3, 1, 0, 0]), marks), false, 'is too short for its records')
  assert.equal(passesPrefilter(queryBytes('alice.local', [30, 30, 0, 0], 1_000), marks), false, 'has too many records')
  assert.equal(passesPrefilter(queryBytes('alice.local', [1, 0, 0, 0], 60_000), marks), false, 'is too long')
})

test('never throws for any datagram', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), bytes => {
      assert.equal(typeof passesPrefilter(Buffer.from(bytes), [labelPattern('alice.local')]), 'boolean')
    }),
  )
})
