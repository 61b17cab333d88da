import assert from 'node:assert/strict'
import test from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { type Effect, GossipNode, type GossipSettings } from '../../src/labs/gossip/gossip-node.js'
import { GOSSIP_STRANGERS_PER_SECOND_MAX } from '../../src/labs/gossip/limits.js'
import type { Rumour } from '../../src/labs/gossip/rumour.js'

const FLOOD: GossipSettings = {
  port: 7001,
  fanout: Number.POSITIVE_INFINITY,
  ttl: 8,
  repeat: 1,
  pullMs: 0,
  peersMax: 16,
}

function nodeWith(peers: readonly number[], settings: Partial<GossipSettings> = {}): GossipNode {
  const node = new GossipNode({ ...FLOOD, ...settings }, new SeededRandom(1))
  for (const peer of peers) node.answered(peer, [], 0)
  return node
}

const uuid = (digit: number): string => `00000000-0000-4000-8000-${String(digit).padStart(12, '0')}`

const rumour = (members: Partial<Rumour> = {}): Rumour => ({
  uuid: uuid(members.version ?? 1),
  origin: 7009,
  version: 1,
  ttl: 4,
  hops: 1,
  payload: { book: 'Emma, by Jane Austen' },
  ...members,
})

const sendsIn = (effects: readonly Effect[]) => effects.filter(effect => effect.kind === 'send')

test('sends a new book to all peers with the full TTL', () => {
  const node = nodeWith([7002, 7003])
  const [send, ...rest] = sendsIn(node.choose('Emma, by Jane Austen', uuid(1), 0))
  assert.deepEqual(rest, [])
  assert.deepEqual(send?.to.toSorted(), [7002, 7003])
  assert.deepEqual(send?.rumour, { ...rumour({ origin: 7001 }), ttl: 8, hops: 1 })
})

test('forwards rumours with a decremented TTL, but not to their origin or sender', () => {
  const node = nodeWith([7002, 7003, 7009])
  const { fresh, effects } = node.receive(7002, [rumour()], 0)
  assert.equal(fresh.length, 1)
  assert.deepEqual(sendsIn(effects), [{ kind: 'send', to: [7003], rumour: rumour({ ttl: 3, hops: 2 }) }])
})

test('keeps a rumour whose TTL is used up and does not forward it', () => {
  for (const ttl of [0, 1]) {
    const node = nodeWith([7002, 7003])
    const { fresh, effects } = node.receive(7002, [rumour({ ttl })], 0)
    assert.deepEqual([fresh.length, sendsIn(effects).length], [1, 0])
  }
})

test('does not forward duplicates and outdated rumours', () => {
  const node = nodeWith([7002, 7003])
  node.receive(7002, [rumour({ version: 2 })], 0)
  for (const late of [rumour({ version: 2 }), rumour({ version: 1 })]) {
    const { fresh, effects } = node.receive(7003, [late], 1)
    assert.deepEqual([fresh, effects], [[], []])
  }
  assert.equal(node.rumours.newest(7009)?.rumour.version, 2)
})

test('answers an outdated rumour with the newer one', () => {
  const node = nodeWith([7002])
  node.receive(7002, [rumour({ version: 2 })], 0)
  assert.deepEqual(node.receive(7002, [rumour({ version: 1 })], 1).newer, [rumour({ version: 2 })])
})

test('a restarted node continues above the version of its earlier run', () => {
  const node = nodeWith([7002])
  node.choose('Emma, by Jane Austen', uuid(1), 0)
  node.receive(7002, [rumour({ origin: 7001, version: 41 })], 10)
  assert.deepEqual(
    node.tick(1_000).filter(({ kind }) => kind === 'choose'),
    [{ kind: 'choose' }],
  )
  const [send] = sendsIn(node.choose('Kim, by Rudyard Kipling', uuid(2), 1_000))
  assert.equal(send?.rumour.version, 42)
})

test('sends nothing to a reported port before it has answered', () => {
  const node = nodeWith([7002])
  node.receive(undefined, [rumour({ origin: 6379 })], 0)
  assert.deepEqual(
    node.tick(1_000).filter(({ kind }) => kind === 'ask'),
    [{ kind: 'ask', peer: 6379 }],
  )
  node.failed(6379, 1_100)
  const sends = sendsIn(node.choose('Emma, by Jane Austen', uuid(1), 2_000))
  assert.deepEqual(
    sends.flatMap(({ to }) => to),
    [7002],
  )
})

