import assert from 'node:assert/strict'
import test from 'node:test'
import type { Clock } from '../../src/base/clock.js'
import { silentLine, watchHost } from '../../src/node/host-watch.js'
import { VirtualClock } from '../helper/virtual-clock.js'

/** A process that answers when it is told to. */
class Host {
  isParted = false
  isStopped = false
  #waiting: (() => void)[] = []

  ping(): Promise<void> {
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

test('a process that does not answer is told once within two seconds, and that it answers again', async () => {
  const clock = new VirtualClock(1_000)
  const host = new Host()
  const told: boolean[] = []
  watchHost(host, clock, isSilent => void told.push(isSilent))
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100)
      await settled()
    }
  }
  await pass(10_000)
  assert.deepEqual(told, [], 'it answers')
  host.isStopped = true
  await pass(2_000)
  assert.deepEqual(told, [true])
  await pass(30_000)
  assert.deepEqual(told, [true])
  host.continue()
  await pass(100)
  assert.deepEqual(told, [true, false])
  host.isStopped = true
  await pass(2_000)
  assert.deepEqual(told, [true, false, true])
})

test('a process that was stopped itself blames nobody else', async () => {
  let now = 1_000
  const timers: (() => void)[] = []
  const clock: Clock = {
    now: () => now,
    after: (_delayMs, action) => {
      timers.push(action)
      return () => void timers.splice(timers.indexOf(action), 1)
    },
  }
  const host = new Host()
  const told: boolean[] = []
  host.isStopped = true
  watchHost(host, clock, isSilent => void told.push(isSilent))
  now += 60_000 // the timer comes a minute late, and before the answer is read
  for (const action of timers.splice(0)) action()
  host.continue()
  await settled()
  assert.deepEqual(told, [])
})

test('what to do is said with the process, where that is known', () => {
  assert.match(silentLine('alice', 4711), /alice \(pid 4711\).* fg .*kill -9 4711$/)
  assert.match(silentLine('alice', undefined), /alice has .* fg .*end it$/)
})
