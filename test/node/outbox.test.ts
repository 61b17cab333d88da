import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { ChatError, type ErrorCode } from '../../src/base/errors.js'
import type { Members } from '../../src/log/format/entry.js'
import type { Log } from '../../src/log/log.js'
import { Outbox, type Outcome } from '../../src/node/outbox.js'

const line = (message: string): Members => ({ username: 'alice', message })
const LINES = ['one', 'two', 'three', 'four', 'five']

/** A log on a disk that the test controls: an appended entry waits until the test stores it or fails its write. */
class Disk extends EventEmitter {
  readonly stored: string[] = []
  isReadOnly = false
  #waiting: { readonly message: string; resolve(entry: { seq: number }): void; reject(error: ChatError): void }[] = []
  #onWritable: (() => void)[] = []

  append({ message }: Members): Promise<{ seq: number }> {
    if (this.isReadOnly) return Promise.reject(new ChatError('LOG_READ_ONLY', 'not stored'))
    return new Promise((resolve, reject) => this.#waiting.push({ message, resolve, reject }))
  }

  writable(): Promise<void> {
    return this.isReadOnly ? new Promise(resolve => this.#onWritable.push(resolve)) : Promise.resolve()
  }

  get waiting(): readonly string[] {
    return this.#waiting.map(({ message }) => message)
  }

  async store(count = this.#waiting.length): Promise<void> {
    for (const { message, resolve } of this.#waiting.splice(0, count)) {
      resolve({ seq: this.stored.push(message) })
    }
    await setImmediate()
  }

  /** The write fails, although the first `stored` entries reached the disk. */
  async fail(code: ErrorCode = 'LOG_WRITE_FAILED', stored = 0): Promise<void> {
    this.isReadOnly = code === 'LOG_WRITE_FAILED'
    const waiting = this.#waiting.splice(0)
    for (const { reject } of waiting) reject(new ChatError(code, 'not stored'))
    await setImmediate()
    for (const { message } of waiting.slice(0, stored)) {
      this.emit('recovered', { seq: this.stored.push(message) })
    }
  }

  async mend(): Promise<void> {
    this.isReadOnly = false
    for (const wake of this.#onWritable.splice(0)) wake()
    await setImmediate()
  }
}

function world() {
  const disk = new Disk()
  const outbox = new Outbox(disk as unknown as Log)
  const outcomes: Outcome[] = []
  const say = async (...messages: readonly string[]): Promise<void> => {
    for (const message of messages) void outbox.post(line(message)).then(outcome => outcomes.push(outcome))
    await setImmediate()
  }
  return { disk, outbox, outcomes, say }
}

test('appends lines that are said together in one batch, in order', async () => {
  const { disk, outbox, say } = world()
  await say(...LINES)
  assert.deepEqual(disk.waiting, LINES)
  assert.equal(outbox.pending, 5)
  await disk.store()
  assert.deepEqual(disk.stored, LINES)
  assert.equal(outbox.pending, 0)
})

test('reports the place of each stored entry', async () => {
  const { disk, outcomes, say } = world()
  await say('one', 'two')
  await disk.store()
  assert.deepEqual(outcomes, [
    { kind: 'stored', seq: 1 },
    { kind: 'stored', seq: 2 },
  ])
})

test('appends the entries of a failed write again, before those that were said meanwhile', async () => {
  const { disk, outbox, say } = world()
  await say('one', 'two')
  await disk.fail()
  await say('three')
  assert.deepEqual([disk.waiting, outbox.pending], [[], 3])
  await disk.mend()
  await disk.store()
  assert.deepEqual(disk.stored, ['one', 'two', 'three'])
  assert.equal(outbox.pending, 0)
})

for (let stored = 0; stored <= LINES.length; stored++) {
  test(`appends each of five entries once if a failed write stored ${stored} of them`, async () => {
    const { disk, say, outbox, outcomes } = world()
    await say(...LINES)
    await disk.fail('LOG_WRITE_FAILED', stored)
    await disk.mend()
    while (disk.waiting.length > 0) await disk.store()
    assert.deepEqual(disk.stored, LINES)
    assert.equal(outbox.pending, 0)
    assert.deepEqual(
      outcomes,
      LINES.map((_, index) => ({ kind: 'stored', seq: index + 1 })),
    )
  })
}

test('appends a line that is said as soon as the one before is stored', async () => {
  const { disk, outbox } = world()
  const first = outbox.post(line('one'))
  const second = first.then(() => outbox.post(line('two')))
  const third = second.then(() => outbox.post(line('three')))
  for (let turn = 0; turn < 6; turn++) {
    await setImmediate()
    await disk.store()
  }
  assert.deepEqual(await third, { kind: 'stored', seq: 3 })
})

test('loses nothing on a disk that fails again and again', async () => {
  const { disk, say } = world()
  await say(...LINES)
  await disk.store(1)
  for (let time = 0; time < 5; time++) {
    await disk.fail('LOG_WRITE_FAILED', 0)
    await disk.mend()
  }
  await disk.store()
  assert.deepEqual(disk.stored, LINES)
})

test('reports a refused line and stores the others', async () => {
  const { disk, outbox, outcomes, say } = world()
  await say('too long')
  await disk.fail('BAD_MESSAGE')
  await say('short')
  await disk.store()
  assert.deepEqual([disk.stored, outbox.pending], [['short'], 0])
  const [first, second] = outcomes
  assert.equal(first?.kind === 'refused' && first.error.code, 'BAD_MESSAGE')
  assert.deepEqual(second, { kind: 'stored', seq: 1 })
})

test('drops an aborted line only before the log has it', async () => {
  const { disk, outbox, say } = world()
  const early = new AbortController()
  const late = new AbortController()
  await say('one')
  const givenUp = outbox.post(line('given up'), { signal: early.signal })
  const stored = outbox.post(line('stored'), { signal: late.signal })
  await say('two')
  early.abort()
  assert.deepEqual([await givenUp, outbox.pending], [{ kind: 'aborted' }, 3])
  await disk.store()
  await setImmediate()
  late.abort()
  await disk.store()
  assert.deepEqual(disk.stored, ['one', 'stored', 'two'])
  assert.deepEqual(await stored, { kind: 'stored', seq: 2 })
  assert.deepEqual(await outbox.post(line('never'), { signal: AbortSignal.abort() }), { kind: 'aborted' })
})

test('is settled when lines that were said meanwhile are stored too', async () => {
  const { disk, outbox, say } = world()
  await say('one')
  let isSettled = false
  const settled = outbox.settled().then(() => {
    isSettled = true
  })
  await say('two')
  await disk.store()
  assert.equal(isSettled, false)
  await disk.store()
  await settled
  assert.deepEqual(disk.stored, ['one', 'two'])
})

test('settles every line when the log closes', async () => {
  const { disk, outbox, outcomes, say } = world()
  await say('one')
  const settled = outbox.settled()
  await say('two')
  await disk.fail('LOG_CLOSED')
  await settled
  await setImmediate()
  assert.deepEqual(outcomes, [{ kind: 'closed' }, { kind: 'closed' }])
})
