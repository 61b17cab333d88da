import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import test from 'node:test'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { frame } from '../../src/base/wire/frames.js'
import { rowKey } from '../../src/compat/scuttleup/row-keys.js'
import { encodeHandshake, type Mode } from '../../src/compat/scuttleup/scuttleup-codec.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import { encodeUnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import type { Store } from '../../src/log/store/store.js'
import type { ReplicationStreamOptions } from '../../src/node/connections/replication.js'
import type { SyncEvent } from '../../src/sync/events.js'
import { PENDING_BYTES_MAX, PENDING_BYTES_MIN } from '../../src/sync/receive-window.js'
import { FaultyStore } from '../helper/faulty-store.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryDisk, MemoryStore, PausedStore } from '../helper/memory-store.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const MODES: readonly Mode[] = ['sync', 'push', 'pull']

const keysOf = (name: string) => keyPairOf(Buffer.alloc(32, name))

const entryOf = (name: string, n: number): Uint8Array => utf8(JSON.stringify({ username: name, message: `line ${n}` }))

/** Adds entries `from ≤ seq < to` of an unsigned author. */
async function add(log: Log, name: string, from: Seq, to: Seq): Promise<void> {
  const entries = Array.from({ length: to - from }, (_, i) => entryOf(name, from + i))
  assert.equal(await log.add({ author: name as LogId, first: from, entries }), undefined)
}

/** A log over `store` with some entries of its owner and 40 of another author. */
async function logOf(name: string, other: string, store: Store = new MemoryStore(), lines = 3): Promise<Log> {
  const log = await logOver(store, keysOf(name), { clock: new VirtualClock() })
  for (let i = 0; i < lines; i++) await log.append({ username: name, message: `line ${i}` })
  await add(log, other, 1, 41)
  return log
}

/** All entries of a log. */
async function contents(log: Log): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of log.read()) {
    for (const { author, seq, entry } of batch) lines.push(`${author} ${seq} ${Buffer.from(entry)}`)
  }
  return lines.sort()
}

const heads = (log: Log): string[] => log.head.map(({ author, seq }) => `${author} ${seq}`).sort()

/** Resolves once `log` has an author's entries up to `seq`. */
async function has(log: Log, author: string, seq: Seq): Promise<void> {
  const isStored = () => log.head.some(digest => digest.author === author && digest.seq >= seq)
  while (!isStored()) await once(log, 'entries')
}

function connect(a: Log, b: Log, options: ReplicationStreamOptions = {}, theirs = options): [Duplex, Duplex] {
  const [from, to] = [replicate(a, options), replicate(b, theirs)]
  from.pipe(to).pipe(from)
  return [from, to]
}

/** Resolves once both sides have sent and stored everything. */
async function untilDone(streams: readonly Duplex[]): Promise<void> {
  await Promise.all(streams.map(stream => once(stream, 'close')))
}

for (const ours of MODES) {
  for (const theirs of MODES) {
    test(`${ours} with ${theirs}, live and not live: sends what the modes allow and loses nothing`, async t => {
      for (const isOursLive of [true, false]) {
        for (const isTheirsLive of [true, false]) {
          const directory = await temporaryDirectory(t)
          const alice = await logOf('alice', 'ann', await LevelStore.open(path.join(directory, 'alice')))
          const bob = await logOf('bob', 'ben', await LevelStore.open(path.join(directory, 'bob')))
          const [from, to] = connect(alice, bob, { mode: ours, live: isOursLive }, { mode: theirs, live: isTheirsLive })
          // A side has stored everything once its input is finished.
          const directions = [
            {
              sender: alice,
              receiver: bob,
              input: to,
              other: 'ann',
              isLive: isOursLive,
              sends: ours !== 'pull' && theirs !== 'push',
            },
            {
              sender: bob,
              receiver: alice,
              input: from,
              other: 'ben',
              isLive: isTheirsLive,
              sends: theirs !== 'pull' && ours !== 'push',
            },
          ]
          await Promise.all(
            directions.map(async ({ sender, receiver, input, other, isLive, sends }) => {
              const finished = input.writableFinished ? undefined : once(input, 'finish')
              if (!sends || !isLive) await finished
              if (sends) {
                await Promise.all([has(receiver, sender.id, 3), has(receiver, other, 40)])
              } else {
                assert.deepEqual(
                  receiver.head.filter(({ author }) => author === sender.id || author === other),
                  [],
                )
              }
              if (!sends || !isLive) return
              await sender.append({ username: 'x', message: 'one more' })
              await add(sender, other, 41, 44)
              await Promise.all([has(receiver, sender.id, 4), has(receiver, other, 43)])
            }),
          )
          if (directions.every(({ sends }) => sends)) assert.deepEqual(await contents(alice), await contents(bob))
          from.destroy()
          to.destroy()
          await alice.close()
          await bob.close()
        }
      }
    })
  }
}

