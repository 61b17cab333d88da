import assert from 'node:assert/strict'
import test from 'node:test'
import type { Clock } from '../../src/base/clock.js'
import { TokenBucket } from '../../src/base/token-bucket.js'
import type { NetEvent } from '../../src/net/events.js'
import type { LocalInterface } from '../../src/net/lan/mdns/interfaces.js'
import { Lookups } from '../../src/net/lan/mdns/lookups.js'
import { ReportOnce } from '../../src/net/lan/mdns/report-once.js'

/** A clock that advances on demand, and runs timers in order. */
class VirtualClock implements Clock {
  #now = 0
  #timers: { readonly at: number; readonly action: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { at: this.#now + delayMs, action }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(each => each !== timer)
    }
  }

  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((x, y) => x.at - y.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter(each => each !== due)
      this.#now = due.at
      due.action()
    }
    this.#now = end
  }

  get pending(): number {
    return this.#timers.length
  }
}

const eth0: LocalInterface = { name: 'eth0', family: 'IPv4', address: '10.0.0.7', netmask: '255.255.255.0', ipv6: [] }

function world() {
  const clock = new VirtualClock()
  const asked: string[] = []
  const lookups = new Lookups(clock, host => asked.push(`${host} at ${clock.now()}`))
  const answer = (name: string, ...addresses: readonly string[]) =>
    lookups.receive({ answers: addresses.map(data => ({ type: 'A', name, ttl: 120, data })) }, eth0)
  return { clock, asked, lookups, answer }
}

test('queries at 0, 250, 1000 and 2000 ms, and returns nothing without an answer', async () => {
  const { clock, asked, lookups } = world()
  const found = lookups.find('bob', 3_000)
  clock.advance(3_000)
  assert.deepEqual(await found, [])
  assert.deepEqual(asked, ['bob.local at 0', 'bob.local at 250', 'bob.local at 1000', 'bob.local at 2000'])
  assert.equal(clock.pending, 0)
})

test('collects further answers for a moment after the first, without another query', async () => {
  const { clock, asked, lookups, answer } = world()
  const found = lookups.find('bob', 3_000)
  clock.advance(240)
  answer('carol.local', '10.0.0.9')
  answer('bob.local', '10.0.0.1')
  clock.advance(15)
  answer('BOB.local', '10.0.0.2', '10.0.0.1')
  clock.advance(5)
  assert.deepEqual(await found, ['10.0.0.1', '10.0.0.2'])
  answer('bob.local', '10.0.0.3')
  clock.advance(3_000)
  assert.deepEqual(asked, ['bob.local at 0'])
  assert.equal(clock.pending, 0)
})

test('lookups of one host share queries and answers, with a timeout each', async () => {
  const { clock, asked, lookups, answer } = world()
  const first = lookups.find('bob', 200)
  const second = lookups.find('bob.local', 3_000)
  clock.advance(200)
  assert.deepEqual(await first, [])
  answer('bob.local', '10.0.0.1')
  clock.advance(20)
  assert.deepEqual(await second, ['10.0.0.1'])
  assert.deepEqual(asked, ['bob.local at 0'])
})

test('bounds the answers of one lookup', async () => {
  const { clock, lookups, answer } = world()
  const found = lookups.find('bob', 3_000)
  for (let i = 0; i < 1_000; i++) answer('bob.local', `10.1.${i >> 8}.${i & 255}`)
  clock.advance(20)
  assert.equal((await found).length, 16)
})

test('rejects a sixty-fifth lookup until another ends', async () => {
  const { clock, asked, lookups } = world()
  const waiting = Array.from({ length: 64 }, (_, i) => lookups.find(`peer${i}`, 1_000))
  assert.deepEqual(await lookups.find('bob', 1_000), [])
  assert.equal(asked.length, 64)
  clock.advance(1_000)
  await Promise.all(waiting)
  void lookups.find('bob', 1_000)
  assert.equal(asked.at(-1), 'bob.local at 1000')
})

test('sends no query for an invalid host', async () => {
  const { asked, lookups } = world()
  for (const odd of ['', 'example.com', 'x'.repeat(64)]) assert.deepEqual(await lookups.find(odd, 1_000), [])
  assert.deepEqual(asked, [])
})

test('closing ends all lookups, and later ones at once', async () => {
  const { clock, lookups, answer } = world()
  const bob = lookups.find('bob', 3_000)
  const carol = lookups.find('carol', 3_000)
  answer('bob.local', '10.0.0.1')
  lookups.close()
  assert.deepEqual(await bob, ['10.0.0.1'])
  assert.deepEqual(await carol, [])
  assert.deepEqual(await lookups.find('bob', 3_000), [])
  assert.equal(clock.pending, 0)
})

test('a token bucket allows its burst, then its rate, whatever the clock does', () => {
  const taken = (allowance: TokenBucket, now: number): number => {
    let count = 0
    while (count < 1_000 && allowance.take(now)) count++
    return count
  }
  const allowance = new TokenBucket(100, 5_000)
  assert.equal(taken(allowance, 5_000), 100)
  assert.equal(taken(allowance, 5_100), 10)
  assert.equal(taken(allowance, 1_000), 0, 'set back')
  assert.equal(taken(allowance, 1_050), 5)
  assert.equal(taken(allowance, 9_999_999), 100)
})

test('reports a fault once, and again if the operation succeeded in between', () => {
  const events: NetEvent[] = []
  const faults = new ReportOnce(event => events.push(event))
  const unavailable = (code: string): NetEvent => ({ kind: 'multicast-port-unavailable', port: 5353, code })
  for (let i = 0; i < 3; i++) faults.fails('port', unavailable('EACCES'))
  faults.fails('interfaces', { kind: 'no-interface' })
  faults.works('port')
  faults.fails('port', unavailable('EADDRINUSE'))
  assert.deepEqual(events, [unavailable('EACCES'), { kind: 'no-interface' }, unavailable('EADDRINUSE')])
})