test('sends its book to a new peer at once', () => {
  const node = nodeWith([])
  node.choose('Emma, by Jane Austen', uuid(1), 0)
  const [send] = sendsIn(node.answered(7002, [7003], 10))
  assert.deepEqual([send?.to, send?.rumour.version], [[7002], 1])
  assert.deepEqual(sendsIn(node.answered(7002, [], 20)), [])
})

test('drops a peer after two failures, probes it with backoff, and accepts it again', () => {
  const node = nodeWith([7002, 7003])
  assert.deepEqual(node.failed(7002, 0), [])
  assert.deepEqual(node.failed(7002, 100), [{ kind: 'forget', peer: 7002 }])
  assert.deepEqual(node.peers.live, [7003])
  const asked: number[] = []
  for (let second = 1; second <= 20; second++) {
    for (const effect of node.tick(second * 1_000)) {
      if (effect.kind !== 'ask' || effect.peer !== 7002) continue
      asked.push(second)
      node.failed(7002, second * 1_000)
    }
  }
  assert.deepEqual(asked, [2, 4, 8, 16])
  node.answered(7002, [], 21_000)
  assert.deepEqual(node.peers.live.toSorted(), [7002, 7003])
})

test('draws as many distinct peers as the fan-out', () => {
  const peers = Array.from({ length: 10 }, (_, index) => 7_010 + index)
  const node = nodeWith(peers, { fanout: 3 })
  const drawn = new Set<number>()
  for (let version = 1; version <= 40; version++) {
    const [send] = sendsIn(node.choose('Emma, by Jane Austen', uuid(version), version))
    assert.equal(new Set(send?.to).size, 3)
    for (const peer of send?.to ?? []) drawn.add(peer)
  }
  assert.equal(drawn.size, 10)
})

test('repeats rumours each second with a smaller TTL, until it is used up or they are outdated', () => {
  const node = nodeWith([7002, 7003], { fanout: 1, repeat: 10, ttl: 4 })
  node.choose('Emma, by Jane Austen', uuid(1), 0)
  const ttls = [1, 2, 3, 4, 5].map(second => sendsIn(node.tick(second * 1_000)).map(({ rumour }) => rumour.ttl))
  assert.deepEqual(ttls, [[3], [2], [1], [], []])
  node.choose('Kim, by Rudyard Kipling', uuid(2), 10_000)
  node.choose('Emma, by Jane Austen', uuid(3), 10_500)
  assert.deepEqual(
    sendsIn(node.tick(11_600)).map(({ rumour }) => rumour.version),
    [3],
  )
})

test('pulls missed rumours as soon as it has a peer', () => {
  const late = nodeWith([], { pullMs: 5_000 })
  assert.deepEqual(late.tick(0), [])
  late.answered(7002, [], 10)
  const [pull] = late.tick(1_000).filter(effect => effect.kind === 'pull')
  assert.deepEqual(pull, { kind: 'pull', from: 7002, known: [] })
  const other = nodeWith([7001], { port: 7002 })
  other.receive(undefined, [rumour({ version: 7 })], 0)
  const lacked = other.lackedBy(pull?.known ?? [])
  assert.equal(late.receive(undefined, lacked, 1_010).fresh.length, 1)
  assert.deepEqual(other.lackedBy(late.rumours.known), [])
})

test('limits the rate of rumours from forged origins, but not of peers', () => {
  const node = nodeWith([7002, 7009])
  let taken = 0
  for (let n = 0; n < 10_000; n++)
    taken += node.receive(undefined, [rumour({ uuid: uuid(n), origin: 10_000 + n })], n / 10).fresh.length
  assert.ok(taken <= 2 * GOSSIP_STRANGERS_PER_SECOND_MAX, String(taken))
  assert.equal(node.counts.refused, 10_000 - taken)
  assert.equal(node.receive(7002, [rumour()], 1_000).fresh.length, 1)
  assert.ok([...node.peers.states()].length <= 2 + 256)
})