test('push and pull lose nothing when the directions of a socket end separately', async () => {
  for (const [ours, theirs] of [
    ['sync', 'sync'],
    ['push', 'pull'],
    ['pull', 'push'],
    ['sync', 'pull'],
  ] as const) {
    const alice = await logOf('alice', 'ann')
    const bob = await logOf('bob', 'ben')
    const server = net.createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const dialled = net.connect({ port: (server.address() as net.AddressInfo).port, allowHalfOpen: true })
    const [accepted] = (await once(server, 'connection')) as [net.Socket]
    const from = replicate(alice, { mode: ours, live: false })
    const to = replicate(bob, { mode: theirs, live: false })
    dialled.pipe(from).pipe(dialled)
    accepted.pipe(to).pipe(accepted)
    await untilDone([from, to])
    server.close()
    if (ours === 'sync' && theirs === 'sync') assert.deepEqual(await contents(alice), await contents(bob))
    const [sender, receiver, other] = ours === 'pull' ? [bob, alice, 'ben'] : [alice, bob, 'ann']
    assert.ok(heads(receiver).includes(`${other} 40`) && heads(receiver).includes(`${sender.id} 3`))
    await alice.close()
    await bob.close()
  }
})

test('replicates the logs of 100 authors completely, in both protocols', async () => {
  for (const dialect of ['scuttleup', 'native'] as const) {
    const alice = await logOf('alice', 'ann')
    const bob = await logOf('bob', 'ben')
    for (let i = 0; i < 100; i++) await add(i % 2 === 0 ? alice : bob, `author${i}`, 1, 2 + (i % 7))
    const streams = connect(alice, bob, { live: false, dialect })
    await untilDone(streams)
    assert.equal(alice.head.length, 104)
    assert.deepEqual(await contents(alice), await contents(bob))
    await alice.close()
    await bob.close()
  }
})

test('relays live entries to the next peer', async () => {
  for (const dialect of ['scuttleup', 'native'] as const) {
    const [alice, bob, carol] = await Promise.all([logOf('alice', 'ann'), logOf('bob', 'ben'), logOf('carol', 'cy')])
    const streams = [...connect(alice, bob, { dialect }), ...connect(bob, carol, { dialect })]
    await Promise.all([has(carol, alice.id, 3), has(alice, carol.id, 3)])
    await Promise.all([alice.append({ username: 'alice', message: 'to all' }), add(carol, 'cy', 41, 44)])
    await Promise.all([has(carol, alice.id, 4), has(alice, 'cy', 43), has(alice, 'ben', 40), has(carol, 'ann', 40)])
    await Promise.all([has(alice, bob.id, 3), has(carol, bob.id, 3)])
    assert.deepEqual(await contents(alice), await contents(bob))
    assert.deepEqual(await contents(carol), await contents(bob))
    for (const stream of streams) stream.destroy()
    for (const log of [alice, bob, carol]) await log.close()
  }
})

