import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { ChatError, type ErrorCode } from '../../src/base/errors.js'
import type { Members } from '../../src/log/format/entry.js'
import type { Log } from '../../src/log/log.js'
import { Outbox } from '../../src/node/outbox.js'

const line = (message: string): Members => ({ username: 'alice', message })
const LINES = ['one', 'two', 'three', 'four', 'five']

/** A log whose disk does as it is told: what is appended waits until it is stored, or fails. */
class Disk extends EventEmitter {
  readonly stored: string[] = []
  isReadOnly = false
  #waiting: { readonly message: string; resolve(): void; reject(error: ChatError): void }[] = []
  #onWritable: (() => void)[] = []

  append({ message }: Members): Promise<void> {
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
      this.stored.push(message)
      resolve()
    }
    await setImmediate()
  }

  /** The write fails, though the first `stored` of what it was to store reached the disk. */
  async fail(code: ErrorCode = 'LOG_WRITE_FAILED', stored = 0): Promise<void> {
    this.isReadOnly = code === 'LOG_WRITE_FAILED'
    const waiting = this.#waiting.splice(0)
    for (const { reject } of waiting) reject(new ChatError(code, 'not stored'))
    await setImmediate()
    for (const { message } of waiting.slice(0, stored)) {
      this.stored.push(message)
      this.emit('recovered', {})
    }
  }

  async mend(): Promise<void> {
    this.isReadOnly = false
    for (const wake of this.#onWritable.splice(0)) wake()
    await setImmediate()
  }
}

function world(mayWrite: Promise<void> = Promise.resolve()) {
  const disk = new Disk()
  const refused: string[] = []
  const speaker = new Outbox(disk as unknown as Log, mayWrite, ({ message }) => refused.push(message))
  const say = async (...messages: readonly string[]): Promise<void> => {
    for (const message of messages) void speaker.say(line(message))
    await setImmediate()
  }
  return { disk, speaker, refused, say }
}

test('lines that are said together are appended together, in order', async () => {
  const { disk, speaker, say } = world()
  await say(...LINES)
  assert.deepEqual(disk.waiting, LINES)
  assert.equal(speaker.pending, 5)
  await disk.store()
  assert.deepEqual(disk.stored, LINES)
  assert.equal(speaker.pending, 0)
})

test('nothing is appended before it may be, and nothing is lost meanwhile', async () => {
  let allow = (): void => {}
  const { disk, speaker, say } = world(new Promise(resolve => (allow = resolve)))
  await say('one', 'two')
  assert.deepEqual([disk.waiting, speaker.pending], [[], 2])
  allow()
  await setImmediate()
  await disk.store()
  assert.deepEqual(disk.stored, ['one', 'two'])
})

test('what a failed write left out is appended again when the disk answers, before what was said meanwhile', async () => {
  const { disk, speaker, say } = world()
  await say('one', 'two')
  await disk.fail()
  await say('three')
  assert.deepEqual([disk.waiting, speaker.pending], [[], 3])
  await disk.mend()
  await disk.store()
  assert.deepEqual(disk.stored, ['one', 'two', 'three'])
  assert.equal(speaker.pending, 0)
})

for (let stored = 0; stored <= LINES.length; stored++) {
  test(`of five lines whose write failed ${stored} are stored after all: each is there once, in order`, async () => {
    const { disk, say, speaker } = world()
    await say(...LINES)
    await disk.fail('LOG_WRITE_FAILED', stored)
    await disk.mend()
    while (disk.waiting.length > 0) await disk.store()
    assert.deepEqual(disk.stored, LINES)
    assert.equal(speaker.pending, 0)
  })
}

test('a disk that fails again and again loses nothing', async () => {
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

test('a line that cannot become an entry is told, and the others are stored', async () => {
  const { disk, speaker, refused, say } = world()
  await say('too long')
  await disk.fail('BAD_MESSAGE')
  await say('short')
  await disk.store()
  assert.deepEqual([refused, disk.stored, speaker.pending], [['too long'], ['short'], 0])
})

test('whoever waits until all is said waits for what was said meanwhile too', async () => {
  const { disk, speaker, say } = world()
  await say('one')
  let isSettled = false
  const settled = speaker.settled().then(() => {
    isSettled = true
  })
  await say('two')
  await disk.store()
  assert.equal(isSettled, false)
  await disk.store()
  await settled
  assert.deepEqual(disk.stored, ['one', 'two'])
})

test('a log that is closed keeps nobody waiting', async () => {
  const { disk, speaker, say } = world()
  await say('one')
  const settled = speaker.settled()
  await disk.fail('LOG_CLOSED')
  await settled
})
