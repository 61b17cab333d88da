import assert from 'node:assert/strict'
import test from 'node:test'
import { logOfKey } from '../../src/log/format/author.js'
import type { Segment } from '../../src/log/format/segment.js'
import type { Log } from '../../src/log/log.js'
import type { Refusal } from '../../src/log/options.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice, bob, carol, entryOf, WrittenLog } from '../helper/signed-world.js'

const ENTRIES = 6
const author = logOfKey(alice.publicKey)
const written = new WrittenLog(
  alice,
  Array.from({ length: ENTRIES }, (_, index) => entryOf(index + 1)),
)

/** Two histories of carol, which fork at the second entry. */
const FORK = [0, 100].map(other => {
  const log = new WrittenLog(carol, [entryOf(1), entryOf(other + 2)])
  return { ...log.name, ...log.run(1, 2), before: log.chains[0] as Uint8Array } as Segment
}) as [Segment, Segment]

/** Largest number of store calls, and of microtasks after them: by then the log is no longer busy. */
const CALLS = 10
const MICROTASKS = 15

/** A store that waits for a number of calls, and then for some microtasks. */
class CountingStore extends MemoryStore {
  #left = Number.POSITIVE_INFINITY
  #onReached: () => void = () => {}

  async reached(calls: number, microtasks: number): Promise<void> {
    this.#left = calls
    await new Promise<void>(resolve => {
      this.#onReached = resolve
    })
    for (let passed = 0; passed < microtasks; passed++) await undefined
  }

  protected override async turn(): Promise<void> {
    await super.turn()
    if (this.#left-- === 0) this.#onReached()
  }
}

/** Adds entries while the log is busy, and more entries later. Resolves with the refusals. */
async function refusedOf(
  busy: (log: Log) => Promise<unknown>,
  calls: number,
  microtasks: number,
): Promise<(Refusal | undefined)[]> {
  const store = new CountingStore()
  const log = await logOver(store, bob)
  const reached = store.reached(calls, microtasks)
  const ending = busy(log)
  const adding = [log.addSigned(author, [written.run(1, 3)])]
  await Promise.race([reached, Promise.all([ending, ...adding])])
  adding.push(log.addSigned(author, [written.run(4, 5)]), log.addSigned(author, [written.run(6, 6)]))
  const refusals = await Promise.all(adding)
  await ending
  await log.close()
  return refusals
}

test('entries that come later do not overtake those that wait while a log is divided', async () => {
  for (let calls = 0; calls < CALLS; calls++)
    for (let microtasks = 0; microtasks < MICROTASKS; microtasks++) {
      const refusals = await refusedOf(log => log.addProof(FORK), calls, microtasks)
      assert.deepEqual(refusals, [undefined, undefined, undefined], `${microtasks} microtasks after call ${calls}`)
    }
})