test('stores each entry once when two connections deliver it at the same time', async () => {
  const alice = await logOf('alice', 'ann')
  const bob = await logOf('bob', 'ben')
  const seen: string[] = []
  bob.on('entries', ({ author, from, to }) => {
    for (let seq = from; seq < to; seq++) seen.push(`${author} ${seq}`)
  })
  await Promise.all([connect(alice, bob, { live: false }), connect(alice, bob, { live: false })].map(untilDone))
  assert.equal(seen.length, 43)
  assert.equal(new Set(seen).size, 43)
  assert.deepEqual(await contents(alice), await contents(bob))
})

test("converges with the sender although the receiver's disk fails meanwhile", async () => {
  for (const dialect of ['scuttleup', 'native'] as const) {
    for (const fault of ['not stored', 'stored'] as const) {
      let failing = Number.POSITIVE_INFINITY
      const disk = new MemoryDisk()
      const store = new FaultyStore(disk, {
        of: index => (index >= failing && index % 3 === 0 && index < failing + 9 ? fault : undefined),
        failingReopens: 2,
      })
      const clock = new VirtualClock()
      const bob = await logOver(store, keysOf('bob'), { clock })
      const alice = await logOf('alice', 'ann')
      for (let i = 0; i < 20; i++) await add(alice, `author${i}`, 1, 30)
      failing = store.commits
      const [from, to] = connect(alice, bob, { dialect })
      const all = [has(bob, alice.id, 3), has(bob, 'ann', 60)]
      for (let i = 0; i < 20; i++) all.push(has(bob, `author${i}`, 29))
      // One by one, so that the failures fall between them.
      const later = (async () => {
        for (let seq = 41; seq <= 60; seq++) {
          await add(alice, 'ann', seq, seq + 1)
          await new Promise(resolve => setImmediate(resolve))
        }
      })()
      await clock.during(Promise.all([...all, later]))
      assert.ok(store.failures > 0)
      assert.equal(store.commitsAfterFailure, 0)
      from.destroy()
      to.destroy()
      await bob.close()
      const again = await logOver(new MemoryStore(disk), keysOf('bob'), { clock })
      assert.deepEqual(await contents(again), await contents(alice))
      await again.close()
      await alice.close()
    }
  }
})

test('relays nothing after a gap', async () => {
  for (const dialect of ['scuttleup', 'native'] as const) {
    const disk = new MemoryDisk()
    const [ann, gone] = ['ann', 'gone'] as [LogId, LogId]
    const rows = [rowKey(ann, 1), rowKey(ann, 2), rowKey(ann, 1_000_000), rowKey(gone, 7)]
    disk.write(rows.map(key => ({ type: 'put', key, value: entryOf('ann', 1) })))
    const alice = await logOver(new MemoryStore(disk), keysOf('alice'), { clock: new VirtualClock() })
    const bob = await logOver(new MemoryStore(), keysOf('bob'), { clock: new VirtualClock() })
    await untilDone(connect(alice, bob, { live: false, dialect }))
    assert.deepEqual(heads(bob), ['ann 2'])
    await alice.close()
    await bob.close()
  }
})

const handshake = frame(encodeHandshake({ id: 'stranger', head: [], mode: 'sync' }))
const change = (id: string, seq: Seq, entry = entryOf(id, seq)): Uint8Array =>
  frame(encodeUnsignedEntry({ id, seq, entry }))

/** Sends bytes as an unknown peer; returns the warnings and the error. */
async function sendTo(log: Log, bytes: Uint8Array, options: ReplicationStreamOptions = {}) {
  const events: SyncEvent[] = []
  const stream = replicate(log, { ...options, onEvent: event => events.push(event) })
  stream.resume()
  let error: Error | undefined
  stream.on('error', cause => {
    error = cause
  })
  stream.end(bytes)
  const ended =
    options.live === false ? once(stream, 'close') : Promise.race([once(stream, 'finish'), once(stream, 'close')])
  await ended.catch(() => {})
  stream.destroy()
  return { events, error }
}

