import assert from 'node:assert/strict'
import test from 'node:test'
import { utf8 } from '../../../src/base/wire/bytes.js'
import {
  BULK_BYTES_MIN,
  COMMIT_BYTES_MAX,
  CommitQueue,
  DEFERRED_BYTES_MAX,
} from '../../../src/log/store/commit-queue.js'
import type { Store, Write } from '../../../src/log/store/store.js'
import { MemoryStore } from '../../helper/memory-store.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

interface Call {
  readonly what: 'commit' | 'reopen'
  readonly keys: readonly string[]
  succeed(): void
  fail(): void
}

/** A store whose calls the test completes or fails. */
class ManualStore extends MemoryStore implements Store {
  readonly calls: Call[] = []
  readonly #onCall: (() => void)[] = []

  override commit(writes: readonly Write[]): Promise<void> {
    return this.#call(
      'commit',
      writes.map(({ key }) => String(Buffer.from(key))),
    )
  }

  override reopen(): Promise<void> {
    return this.#call('reopen', [])
  }

  /** Resolves with the last call once `count` calls have been made. */
  async called(count: number): Promise<Call> {
    while (this.calls.length < count) await new Promise<void>(resolve => this.#onCall.push(resolve))
    const call = this.calls[count - 1]
    assert.ok(call)
    return call
  }

  #call(what: Call['what'], keys: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.calls.push({ what, keys, succeed: resolve, fail: () => reject(new Error('no space left on device')) })
      for (const notify of this.#onCall.splice(0)) notify()
    })
  }
}

const put = (key: string, value: Uint8Array = utf8('x')): Write => ({ type: 'put', key: utf8(key), value })

/** One turn of the event loop, which completes everything that needs no IO. */
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** The codes with which promises were rejected, or `stored`. */
const outcomes = async (writes: readonly Promise<void>[]): Promise<string[]> =>
  (await Promise.allSettled(writes)).map(result => (result.status === 'fulfilled' ? 'stored' : result.reason.code))

function setUp() {
  const store = new ManualStore()
  const clock = new VirtualClock()
  const events: string[] = []
  let recover = async (): Promise<void> => {}
  const queue = new CommitQueue(store, clock, {
    onFailure: () => events.push('failed'),
    recover: () => recover(),
    onRecovered: () => events.push('recovered'),
  })
  return { store, clock, events, queue, recoverWith: (action: () => Promise<void>) => (recover = action) }
}

/** Makes a write fail. */
async function broken() {
  const all = setUp()
  const failed = outcomes([all.queue.write([put('lost')])])
  const commit = await all.store.called(1)
  commit.fail()
  assert.deepEqual(await failed, ['LOG_WRITE_FAILED'])
  return all
}

test('commits batches of one turn together, in order', async () => {
  const { store, queue } = setUp()
  const writes = [queue.write([put('a')]), queue.write([put('b'), put('c')]), queue.write([put('d')])]
  const commit = await store.called(1)
  assert.deepEqual(commit.keys, ['a', 'b', 'c', 'd'])
  commit.succeed()
  assert.deepEqual(await outcomes(writes), ['stored', 'stored', 'stored'])
  assert.equal(store.calls.length, 1)
})

test('commits 1,000 batches that arrive while the disk is busy in two commits', async () => {
  const { store, queue } = setUp()
  const first = queue.write([put('first')])
  const commit = await store.called(1)
  const rest = Array.from({ length: 999 }, (_, i) => queue.write([put(`k${i}`)]))
  await turn()
  assert.equal(store.calls.length, 1, 'one at a time')
  commit.succeed()
  await first
  const second = await store.called(2)
  assert.equal(second.keys.length, 999)
  second.succeed()
  await Promise.all(rest)
  assert.equal(store.calls.length, 2)
})

test('starts a full commit within the same turn', async () => {
  const { store, queue } = setUp()
  const writes = [queue.write([put('a')])]
  queue.begin()
  assert.deepEqual(
    store.calls.map(({ keys }) => keys),
    [['a']],
  )
  writes.push(queue.write([put('b')]))
  queue.begin()
  writes.push(queue.write([put('c')]))
  ;(await store.called(1)).succeed()
  const second = await store.called(2)
  assert.deepEqual(second.keys, ['b', 'c'])
  second.succeed()
  assert.deepEqual(await outcomes(writes), ['stored', 'stored', 'stored'])
})

test('resolves a write when its commit is on disk and not before', async () => {
  const { store, queue } = setUp()
  let isStored = false
  const write = queue.write([put('a')]).then(() => {
    isStored = true
  })
  const commit = await store.called(1)
  await turn()
  assert.equal(isStored, false)
  commit.succeed()
  await write
})

