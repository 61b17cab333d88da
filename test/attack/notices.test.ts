import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorOf } from '../../src/log/format/author.js'
import { Author, keyPair } from './author.js'
import { headsFrame, segmentsFrame } from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { storedOf, until, victim } from './victims.js'

const TIMEOUT = { timeout: 60_000 }

test(
  'strangers who come and go cause one notice of each kind, and a known person is reported at once',
  TIMEOUT,
  async t => {
    const alice = await victim(t, 'alice')
    const count = (kind: string): number => alice.events.filter(event => event.kind === kind).length
    for (let came = 0; came < 20; came++) {
      const peer = await HostilePeer.dial(alice.port)
      // The peer also breaks the protocol.
      peer.send(Buffer.from([1, 0xff, 0xff]))
      await peer.closed()
    }
    const keys = keyPair()
    alice.room.addressed(authorOf(keys.hex) ?? assert.fail())
    const known = await HostilePeer.dial(alice.port, { keys })
    t.after(() => known.end())
    assert.ok(await until(alice.room, () => count('connection-opened') === 2, 2_000), 'control: the known person')
    assert.ok(await until(alice.room, () => count('connection-lost') === 1, 2_000))
    assert.equal(count('protocol-violated'), 1)
  },
)

test('companions are the strangers who came by the same connection, and nobody else', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const [flood, guest] = [await HostilePeer.dial(alice.port), await HostilePeer.dial(alice.port)]
  for (const peer of [flood, guest]) t.after(() => peer.end())
  const authors = Array.from({ length: 30 }, () => new Author(flood.room))
  flood.send(headsFrame([]), ...authors.flatMap(author => author.lines('x', 1).map(line => segmentsFrame([line]))))
  const own = new Author(guest.room, guest.keys)
  guest.send(headsFrame([]), ...own.lines('guest', 1).map(line => segmentsFrame([line])))
  const keysOf = (all: readonly Author[]): string[] => all.map(({ keys }) => keys.hex).sort()
  assert.ok(
    await until(alice.room, () => [...authors, own].every(({ keys }) => storedOf(alice.room, keys.hex) === 1), 10_000),
  )
  const [first, ...others] = authors
  const found = async (author: Author | undefined): Promise<string[]> => {
    const key = authorOf(author?.keys.hex ?? '') ?? assert.fail()
    return (await alice.room.companionsOf([key])).map(companion => companion.author).sort()
  }
  assert.deepEqual(await found(first), keysOf(others))
  assert.deepEqual(await found(own), [], 'control: this stranger came alone')
  // Nobody is hidden together with a person whom the user knows.
  alice.room.addressed(authorOf(others[0]?.keys.hex ?? '') ?? assert.fail())
  assert.deepEqual(await found(first), keysOf(others.slice(1)))
})