test('stores only entries that continue a log, reports others once, and keeps the connection', async () => {
  const log = await logOf('alice', 'ann')
  const bytes = concat([
    handshake,
    change('ann', 41),
    change('bob', 1),
    change('ann', 43),
    change('bob', 3),
    change('ann', 1, entryOf('ann', 999)),
    change('carol', 1),
    change('__proto__', 1),
    change('dave', 1, utf8('not JSON')),
  ])
  const { events, error } = await sendTo(log, bytes)
  assert.equal(error, undefined)
  assert.deepEqual(
    heads(log).filter(head => !head.startsWith(log.id)),
    ['ann 41', 'bob 1', 'carol 1'],
  )
  assert.deepEqual(
    new Map(events.map(event => (event.kind === 'entries-rejected' ? [event.author, event.reason] : ['', undefined]))),
    new Map<string, unknown>([
      ['ann', { kind: 'gap', missing: 42, before: 43 }],
      ['bob', { kind: 'gap', missing: 2, before: 3 }],
      ['__proto__', { kind: 'malformed-author' }],
      ['dave', { kind: 'malformed-entry' }],
    ]),
  )
  assert.equal(events.length, 4)
  const first = await log.entry('ann' as LogId, 1)
  assert.deepEqual(Buffer.from(first?.entry ?? []), Buffer.from(entryOf('ann', 1)), 'a stored entry does not change')
  await log.close()
})

test('closes only the connection that sent a malformed frame, after storing what came before it', async () => {
  const log = await logOf('alice', 'ann')
  const other = await logOf('bob', 'ben')
  const [from, to] = connect(log, other)
  for (const [id, bad, reason] of [
    ['carol', frame(utf8('hello')), 'malformed-entry'],
    ['dave', Buffer.from('ffffffffff01', 'hex'), 'frame-too-long'],
  ] as const) {
    const { events, error } = await sendTo(log, concat([handshake, change(id, 1), bad]))
    assert.equal(error?.message, reason)
    assert.deepEqual(events, [{ kind: 'protocol-violated', violation: reason }])
    await has(log, id, 1)
  }
  await log.append({ username: 'alice', message: 'still here' })
  await has(other, log.id, 4)
  from.destroy()
  to.destroy()
  await log.close()
  await other.close()
})

test('limits the authors of a log and keeps accepting entries of known ones', async () => {
  const log = await logOver(new MemoryStore(), keysOf('alice'), { clock: new VirtualClock(), authorsMax: 3 })
  const { events } = await sendTo(log, concat([handshake, ...['a', 'b', 'c', 'd', 'e'].map(id => change(id, 1))]))
  assert.deepEqual(heads(log), ['a 1', 'b 1', 'c 1'])
  assert.equal(events.length, 2)
  await sendTo(log, concat([handshake, change('a', 2)]))
  await log.append({ username: 'alice', message: 'own' })
  assert.deepEqual(heads(log).includes('a 2'), true)
  await log.close()
})

test('stops reading from a connection at the receive window, which grows with what was stored', async () => {
  const store = new PausedStore()
  const log = await logOver(store, keysOf('alice'), { clock: new VirtualClock() })
  store.pause()
  const stream = replicate(log)
  stream.resume()
  stream.write(handshake)
  let read = 0
  let seq = 0
  let next = 0
  const write = (): void => {
    const changes: Uint8Array[] = []
    for (let i = 0; i < 16; i++)
      changes.push(change('bob', ++seq, utf8(JSON.stringify({ username: 'bob', message: 'x'.repeat(4_000) }))))
    const bytes = concat(changes)
    next = bytes.length
    stream.write(bytes, () => {
      read += bytes.length
      if (seq === 16 * 50) store.pause()
      if (seq < 16 * 100) write()
    })
  }
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) await new Promise(resolve => setImmediate(resolve))
  }
  write()
  for (const bound of [PENDING_BYTES_MIN, PENDING_BYTES_MAX]) {
    await settled()
    const stored = ((log.head.find(({ author }) => author === 'bob')?.seq ?? 0) / 16) * next
    const waiting = read - stored
    assert.ok(waiting >= bound - next && waiting <= bound + next, `${waiting} bytes were read`)
    store.resume()
  }
  await has(log, 'bob', 16 * 100)
  stream.destroy()
  await log.close()
})
