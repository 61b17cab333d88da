import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import fc from 'fast-check'
import { systemRandom } from '../../../src/base/random.js'
import { FrameReader, frame } from '../../../src/base/wire/frames.js'
import { bytesBody, CODEC_VERSION, entriesBodies, jsonBody, readHostFrame } from '../../../src/host/protocol/codec.js'
import { challengeOf, helloFields, helloOf, nonceOf } from '../../../src/host/protocol/handshake.js'
import { readSecret } from '../../../src/host/protocol/secret.js'
import { logIdOf } from '../../../src/log/format/author.js'
import type { Entry, GapState } from '../../../src/log/format/entry.js'
import { hlcAt } from '../../../src/log/format/hybrid-clock.js'
import { HostMachine, LOBBY_OPTIONS } from '../../helper/host-machine.js'

const entry = fc.record(
  {
    author: fc
      .constantFrom('a'.repeat(64), `${'a'.repeat(64)}.0100abcd`, 'unsigned', 'x')
      .map(text => logIdOf(text) ?? assert.fail()),
    seq: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    at: fc.integer({ min: 0, max: 9_999_999_999_999 }).map(millis => hlcAt(millis)),
    entry: fc.uint8Array({ maxLength: 400 }),
    isAhead: fc.constant(true as const),
  },
  { requiredKeys: ['author', 'seq', 'at', 'entry'] },
)

const plain = (entries: readonly Entry[]): unknown[] => entries.map(each => ({ ...each, entry: [...each.entry] }))

test('decodes entries as they were encoded, in any number of frames', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(entry, { maxLength: 400 }), (id, entries) => {
      const read = [...entriesBodies(id % 2 ** 31, entries)].map(readHostFrame)
      assert.ok(read.every(each => each?.kind === 'entries' && each.id === id % 2 ** 31))
      assert.deepEqual(plain(read.flatMap(each => (each?.kind === 'entries' ? each.entries : []))), plain(entries))
    }),
    { numRuns: 50 },
  )
})

test('shows older faces only states of gaps that they know', () => {
  const gapOf = (state: GapState, minor?: number): unknown => {
    const author = logIdOf('a'.repeat(64)) ?? assert.fail()
    const entry = { author, seq: 1, at: hlcAt(1), entry: new Uint8Array(0), gap: { count: 3, state } }
    const [read] = [...entriesBodies(1, [entry], minor)].map(readHostFrame)
    return read?.kind === 'entries' ? read.entries[0]?.gap?.state : undefined
  }
  for (const state of ['expired', 'not-given'] as const)
    assert.deepEqual([gapOf(state, 1), gapOf(state, 2), gapOf(state)], ['kept-out', state, state])
  for (const state of ['deleted', 'kept-out', 'missing'] as const) assert.equal(gapOf(state, 0), state)
})

test('decodes or rejects mutated frames without throwing', () => {
  const some = fc.record({ cut: fc.nat(), at: fc.nat(), by: fc.integer({ min: 1, max: 255 }) })
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 3 }),
      some,
      fc.uint8Array(),
      (entries, { cut, at, by }, bytes) => {
        for (const body of [
          ...entriesBodies(1, entries),
          bytesBody(1, bytes),
          jsonBody({ do: 'say', entries: [...bytes] }),
          bytes,
        ]) {
          const changed = Uint8Array.from(body.subarray(0, cut % (body.length + 1)))
          if (changed.length > 0) changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ by
          readHostFrame(changed)
        }
      },
    ),
  )
})

const value = fc.oneof(
  fc.constantFrom<unknown>(0, 1, 2, -1, 0.5, 2 ** 40, null, true, '', 'x', 'bob:4000', [], {}, [['x', 1]], '__proto__'),
  fc.jsonValue({ maxDepth: 2 }),
)

test('rejects malformed hellos with any fields', async t => {
  const machine = await HostMachine.open(t)
  await machine.start()
  const secret = (await readSecret(machine.directory)) ?? assert.fail()
  const [nodeNonce, nonce] = [nonceOf(systemRandom), nonceOf(systemRandom)]
  const hello = {
    version: CODEC_VERSION,
    purpose: 'face',
    pid: 1,
    client: new Uint8Array(16),
    options: LOBBY_OPTIONS,
    isBack: false,
  } as const
  const whole = helloFields(hello, secret, nodeNonce, nonce)
  assert.deepEqual(helloOf(JSON.parse(JSON.stringify(whole)), secret, nodeNonce)?.hello.purpose, 'face', 'control')
  const names = Object.keys(whole)
  fc.assert(
    fc.property(fc.constantFrom(...names), value, (name, other) => {
      const read = helloOf(JSON.parse(JSON.stringify({ ...whole, [name]: other })), secret, nodeNonce)
      if (['do', 'version', 'nonce', 'proof', 'purpose', 'client', 'options'].includes(name)) {
        if (JSON.stringify(other) !== JSON.stringify(whole[name])) assert.equal(read, undefined, name)
      } else assert.ok(read !== undefined)
    }),
  )
  fc.assert(fc.property(fc.record({ is: value, version: value, nonce: value }), fields => void challengeOf(fields)))
})

const call = fc
  .record(
    {
      do: fc.constantFrom(
        ...['say', 'read', 'more', 'stop', 'verify', 'archive', 'stored', 'ping', 'link', 'unlink', 'away', 'typing'],
        ...['acknowledge', 'hello', 'x'],
      ),
      id: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 5 }) }, value),
      number: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 70 }) }, value),
      acknowledged: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 5 }) }, value),
      message: value,
      extras: value,
      peer: value,
      text: value,
      options: fc.oneof(
        value,
        fc.record({ live: value, tail: value, last: value, since: value }, { requiredKeys: [] }),
      ),
    },
    { requiredKeys: ['do'] },
  )
  .map(asked => frame(jsonBody(asked)))

test('keeps serving whatever a face that knows the secret sends', { timeout: 300_000 }, async t => {
  const machine = await HostMachine.open(t)
  const first = await machine.face(t)
  await first.say('early')
  const secret = (await readSecret(machine.directory)) ?? assert.fail()
  const sent = fc.array(fc.oneof({ weight: 4, arbitrary: call }, fc.uint8Array({ maxLength: 40 })), { maxLength: 12 })
  let round = 0
  await fc.assert(
    fc.asyncProperty(sent, async parts => {
      const socket = await machine.socket()
      socket.on('error', () => {})
      const gone = new Promise(resolve => socket.once('close', resolve))
      const [bytes] = (await once(socket, 'data')) as [Uint8Array]
      const reader = new FrameReader(2 ** 20)
      reader.push(bytes)
      const read = reader.next()
      const known = read.kind === 'frame' ? readHostFrame(read.body) : undefined
      const challenge = challengeOf(known?.kind === 'json' ? known.value : {}) ?? assert.fail()
      const hello = {
        version: CODEC_VERSION,
        purpose: 'face',
        pid: 1,
        client: systemRandom.bytes(16),
        options: LOBBY_OPTIONS,
        isBack: false,
      } as const
      socket.resume().write(frame(jsonBody(helloFields(hello, secret, challenge.nonce, nonceOf(systemRandom)))))
      for (const part of parts) socket.write(part)
      socket.end()
      await gone
      await first.say(`round ${round++}`)
      assert.equal(first.unsavedCount, 0)
    }),
    { numRuns: 200 },
  )
  const own: string[] = []
  for await (const batch of first.batches({}))
    own.push(...batch.map(({ message }) => message).filter(message => message.startsWith('round')))
  assert.equal(own.length, round)
  assert.equal(({} as Record<string, unknown>)['x'], undefined)
})
