import assert from 'node:assert/strict'
import test from 'node:test'
import type { Clock } from '../../../src/base/clock.js'
import { NodeWatch } from '../../../src/host/client/silence.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

/** A node that answers unless it is stopped. */
class Node {
  isGone = false
  isStopped = false
  isParked = false
  pings = 0
  #waiting: (() => void)[] = []

  ping(): Promise<void> {
    this.pings++
    return new Promise(resolve => {
      if (this.isStopped) this.#waiting.push(resolve)
      else resolve()
    })
  }

  continue(): void {
    this.isStopped = false
    for (const answer of this.#waiting.splice(0)) answer()
  }
}

const settled = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

test('reports once that the node has not answered for two seconds, and that it answers again', async () => {
  const clock = new VirtualClock(1_000)
  const node = new Node()
  const told: boolean[] = []
  new NodeWatch(node, clock, since => void told.push(since !== undefined)).start()
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100)
      await settled()
    }
  }
  await pass(10_000)
  assert.deepEqual(told, [], 'it answers')
  node.isStopped = true
  await pass(2_700)
  assert.deepEqual(told, [true])
  await pass(30_000)
  assert.deepEqual(told, [true])
  node.continue()
  await pass(100)
  assert.deepEqual(told, [true, false])
  node.isStopped = true
  await pass(2_700)
  assert.deepEqual(told, [true, false, true])
})

test('does not report the node if the face itself was suspended', async () => {
  let now = 1_000
  const timers: (() => void)[] = []
  const clock: Clock = {
    now: () => now,
    after: (_delayMs, action) => {
      timers.push(action)
      return () => void timers.splice(timers.indexOf(action), 1)
    },
  }
  const node = new Node()
  const told: boolean[] = []
  node.isStopped = true
  new NodeWatch(node, clock, since => void told.push(since !== undefined)).start()
  now += 60_000 // the timer comes a minute late, and before the answer is read
  for (const action of timers.splice(0)) action()
  node.continue()
  await settled()
  assert.deepEqual(told, [])
})

test('pings while the room is shown, and reports a silence that began before it was hidden', async () => {
  const clock = new VirtualClock(1_000)
  const node = new Node()
  const reports: boolean[] = []
  const watch = new NodeWatch(node, clock, since => void reports.push(since !== undefined))
  const pass = async (ms: number): Promise<number> => {
    const before = node.pings
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100)
      await settled()
    }
    return node.pings - before
  }
  watch.start()
  assert.ok((await pass(10_000)) >= 16)
  watch.pause()
  assert.equal(await pass(60_000), 0)
  assert.equal(clock.timers, 0)
  node.isStopped = true
  const before = node.pings
  watch.start()
  watch.start()
  assert.equal(node.pings, before + 1, 'one open ping at a time')
  await pass(2_700)
  assert.deepEqual(reports, [true])
  watch.pause()
  node.continue()
  assert.equal(await pass(10_000), 0)
  assert.deepEqual(reports, [true, false])
})
