import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { loadKey } from '../src/base/crypto/key-file.js'
import { systemRandom } from '../src/base/random.js'
import { openRowStore } from '../src/compat/scuttleup/row-store.js'
import { Log } from '../src/log/log.js'
import { LevelStore } from '../src/log/store/level-store.js'
import { Replicator } from '../src/sync/replicator.js'
import type { Contestant, Program, Shape } from './contestant.js'
import { lineOf, linesOf } from './entries.js'
import { HastyStore } from './hasty-store.js'

const LAYOUT = { unsigned: openRowStore }

const append = (log: Log, message: string) => log.append({ username: 'bench', message })

/** Entries appended before yielding to the disk and the connections. More or fewer measured slower. */
const TURN_ENTRIES = 4_000

async function appendAll(log: Log, lines: readonly string[]): Promise<void> {
  const turns: Promise<void>[] = []
  for (let from = 0; from < lines.length; from += TURN_ENTRIES) {
    turns.push(appendTogether(log, lines.slice(from, from + TURN_ENTRIES)))
    await setImmediate()
  }
  await Promise.all(turns)
}

const appendTogether = (log: Log, lines: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    let left = lines.length
    const count = (): void => {
      if (--left === 0) resolve()
    }
    for (const line of lines) append(log, line).then(count, reject)
  })

/** Our log: signed, and on disk when an append resolves. */
export const program: Program = {
  async open(directory): Promise<Contestant> {
    const log = await Log.open(directory, LAYOUT)
    const replicator = new Replicator(log)
    return {
      keys: [],
      append: line => append(log, line),
      appendAll: lines => appendAll(log, lines),
      readAll: async onEntries => {
        for await (const entries of log.read()) onEntries(entries.length)
      },
      replicate: () => replicator.createStream(),
      onStored: listener => {
        log.on('entries', ({ author, from, to }) => {
          if (author !== log.id) listener(to - from)
        })
      },
      onText: listener => void log.createReadStream({ live: true, tail: true }).on('data', listener),
      close: () => log.close(),
    }
  },

  async fill(directory, shape: Shape) {
    if (shape.authors === 1) await write(directory, shape)
    else await gather(directory, shape)
    return []
  },
}

async function write(directory: string, { entries, appended, areJoined }: Shape): Promise<void> {
  const store = new HastyStore(await LevelStore.open(directory), !areJoined)
  const log = await Log.over(store, await loadKey(path.join(directory, 'key'), systemRandom), LAYOUT)
  if (appended === 'in bulk') await appendAll(log, linesOf(entries))
  else for (let index = 0; index < entries; index++) await append(log, lineOf(index))
  await log.close()
}

/** Collects the logs of several authors by replicating with each of them. */
async function gather(directory: string, shape: Shape): Promise<void> {
  const log = await Log.open(directory, LAYOUT)
  for (let author = 0; author < shape.authors; author++) {
    const elsewhere = await mkdtemp(`${directory}-author-`)
    await write(elsewhere, { ...shape, authors: 1 })
    const other = await Log.open(elsewhere, LAYOUT)
    const theirs = new Replicator(other).createStream({ live: false })
    await pipeline(theirs, new Replicator(log).createStream({ live: false }), theirs)
    await other.close()
    await rm(elsewhere, { recursive: true })
  }
  await log.close()
}
