import assert from 'node:assert/strict'
import test from 'node:test'
import { CommitQueue } from '../../src/log/commit-queue.js'
import { Feed } from '../../src/log/feed.js'
import { MemoryStore } from '../../src/sim/memory-disk.js'
import { randomRun } from '../../src/sim/random-run.js'
import { Violation } from '../../src/sim/world.js'
import { Topology } from '../../src/swarm/topology.js'

const SEEDS_MAX = 40

interface Bug {
  readonly name: string
  /** Puts the bug in; what it gives takes it out again. */
  readonly plant: () => () => void
}

/** Replaces one method of a class, and gives what puts it back. */
function replace<T extends object, K extends keyof T>(
  prototype: T,
  method: K,
  make: (original: T[K]) => T[K],
): () => void {
  const original = prototype[method]
  prototype[method] = make(original)
  return () => {
    prototype[method] = original
  }
}

const BUGS: readonly Bug[] = [
  {
    name: 'what is acknowledged is not synced',
    plant: () => {
      class Unsynced extends MemoryStore {
        protected override async synced(): Promise<void> {
          this.syncSometime()
        }
      }
      // Every store is one that syncs later.
      return replace(MemoryStore.prototype as unknown as { synced(): Promise<void> }, 'synced', () => {
        return (Unsynced.prototype as unknown as { synced(): Promise<void> }).synced
      })
    },
  },
  {
    name: 'entries are announced before they are on disk',
    plant: () =>
      replace(CommitQueue.prototype, 'write', original => {
        return function (this: CommitQueue, writes, summary) {
          original.call(this, writes, summary).catch(() => {})
          return new Promise(resolve => queueMicrotask(() => queueMicrotask(resolve)))
        }
      }),
  },
  {
    name: 'a peer is given up after three tries',
    plant: () => {
      const tries = new WeakMap<Topology, Map<string, number>>()
      return replace(Topology.prototype, 'due', original => {
        return function (this: Topology, name) {
          const counts = tries.get(this) ?? new Map<string, number>()
          tries.set(this, counts.set(name, (counts.get(name) ?? 0) + 1))
          return (counts.get(name) ?? 0) > 3 ? [] : original.call(this, name)
        }
      })
    },
  },
  {
    name: 'a live reader that is busy is not told of news',
    plant: () => {
      const waiting = new WeakSet<Feed>()
      const restore = [
        replace(Feed.prototype, 'wait', original => {
          return async function (this: Feed) {
            waiting.add(this)
            await original.call(this)
            waiting.delete(this)
          }
        }),
        replace(Feed.prototype, 'push', original => {
          return function (this: Feed, span) {
            if (waiting.has(this)) original.call(this, span)
          }
        }),
      ]
      return () => {
        for (const put of restore) put()
      }
    },
  },
]

async function killedBy(): Promise<string | undefined> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    try {
      await randomRun(seed)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      return `seed ${seed}: ${error.message.split('\n')[0]}`
    }
  }
  return undefined
}

test('nothing is killed where no bug is planted', async () => {
  for (let seed = 1; seed <= 5; seed++) await randomRun(seed)
})

for (const { name, plant } of BUGS) {
  test(`killed: ${name}`, async t => {
    const restore = plant()
    try {
      const killer = await killedBy()
      t.diagnostic(`killed by ${killer}`)
      assert.notEqual(killer, undefined, `${name}: survived ${SEEDS_MAX} seeds`)
    } finally {
      restore()
    }
  })
}
