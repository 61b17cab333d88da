import assert from 'node:assert/strict'
import test from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import { Outbox } from '../../src/host/outbox.js'

/** Records requests: numbers of lines, and `ack n`. */
class Sender {
  readonly asked: (number | string)[] = []

  say(number: number): void {
    this.asked.push(number)
  }

  acknowledge(upTo: number): void {
    this.asked.push(`ack ${upTo}`)
  }
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

test('sends at most 64 lines from the first unanswered one on', async () => {
  const outbox = new Outbox()
  const sender = new Sender()
  const lines = numbers(1, 100).map(number => outbox.add(`line ${number}`))
  outbox.connected(sender)
  assert.deepEqual(sender.asked, numbers(1, 64))
  outbox.answered(2, undefined)
  assert.deepEqual(sender.asked, numbers(1, 64), 'the first is not answered')
  outbox.answered(1, undefined)
  assert.deepEqual(sender.asked, numbers(1, 66))
  for (const number of numbers(3, 100)) outbox.answered(number, undefined)
  await Promise.all(lines)
  await outbox.emptied()
  assert.deepEqual(sender.asked, [...numbers(1, 100), 'ack 100'])
})

test('sends every unanswered line to the next node, in order', () => {
  const outbox = new Outbox()
  for (const number of numbers(1, 4)) void outbox.add(`line ${number}`)
  outbox.connected(new Sender())
  outbox.answered(1, undefined)
  outbox.answered(3, undefined)
  outbox.disconnected()
  void outbox.add('line 5')
  const next = new Sender()
  outbox.connected(next)
  assert.deepEqual(next.asked, [2, 4, 5])
})

test('counts rejected lines, and names the first line that is not stored', async () => {
  const outbox = new Outbox()
  outbox.connected(new Sender())
  const refused = outbox.add('no')
  void outbox.add('waits')
  outbox.answered(1, new ChatError('LOG_FROZEN', 'your log has forked', { hint: 'Renew your key.' }))
  await assert.rejects(refused, { code: 'LOG_FROZEN', message: 'your log has forked. Renew your key. It began: no' })
  assert.deepEqual([outbox.size, outbox.unstored, outbox.firstUnstored], [1, 2, 'no'])
})
