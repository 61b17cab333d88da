import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { LogEvent } from '../../src/log/events.js'
import type { Write } from '../../src/log/store/store.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { keysOf } from '../long/ledger.js'

/** A store whose commits wait until the test releases them one by one. */
class GatedStore extends MemoryStore {
  readonly #waiting: (() => void)[] = []
  isOpen = true

  override async commit(writes: readonly Write[]): Promise<void> {
    if (!this.isOpen) await new Promise<void>(resolve => this.#waiting.push(resolve))
    return super.commit(writes)
  }

  letGo(): void {
    this.#waiting.shift()?.()
  }
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 200; turns++) await turn()
}

test('sends our lines only when they are on disk', async t => {
  const store = new GatedStore()
  const [alice, bob] = await Promise.all([logOver(store, keysOf('alice')), logOver(new MemoryStore(), keysOf('bob'))])
  t.after(() => Promise.all([alice.close(), bob.close()]))
  const events: LogEvent[] = []
  alice.on('event', event => events.push(event))
  store.isOpen = false
  const said = Promise.all(['one', 'two', 'three'].map(message => alice.append({ username: 'alice', message })))
  await settled()
  // The peers connect while a group is being written.
  const [a, b] = [alice, bob].map(log => replicate(log, { live: true, dialect: 'native' }))
  assert.ok(a !== undefined && b !== undefined)
  pipeline(a, b, a, () => {})
  await settled()
  const received = (): number => bob.head.find(({ author }) => author === alice.id)?.seq ?? 0
  assert.equal(received(), 0)
  store.isOpen = true
  store.letGo()
  await said
  await settled()
  assert.equal(received(), 3)
  assert.deepEqual(events, [])
})
