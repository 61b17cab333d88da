import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../src/base/clock.js'
import { frame } from '../../src/base/wire/frames.js'
import { knock } from '../../src/host/door.js'
import { bytesBody, entriesBodies, jsonBody, readWindowFrame } from '../../src/host/window-frames.js'
import { authorOf } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import type { RoomEntry } from '../../src/node/room-api.js'
import { WindowMachine } from '../helper/window-machine.js'

const entry = fc.record({
  author: fc.constantFrom('a'.repeat(64), 'unsigned', 'x').map(text => authorOf(text) ?? assert.fail()),
  seq: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  at: fc.integer({ min: 0, max: 9_999_999_999_999 }).map(millis => hlcAt(millis)),
  entry: fc.uint8Array({ maxLength: 400 }),
  isForked: fc.boolean(),
})

const plain = (entries: readonly RoomEntry[]): unknown[] => entries.map(each => ({ ...each, entry: [...each.entry] }))

test('entries are read as they were written, in however many frames', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(entry, { maxLength: 400 }), (id, entries) => {
      const read = [...entriesBodies(id % 2 ** 31, entries)].map(readWindowFrame)
      assert.ok(read.every(each => each?.kind === 'entries' && each.id === id % 2 ** 31))
      assert.deepEqual(plain(read.flatMap(each => (each?.kind === 'entries' ? each.entries : []))), plain(entries))
    }),
    { numRuns: 50 },
  )
})

test('whatever bytes a frame has, it is read or it is none', () => {
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
          readWindowFrame(changed)
        }
      },
    ),
  )
})

const value = fc.oneof(
  fc.constantFrom<unknown>(0, 1, 2, -1, 0.5, 2 ** 40, null, true, '', 'x', 'bob:4000', [], {}, [['x', 1]], '__proto__'),
  fc.jsonValue({ maxDepth: 2 }),
)
const question = fc
  .record(
    {
      do: fc.constantFrom(
        'say',
        'read',
        'more',
        'stop',
        'verify',
        'archive',
        'stored',
        'link',
        'unlink',
        'away',
        'typing',
        'x',
      ),
      id: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 5 }) }, value),
      message: value,
      draft: fc.oneof(value, fc.record({ kind: value, text: value, username: value }, { requiredKeys: [] })),
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

test('whatever a window says, the chat goes on', { timeout: 240_000 }, async t => {
  const machine = await WindowMachine.open(t)
  const first = await machine.window(t)
  await first.say('early')
  const said = fc.array(fc.oneof({ weight: 4, arbitrary: question }, fc.uint8Array({ maxLength: 40 })), {
    maxLength: 12,
  })
  let round = 0
  await fc.assert(
    fc.asyncProperty(said, async parts => {
      const socket = (await knock(machine.door, systemClock)) ?? assert.fail()
      const closed = once(socket, 'close').catch(() => {})
      socket.on('error', () => {}).resume()
      for (const part of parts) socket.write(part)
      socket.end()
      await closed
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