test('stores only the last version of a row that each batch replaces', async () => {
  const { store, queue } = setUp()
  const summary = (name: string, value: string) => ({ name, write: () => put(`${name}-${value}`) })
  void queue.write([put('a')], summary('bob', '1'))
  void queue.write([put('b')], summary('carol', '1'))
  void queue.write([put('c')], summary('bob', '2'))
  const commit = await store.called(1)
  assert.deepEqual(commit.keys, ['a', 'b', 'c', 'bob-2', 'carol-1'])
  commit.succeed()
})

test('omits deferrable rows from large commits and writes them first in the next small one or on close', async () => {
  const { store, queue } = setUp()
  const deferred = (name: string) => ({ name, isDeferrable: true, write: () => put(name) })
  const large = Buffer.alloc(BULK_BYTES_MIN)
  const stored = async (...given: Parameters<typeof queue.write>): Promise<readonly string[]> => {
    const count = store.calls.length + 1
    const write = queue.write(...given)
    const commit = await store.called(count)
    commit.succeed()
    await write
    return commit.keys
  }
  assert.deepEqual(await stored([put('a', large)], deferred('bob')), ['a'])
  assert.deepEqual(await stored([put('b', large)], deferred('carol')), ['b'])
  assert.deepEqual(await stored([put('c')], deferred('carol')), ['bob', 'carol', 'c'])
  const most = DEFERRED_BYTES_MAX / COMMIT_BYTES_MAX
  const all: string[] = []
  for (let i = 1; i <= most; i++)
    all.push(...(await stored([put(`d${i}`, Buffer.alloc(COMMIT_BYTES_MAX - 2))], deferred('bob'))))
  assert.deepEqual(all, ['d1', 'd2', 'd3', 'bob', 'd4'])
  await stored([put('e', large)], deferred('dave'))
  const before = store.calls.length
  const closing = queue.close()
  const last = await store.called(before + 1)
  assert.deepEqual(last.keys, ['dave'])
  last.succeed()
  await closing
})

test('bounds the bytes of a commit, so that its first caller does not wait for the last', async () => {
  const { store, queue } = setUp()
  const half = Buffer.alloc(COMMIT_BYTES_MAX / 2)
  const whole = Buffer.alloc(COMMIT_BYTES_MAX + 1)
  const writes = [half, half, whole, half].map((value, index) => queue.write([put(`k${index}`, value)]))
  const groups: (readonly string[])[] = []
  for (let count = 1; count <= 4; count++) {
    const commit = await store.called(count)
    groups.push(commit.keys)
    commit.succeed()
  }
  await Promise.all(writes)
  assert.deepEqual(groups, [['k0'], ['k1'], ['k2'], ['k3']])
})

test('rejects all waiting batches after a failed commit, and commits nothing before the store is reopened', async () => {
  const { store, queue, clock, events } = setUp()
  const writes = [queue.write([put('a')])]
  const commit = await store.called(1)
  writes.push(queue.write([put('b')]), queue.write([put('c')]))
  commit.fail()
  assert.deepEqual(await outcomes(writes), ['LOG_WRITE_FAILED', 'LOG_WRITE_FAILED', 'LOG_WRITE_FAILED'])
  assert.equal(queue.isReadOnly, true)
  assert.deepEqual(await outcomes([queue.write([put('d')])]), ['LOG_READ_ONLY'])

  clock.advance(250)
  const reopen = await store.called(2)
  assert.deepEqual(await outcomes([queue.write([put('e')])]), ['LOG_READ_ONLY'])
  reopen.succeed()
  await turn()
  assert.deepEqual([queue.isReadOnly, events], [false, ['failed', 'recovered']])

  const again = queue.write([put('f')])
  const last = await store.called(3)
  last.succeed()
  await again
  assert.deepEqual(
    store.calls.map(({ what }) => what),
    ['commit', 'reopen', 'commit'],
  )
})

test('reports the system error and a hint', async () => {
  const { store, queue } = setUp()
  const write = queue.write([put('a')])
  const commit = await store.called(1)
  commit.fail()
  await assert.rejects(write, error => /no space left/.test(String(error)) && 'hint' in (error as object))
})

test('commits nothing before the recovery has reloaded the store', async () => {
  const { store, queue, clock, recoverWith } = await broken()
  let done = (): void => {}
  recoverWith(() => new Promise(resolve => (done = resolve)))
  clock.advance(250)
  const reopen = await store.called(2)
  reopen.succeed()
  await turn()
  assert.deepEqual(await outcomes([queue.write([put('a')])]), ['LOG_READ_ONLY'])
  done()
  await turn()
  assert.equal(queue.isReadOnly, false)
})

