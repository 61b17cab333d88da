import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/base/bytes.js'
import { hash } from '../../src/base/hash.js'
import { keyPairOf } from '../../src/base/signing.js'
import { authorOfKey } from '../../src/log/author.js'
import { Log } from '../../src/log/log.js'
import { roomId } from '../../src/log/room.js'
import { MemoryStore } from '../helper/memory-store.js'

let opened = 0
const keysOf = (index: number) => keyPairOf(hash(utf8(`author ${index}`)))
const MALLORY = keysOf(0)
const mallory = authorOfKey(MALLORY.publicKey)
const room = roomId('lobby')

const openLog = (keys = keysOf(++opened)): Promise<Log> => Log.over(new MemoryStore(), keys, { room })

/** Turns of the event loop without a byte after which two logs in memory have nothing more to say. */
const QUIET_TURNS = 40

/** Replicates two logs until nothing more comes of it. */
async function meet(a: Log, b: Log): Promise<void> {
  const [one, other] = [a, b].map(log => log.createReplicationStream({ live: true, dialect: 'ours' }))
  if (one === undefined || other === undefined) return
  let quiet = 0
  for (const stream of [one, other]) {
    stream.on('data', () => {
      quiet = 0
    })
  }
  pipeline(one, other, one, () => {})
  while (quiet++ < QUIET_TURNS) await new Promise(resolve => setImmediate(resolve))
  one.destroy()
  other.destroy()
}

/** A log of mallory's that begins as `common` does and goes on by itself; `groups` are lines appended together. */
async function branch(common: readonly string[], groups: readonly (readonly string[])[], seedFrom: Log): Promise<Log> {
  const log = await openLog(MALLORY)
  if (common.length > 0) {
    log.ownClaimed(common.length)
    await meet(log, seedFrom)
  }
  for (const lines of groups) await Promise.all(lines.map(message => log.append({ username: 'mallory', message })))
  await log.offer()
  return log
}

const held = async (log: Log): Promise<string[]> => {
  const texts: string[] = []
  for await (const entries of log.read()) for (const { entry } of entries) texts.push(Buffer.from(entry).toString())
  return texts
}

const groups = (label: string) =>
  fc
    .array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })
    .map(sizes => sizes.map((size, group) => Array.from({ length: size }, (_, line) => `${label} ${group} ${line}`)))

test('every peer that hears of a fork proves the same one, and freezes the log at the same place', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 5 }),
      groups('left'),
      groups('right'),
      fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
      async (commonLength, left, right, order) => {
        const common = Array.from({ length: commonLength }, (_, line) => `common ${line}`)
        const origin = await openLog(MALLORY)
        for (const message of common) await origin.append({ username: 'mallory', message })
        const logs = [await branch(common, left, origin), await branch(common, right, origin)]
        const peers = await Promise.all([openLog(), openLog(), openLog()])
        const [bob, carol, dave] = peers
        const honest = await bob.append({ username: 'bob', message: 'honest' })
        const meetings = [
          () => meet(bob, logs[0] as Log),
          () => meet(carol, logs[1] as Log),
          () => meet(bob, carol),
          () => meet(carol, dave),
          () => meet(dave, bob),
          () => meet(dave, logs[1] as Log),
        ]
        for (const index of order) await meetings[index]?.()
        for (let round = 0; round < 3; round++) for (const meeting of meetings) await meeting()

        const place = commonLength + 1
        for (const log of [...peers, ...logs]) {
          assert.equal(log.isDisputed({ author: mallory, seq: place }), true, 'the fork is known')
          assert.equal(
            log.isDisputed({ author: mallory, seq: commonLength }),
            false,
            'what both histories share is not disputed',
          )
          assert.equal(log.isDisputed({ author: honest.author, seq: 1 }), false, 'no honest author is frozen')
          assert.ok((log.head.find(({ author }) => author === mallory)?.seq ?? 0) >= commonLength, 'the prefix is held')
          assert.equal((await log.verify(mallory)).fault, undefined)
          const texts = await held(log)
          for (const line of common) assert.equal(texts.filter(text => text.includes(`"${line}"`)).length, 1)
        }
        await assert.rejects((logs[0] as Log).append({ username: 'mallory', message: 'more' }), { code: 'LOG_FROZEN' })
        for (const log of [origin, ...peers, ...logs]) await log.close()
      },
    ),
    { includeErrorInReport: true, numRuns: Number(process.env['FORK_SCHEDULES'] ?? 100) },
  )
})

test('a log that only goes on is no fork (control)', async () => {
  const origin = await openLog(MALLORY)
  await origin.append({ username: 'mallory', message: 'one' })
  const bob = await openLog()
  await meet(bob, origin)
  await origin.append({ username: 'mallory', message: 'two' })
  await meet(bob, origin)
  await meet(bob, origin)
  assert.equal(bob.isDisputed({ author: mallory, seq: 1 }), false)
  assert.equal((await held(bob)).length, 2)
  for (const log of [origin, bob]) await log.close()
})

test('own lines that nobody was told of make room for what peers hold, and are said again behind it', async () => {
  const before = await openLog(MALLORY)
  await before.append({ username: 'mallory', message: 'first' })
  const bob = await openLog()
  await meet(bob, before)
  await before.append({ username: 'mallory', message: 'told to bob' })
  await meet(bob, before)

  const restored = await openLog(MALLORY)
  await restored.append({ username: 'mallory', message: 'told to nobody' })
  await restored.append({ username: 'mallory', message: 'nor this' })
  await meet(restored, bob)

  for (const log of [restored, bob]) {
    assert.equal(log.isDisputed({ author: mallory, seq: 1 }), false, 'it is no fork')
    const texts = (await held(log)).map(text => JSON.parse(text).message)
    assert.deepEqual(texts, ['first', 'told to bob', 'told to nobody', 'nor this'])
  }
  for (const log of [before, restored, bob]) await log.close()
})
