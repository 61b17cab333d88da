import assert from 'node:assert/strict'
import { type Duplex, pipeline } from 'node:stream'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { type KeyPair, keyPairOf } from '../../src/base/crypto/signing.js'
import type { AuthorId, LogId } from '../../src/log/format/author.js'
import { authorOfKey } from '../../src/log/format/author.js'
import { decodeEntry } from '../../src/log/format/entry.js'
import type { Hlc } from '../../src/log/format/hybrid-clock.js'
import type { Log } from '../../src/log/log.js'
import { encodeContentRequest, encodeHeads, encodeNotes, encodeSegmentRequest } from '../../src/sync/codec.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// Content that members do not give to newcomers.

const BOUND = { timeout: 120_000 }

/** Peers of one room. Each peer is given content from a date on. */
class GivenWorld {
  readonly clock = new VirtualClock(1_763_670_000_000)
  readonly dates = new Map<AuthorId, Hlc>()
  readonly #logs: Log[] = []
  readonly #streams: Duplex[] = []

  /** `isHonest`: whether the peer requests only content that it is given. */
  async open(keys: KeyPair, isHonest = true, disk = new MemoryDisk()): Promise<Log> {
    const me = authorOfKey(keys.publicKey)
    const givenFrom = (): Hlc | undefined => (isHonest ? this.dates.get(me) : undefined)
    const log = await logOver(new MemoryStore(disk), keys, { clock: this.clock, givenFrom })
    await log.contents.givenChanged()
    this.#logs.push(log)
    return log
  }

  connect(a: Log, b: Log): () => void {
    const side = (log: Log, peer: AuthorId): Duplex =>
      replicate(log, {
        dialect: 'native',
        live: true,
        replica: peer,
        peer,
        isKnown: () => true,
        givenFrom: () => this.dates.get(peer),
      })
    const [one, two] = [side(a, keyOf(b)), side(b, keyOf(a))]
    pipeline(one, two, one, () => {})
    this.#streams.push(one, two)
    return () => {
      one.destroy()
      two.destroy()
    }
  }

  async pass(ms: number, steps = 4): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.clock.advance(ms / steps)
      await settle()
    }
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.destroy()
    await settle()
    for (const log of this.#logs) await log.close()
  }
}

const keyOf = (log: Log): AuthorId => log.author as AuthorId

async function settle(turns = 60): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
}

const keysOf = (byte: number): KeyPair => keyPairOf(new Uint8Array(32).fill(byte))

/** The lines whose content a peer has. */
async function linesOf(log: Log): Promise<string[]> {
  const lines: string[] = []
  for await (const entries of log.read())
    for (const { entry } of entries) lines.push(String(decodeEntry(entry)?.['message']))
  return lines.filter(line => line !== '').sort()
}

async function worldIn(t: TestContext): Promise<GivenWorld> {
  const world = new GivenWorld()
  t.after(() => world.close())
  return world
}

async function say(log: Log, ...lines: readonly string[]): Promise<void> {
  for (const message of lines) await log.append({ username: 'x', message })
}