test('retries after 0.25 s, doubling to 30 s, and reports the failure once', async () => {
  const { store, queue, clock, events } = await broken()
  for (let attempt = 0; attempt < 10; attempt++) {
    clock.advance(30_000)
    const reopen = await store.called(2 + attempt)
    reopen.fail()
    await turn()
  }
  assert.deepEqual(clock.delays, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
  assert.deepEqual([events, queue.isReadOnly], [['failed'], true])
})

test('reopens the store again if the recovery fails', async () => {
  const { store, queue, clock, events, recoverWith } = await broken()
  recoverWith(() => Promise.reject(new Error('cannot be read')))
  clock.advance(250)
  ;(await store.called(2)).succeed()
  await turn()
  assert.equal(queue.isReadOnly, true)
  recoverWith(async () => {})
  clock.advance(500)
  ;(await store.called(3)).succeed()
  await turn()
  assert.deepEqual([queue.isReadOnly, events], [false, ['failed', 'recovered']])
})

test('restarts the backoff after a second failure', async () => {
  const { store, queue, clock } = await broken()
  clock.advance(250)
  ;(await store.called(2)).fail()
  await turn()
  clock.advance(500)
  ;(await store.called(3)).succeed()
  await turn()
  const failed = outcomes([queue.write([put('a')])])
  ;(await store.called(4)).fail()
  assert.deepEqual(await failed, ['LOG_WRITE_FAILED'])
  assert.deepEqual(clock.delays, [250, 500, 250])
})

test('treats a batch that throws as a failed commit', async () => {
  const { queue, events } = setUp()
  const bad = queue.write({
    bytes: () => 0,
    writes: () => {
      throw new Error('cannot be encoded')
    },
  })
  assert.deepEqual(await outcomes([bad, queue.write([put('a')])]), ['LOG_WRITE_FAILED', 'LOG_WRITE_FAILED'])
  assert.deepEqual(events, ['failed'])
})

test('waits for pending batches on close and rejects later ones', async () => {
  const { store, queue } = setUp()
  const before = [queue.write([put('a')])]
  const commit = await store.called(1)
  before.push(queue.write([put('b')]))
  let isClosed = false
  const closing = queue.close().then(() => {
    isClosed = true
  })
  const late = queue.write([put('c')])
  assert.deepEqual(await outcomes([late]), ['LOG_CLOSED'])
  commit.succeed()
  const second = await store.called(2)
  assert.deepEqual([isClosed, second.keys], [false, ['b']])
  second.succeed()
  await closing
  assert.deepEqual(await outcomes(before), ['stored', 'stored'])
  assert.deepEqual(await outcomes([queue.write([put('d')])]), ['LOG_CLOSED'])
})

test('closes while callers keep writing', async () => {
  const { store, queue } = setUp()
  let isRunning = true
  const writer = async (): Promise<void> => {
    while (isRunning) await queue.write([put('x')])
  }
  const stagger = [writer()]
  const commit = await store.called(1)
  stagger.push(writer())
  const closing = queue.close()
  commit.succeed()
  let count = 2
  const answering = (async () => {
    for (; count < 20; count++) (await store.called(count)).succeed()
  })()
  await Promise.race([closing, answering])
  isRunning = false
  assert.ok(count < 20, 'the writers kept it open')
  assert.deepEqual(await outcomes(stagger), ['LOG_CLOSED', 'LOG_CLOSED'])
})

test('stops retrying on close', async () => {
  const { store, queue, clock } = await broken()
  await queue.close()
  assert.equal(clock.timers, 0)
  clock.advance(60_000)
  await turn()
  assert.equal(store.calls.length, 1)
})

test('does not reopen the store when a commit fails during close', async () => {
  const { store, queue, clock } = setUp()
  const write = outcomes([queue.write([put('a')])])
  const commit = await store.called(1)
  const closing = queue.close()
  commit.fail()
  await closing
  assert.deepEqual(await write, ['LOG_WRITE_FAILED'])
  clock.advance(60_000)
  await turn()
  assert.equal(store.calls.length, 1)
})

test('waits on close for a reopen in progress and does nothing more', async () => {
  for (const answer of ['succeed', 'fail'] as const) {
    const { store, queue, clock, events } = await broken()
    clock.advance(250)
    const reopen = await store.called(2)
    let isClosed = false
    const closing = queue.close().then(() => {
      isClosed = true
    })
    await turn()
    assert.equal(isClosed, false)
    reopen[answer]()
    await closing
    clock.advance(60_000)
    await turn()
    assert.deepEqual([store.calls.length, events], [2, ['failed']])
  }
})

test('can be closed twice, and before anything was written', async () => {
  const { queue } = setUp()
  await Promise.all([queue.close(), queue.close()])
  await queue.close()
  assert.deepEqual(await outcomes([queue.write([put('a')])]), ['LOG_CLOSED'])
})
