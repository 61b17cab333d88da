import assert from 'node:assert/strict'
import test from 'node:test'
import { ChatError } from '../../../src/base/errors.js'
import { FaceOutbox } from '../../../src/host/client/face-outbox.js'
import { LINES_MAX, UNACKNOWLEDGED_MAX, UNANSWERED_BYTES_MAX } from '../../../src/host/protocol/limits.js'
import { ENTRY_BYTES_MAX } from '../../../src/log/limits.js'

/** Records requests: the numbers in each frame of lines, and `ack n`. */
class Sender {
  readonly asked: (readonly number[] | string)[] = []

  say(first: number, _acknowledged: number, drafts: readonly string[]): void {
    this.asked.push(numbers(first, first + drafts.length - 1))
  }

  acknowledge(upTo: number): void {
    this.asked.push(`ack ${upTo}`)
  }

  get lines(): number[] {
    return this.asked.flatMap(each => (typeof each === 'string' ? [] : each))
  }
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)
const turn = (): Promise<void> => new Promise(resolve => process.nextTick(resolve))

test('sends a limited number of lines from the first unanswered one on', async () => {
  const outbox = new FaceOutbox()
  const sender = new Sender()
  const last = UNACKNOWLEDGED_MAX + 10
  const lines = numbers(1, last).map(number => outbox.add(`line ${number}`))
  outbox.connected(sender)
  assert.deepEqual(sender.lines, numbers(1, UNACKNOWLEDGED_MAX))
  outbox.answered(2, 2)
  await turn()
  assert.deepEqual(sender.lines, numbers(1, UNACKNOWLEDGED_MAX), 'the first is not answered')
  outbox.answered(1, 1)
  await turn()
  assert.deepEqual(sender.lines, numbers(1, UNACKNOWLEDGED_MAX + 2))
  outbox.answered(3, last - 8)
  await turn()
  outbox.answered(last - 7, last)
  await Promise.all(lines)
  await outbox.emptied()
  assert.deepEqual(sender.lines, numbers(1, last))
  outbox.acknowledge()
  assert.equal(sender.asked.at(-1), `ack ${last}`)
})

test('sends a limited number of bytes, however few lines they are', async () => {
  const outbox = new FaceOutbox()
  const sender = new Sender()
  outbox.connected(sender)
  const count = (2 * UNANSWERED_BYTES_MAX) / ENTRY_BYTES_MAX
  for (const _ of numbers(1, count)) void outbox.add('x'.repeat(ENTRY_BYTES_MAX - 100))
  await turn()
  const { length } = sender.lines
  assert.ok(length >= count / 2 && length < count / 2 + 4, `${length} lines`)
  outbox.answered(1, 10)
  await turn()
  assert.equal(sender.lines.length, length + 10)
})

test('sends the lines of one turn in one frame, and no frame without an end', async () => {
  const outbox = new FaceOutbox()
  const sender = new Sender()
  outbox.connected(sender)
  for (const number of numbers(1, 3)) void outbox.add(`line ${number}`)
  assert.deepEqual(sender.asked, [])
  await turn()
  assert.deepEqual(sender.asked, [[1, 2, 3]])
  for (const number of numbers(4, 4 + LINES_MAX)) void outbox.add(`line ${number}`)
  assert.deepEqual(sender.asked, [[1, 2, 3], numbers(4, 3 + LINES_MAX)], 'a full frame is sent at once')
})

test('sends every unanswered line to the next node, in order', () => {
  const outbox = new FaceOutbox()
  for (const number of numbers(1, 4)) void outbox.add(`line ${number}`)
  outbox.connected(new Sender())
  outbox.answered(1, 1)
  outbox.answered(3, 3)
  outbox.disconnected()
  void outbox.add('line 5')
  const next = new Sender()
  outbox.connected(next)
  assert.deepEqual(next.asked, [[2], [4, 5]])
})

test('counts rejected lines, and names the first line that is not stored', async () => {
  const outbox = new FaceOutbox()
  outbox.connected(new Sender())
  const refused = outbox.add('no')
  void outbox.add('waits')
  outbox.answered(1, 1, new ChatError('BAD_MESSAGE', 'it is too long', { hint: 'Split it.' }))
  await assert.rejects(refused, { code: 'BAD_MESSAGE', message: 'it is too long. Split it. It began: no' })
  assert.deepEqual([outbox.size, outbox.unstored, outbox.firstUnstored], [1, 2, 'no'])
})