test('sends a newcomer stubs in place of earlier content, and all later content', BOUND, async t => {
  const world = await worldIn(t)
  const alice = await world.open(keysOf(1))
  await say(alice, 'a', 'b', 'c')
  world.clock.advance(1)
  world.dates.set(authorOfKey(keysOf(2).publicKey), alice.dateOfNext())
  const disk = new MemoryDisk()
  const bob = await world.open(keysOf(2), true, disk)
  const disconnect = world.connect(alice, bob)
  await settle()
  await say(alice, 'd')
  await say(bob, 'e')
  await world.pass(1_000)
  assert.deepEqual(await linesOf(bob), ['d', 'e'])
  assert.deepEqual(await linesOf(alice), ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(bob.contents.missing(alice.id), [], 'asks for what is not given')
  assert.deepEqual(bob.contents.dropped(alice.id, 'not-given'), [{ from: 1, to: 4 }])

  // A later admission gives more: the content is fetched.
  disconnect()
  world.dates.delete(keyOf(bob))
  await bob.contents.givenChanged()
  world.connect(alice, bob)
  await world.pass(5_000)
  assert.deepEqual(await linesOf(bob), ['a', 'b', 'c', 'd', 'e'])
})

for (const isBound of [true, false])
  test(
    `a hostile newcomer gets ${isBound ? 'no' : 'all'} earlier content that they ask for${isBound ? '' : ' without the bound'}`,
    BOUND,
    async t => {
      const world = await worldIn(t)
      const alice = await world.open(keysOf(1))
      const carol = await world.open(keysOf(3))
      await say(alice, 'a', 'b', 'c')
      world.connect(alice, carol)
      await world.pass(1_000)
      world.clock.advance(1)
      if (isBound) world.dates.set(authorOfKey(keysOf(2).publicKey), carol.dateOfNext())
      const hostile = await world.open(keysOf(2), false)
      world.connect(alice, hostile)
      world.connect(carol, hostile)
      // Peers keep requesting missing content from every peer that they are connected to.
      await world.pass(60_000, 60)
      await say(alice, 'd')
      await world.pass(1_000)
      assert.deepEqual(await linesOf(hostile), isBound ? ['d'] : ['a', 'b', 'c', 'd'])
      assert.deepEqual(hostile.contents.missing(alice.id), isBound ? [{ from: 1, to: 4 }] : [])
    },
  )

for (const isBound of [true, false])
  test(
    `answers requests for segments and contents with ${isBound ? 'stubs for earlier content' : 'content without a bound'}`,
    BOUND,
    async t => {
      const world = await worldIn(t)
      const alice = await world.open(keysOf(1))
      await say(alice, 'a secret', 'another secret')
      world.clock.advance(1)
      const from = alice.dateOfNext()
      await say(alice, 'a later line')
      let later = false
      for (const request of [
        encodeSegmentRequest({ author: alice.id, seq: 1 }),
        encodeContentRequest({ author: alice.id, from: 1, to: 4 }),
        encodeNotes([{ kind: 'subscribe', author: alice.id, seq: 0 }]),
      ]) {
        const stream = replicate(alice, {
          dialect: 'native',
          live: true,
          peer: authorOfKey(keysOf(2).publicKey),
          ...(isBound && { givenFrom: () => from }),
        })
        const received: Buffer[] = []
        stream.on('data', (bytes: Buffer) => received.push(bytes))
        // The head claims that this side has everything, so that only requested content is sent.
        stream.write(encodeHeads([{ author: alice.id, seq: 3 }]))
        stream.write(request)
        await settle()
        stream.destroy()
        const text = Buffer.concat(received).toString('latin1')
        assert.equal(text.includes('secret'), !isBound)
        later ||= text.includes('a later line')
      }
      assert.ok(later)
    },
  )

test('a peer has exactly what it is given, in whatever order peers meet and newcomers come', BOUND, async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('say' as const), who: fc.nat(4) }),
    fc.record({ do: fc.constant('meet' as const), who: fc.nat(4), other: fc.nat(4) }),
    fc.record({ do: fc.constant('part' as const), which: fc.nat(9) }),
    fc.record({ do: fc.constant('admit' as const), by: fc.nat(1) }),
    fc.record({ do: fc.constant('restart' as const), who: fc.nat(4) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async steps => {
      const world = new GivenWorld()
      const disks = [1, 2, 3, 4, 5].map(() => new MemoryDisk())
      const peers: (Log | undefined)[] = [
        await world.open(keysOf(1), true, disks[0]),
        await world.open(keysOf(2), true, disks[1]),
      ]
      const said: { readonly line: string; readonly by: AuthorId; readonly log: LogId; readonly at: Hlc }[] = []
      let open: (() => void)[] = []
      for (const each of steps) {
        const [one, two] = [
          'who' in each ? peers[each.who] : undefined,
          'other' in each ? peers[each.other] : undefined,
        ]
        if (each.do === 'say' && one !== undefined) {
          const line = `line ${said.length}`
          const { at, author: log } = await one.append({ username: 'x', message: line })
          said.push({ line, by: keyOf(one), log, at })
        } else if (each.do === 'meet' && one !== undefined && two !== undefined && one !== two)
          open.push(world.connect(one, two))
        else if (each.do === 'part') open.splice(each.which % Math.max(1, open.length), 1)[0]?.()
        else if (each.do === 'admit' && peers.length < 5) {
          const keys = keysOf(peers.length + 1)
          world.dates.set(authorOfKey(keys.publicKey), peers[each.by]?.dateOfNext() ?? assert.fail())
          peers.push(await world.open(keys, true, disks[peers.length]))
        } else if (each.do === 'restart' && one !== undefined && one.author !== undefined) {
          for (const end of open) end()
          open = []
          await settle()
          await one.close()
          peers[each.who] = await world.open(keysOf(each.who + 1), true, disks[each.who])
        }
        await world.pass(20, 1)
      }
      for (const one of peers)
        for (const two of peers) if (one && two && keyOf(one) < keyOf(two)) world.connect(one, two)
      await world.pass(60_000, 30)
      for (const peer of peers) {
        if (peer === undefined) continue
        const from = world.dates.get(keyOf(peer))
        const given = said.filter(({ by, at }) => from === undefined || at >= from || by === keyOf(peer))
        assert.deepEqual(await linesOf(peer), given.map(({ line }) => line).sort())
        for (const { log } of said) assert.deepEqual(peer.contents.missing(log), [])
        for await (const { author, fault } of peer.verifyAll(undefined)) assert.equal(fault, undefined, author)
      }
      await world.close()
    }),
    { numRuns: 25 },
  )
})
