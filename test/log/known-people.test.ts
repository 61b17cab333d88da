import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { type KeyPair, keyPairOf } from '../../src/base/crypto/signing.js'
import { authorOfKey, runOf } from '../../src/log/format/author.js'
import { decodeEntry, type Entry } from '../../src/log/format/entry.js'
import { type Hlc, hlcAt } from '../../src/log/format/hybrid-clock.js'
import { type KnownPeople, NOBODY_KNOWN } from '../../src/log/known-people.js'
import type { Log } from '../../src/log/log.js'
import type { ReadOptions } from '../../src/log/options.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { seedOf } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// docs/protocol/logs.md §3.3: the influence of strangers and their clocks on a reader's history.

const TRUE_MS = 1_800_000_000_000
const HOUR = 60 * 60 * 1_000
const [ME, BOB, MALLORY] = [1, 2, 3].map(seed => keyPairOf(seedOf(seed))) as [KeyPair, KeyPair, KeyPair]
const BOB_IS_KNOWN: KnownPeople = {
  ...NOBODY_KNOWN,
  isKnown: author => author === authorOfKey(BOB.publicKey),
}
const EVERYBODY: KnownPeople = { ...NOBODY_KNOWN, isKnown: () => true }

async function open(t: TestContext, keys: KeyPair, clock: VirtualClock, known = EVERYBODY): Promise<Log> {
  const log = await logOver(new MemoryStore(), keys, { clock, known })
  t.after(() => log.close())
  return log
}

async function say(log: Log, ...lines: string[]): Promise<void> {
  for (const message of lines) await log.append({ username: 'x', message })
}

/** Copies to `to` all entries that it lacks. */
async function copy(from: Log, to: Log): Promise<void> {
  const [one, other] = [from, to].map(log => replicate(log, { dialect: 'native', live: false }))
  await new Promise(resolve => pipeline([one, other, one] as never, resolve))
}

const wordsOf = ({ entry }: Entry): string => decodeEntry(entry)?.message ?? ''

async function read(log: Log, options: ReadOptions = {}): Promise<{ words: string[]; ahead: string[] }> {
  const all: Entry[] = []
  for await (const entries of log.read(options)) all.push(...entries)
  return { words: all.map(wordsOf), ahead: all.filter(({ isAhead }) => isAhead).map(wordsOf) }
}

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name} ${n + 1}`)

/** A log that has twenty lines of a known person, then fifty of a stranger, who dates theirs `byMs` ahead. */
async function flooded(t: TestContext, byMs: number, known: KnownPeople): Promise<Log> {
  const log = await open(t, ME, new VirtualClock(TRUE_MS), known)
  const bob = await open(t, BOB, new VirtualClock(TRUE_MS - HOUR))
  await say(bob, ...numbered('bob', 20))
  await copy(bob, log)
  const mallory = await open(t, MALLORY, new VirtualClock(TRUE_MS + byMs))
  await say(mallory, ...numbered('mallory', 50))
  await copy(mallory, log)
  return log
}

test('shows the last n lines of known people, and a quarter as many of strangers', async t => {
  const log = await flooded(t, 0, BOB_IS_KNOWN)
  const { words } = await read(log, { last: 8 })
  assert.deepEqual(words, [...numbered('bob', 20).slice(-8), ...numbered('mallory', 50).slice(-2)])
  const control = await flooded(t, 0, EVERYBODY)
  assert.deepEqual((await read(control, { last: 8 })).words, numbered('mallory', 50).slice(-8), 'control')
})

test('fills up to n lines with lines of strangers, and limits no one if the user knows nobody', async t => {
  const log = await flooded(t, 0, BOB_IS_KNOWN)
  assert.deepEqual((await read(log, { last: 40 })).words.length, 40)
  assert.deepEqual((await read(log, { last: 1_000 })).words.length, 70)
  const alone = await flooded(t, 0, NOBODY_KNOWN)
  assert.deepEqual((await read(alone, { last: 8 })).words, numbered('mallory', 50).slice(-8))
})

test('leaves out lines of strangers from before the first line of known people', async t => {
  const log = await open(t, ME, new VirtualClock(TRUE_MS), BOB_IS_KNOWN)
  for (const [keys, name, at] of [
    [MALLORY, 'mallory', TRUE_MS - HOUR],
    [BOB, 'bob', TRUE_MS],
  ] as const) {
    const other = await open(t, keys, new VirtualClock(at))
    await say(other, ...numbered(name, 20))
    await copy(other, log)
  }
  assert.deepEqual((await read(log, { last: 8 })).words, numbered('bob', 20).slice(-8))
})

test('shows lines that are dated ahead in a block at the end, which does not count as last lines', async t => {
  for (const known of [BOB_IS_KNOWN, EVERYBODY]) {
    const log = await flooded(t, known === EVERYBODY ? 13 * HOUR : 2 * 60_000, known)
    const all = await read(log)
    assert.deepEqual(all.words, [...numbered('bob', 20), ...numbered('mallory', 50)])
    assert.deepEqual(all.ahead, numbered('mallory', 50))
    const last = await read(log, { last: 8 })
    assert.deepEqual(last.words, [...numbered('bob', 20).slice(-8), ...numbered('mallory', 50).slice(-2)])
    assert.deepEqual(last.ahead, numbered('mallory', 50).slice(-2))
  }
  const control = await flooded(t, 0, BOB_IS_KNOWN)
  assert.deepEqual((await read(control)).ahead, [], 'control: dated now')
})

test('divides the log of one person where its dates pass the clock of the reader', async t => {
  const log = await open(t, ME, new VirtualClock(TRUE_MS), NOBODY_KNOWN)
  const clock = new VirtualClock(TRUE_MS - 2 * HOUR)
  const mallory = await open(t, MALLORY, clock)
  await say(mallory, ...numbered('past', 300))
  clock.advance(3 * HOUR)
  await say(mallory, ...numbered('ahead', 7))
  await copy(mallory, log)
  assert.deepEqual((await read(log)).ahead, numbered('ahead', 7))
  assert.deepEqual((await read(log, { last: 3 })).words, numbered('past', 300).slice(-3))
})

test('shows live lines in order of arrival, marked where they are dated ahead', async t => {
  const log = await open(t, ME, new VirtualClock(TRUE_MS), BOB_IS_KNOWN)
  const mallory = await open(t, MALLORY, new VirtualClock(TRUE_MS + 2 * 60_000))
  const live = log.read({ live: true })
  const next = async (): Promise<Entry> => (await live.next()).value?.[0] as Entry
  const waiting = next()
  await say(mallory, 'ahead')
  await copy(mallory, log)
  const ahead = await waiting
  assert.deepEqual([wordsOf(ahead), ahead.isAhead], ['ahead', true])
  await say(log, 'mine')
  const mine = await next()
  assert.deepEqual([wordsOf(mine), mine.isAhead], ['mine', undefined])
  assert.ok(mine.at < ahead.at, 'the clock does not follow a stranger')
  await live.return(undefined)
})

test('continues in a new run after its own clock was far ahead and is right again', async t => {
  const clock = new VirtualClock(TRUE_MS)
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), ME, { clock })
  await say(log, 'before')
  clock.advance(1_000 * HOUR)
  await say(log, 'wrong')
  clock.advance(-1_000 * HOUR)
  const events: unknown[] = []
  log.on('event', event => events.push(event))
  await Promise.all([say(log, 'right'), say(log, 'again')])
  const run = runOf(log.id)
  assert.notEqual(run, 0)
  assert.deepEqual(events, [{ kind: 'run-opened', run, reason: 'clock-ahead' }])
  await say(log, 'and on')
  assert.equal(runOf(log.id), run)
  // The run is closed and opened again at the right time.
  await log.close()
  const again = await logOver(new MemoryStore(disk), ME, { clock })
  t.after(() => again.close())
  await say(again, 'after a restart')
  assert.equal(runOf(again.id), run)
  const { words, ahead } = await read(again)
  assert.deepEqual(words.filter(Boolean), ['before', 'right', 'again', 'and on', 'after a restart', 'wrong'])
  assert.deepEqual(ahead, ['wrong'])
})

test('stays in its run while the people whom the user knows are ahead as well: its clock is behind', async t => {
  const clock = new VirtualClock(TRUE_MS)
  const log = await open(t, ME, clock, BOB_IS_KNOWN)
  const bob = await open(t, BOB, new VirtualClock(TRUE_MS))
  await say(bob, 'hello')
  await copy(bob, log)
  await say(log, 'before')
  clock.advance(-1_000 * HOUR)
  await say(log, 'behind')
  assert.equal(runOf(log.id), 0)
})

test('gives the same order to any two readers, for the lines that both count as past', async t => {
  const dated = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: -100, max: 100 })), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(dated, fc.integer({ min: -50, max: 50 }), async (lines, skew) => {
      const at = (minutes: number): VirtualClock => new VirtualClock(TRUE_MS + minutes * 60_000)
      const readers = [
        await open(t, ME, at(0), BOB_IS_KNOWN),
        await open(t, keyPairOf(seedOf(9)), at(skew), NOBODY_KNOWN),
      ]
      const writers = [BOB, MALLORY, keyPairOf(seedOf(4))]
      for (const [index, keys] of writers.entries()) {
        const clock = new VirtualClock(0)
        const writer = await open(t, keys, clock)
        const minutes = lines.flatMap(([who, minute]) => (who === index ? [minute] : [])).sort((a, b) => a - b)
        for (const minute of minutes) {
          clock.advance(TRUE_MS + minute * 60_000 - clock.now())
          await say(writer, `${index} ${minute}`)
        }
        for (const reader of readers) await copy(writer, reader)
      }
      const past = await Promise.all(
        readers.map(async reader => {
          const { words, ahead } = await read(reader)
          return words.filter(text => !ahead.includes(text))
        }),
      )
      const [one = [], other = []] = past
      assert.deepEqual(
        one.filter(text => other.includes(text)),
        other.filter(text => one.includes(text)),
      )
    }),
    { numRuns: 25 },
  )
})

test('dates our next line after that of a known person up to twelve hours ahead', async t => {
  const log = await open(t, ME, new VirtualClock(TRUE_MS), BOB_IS_KNOWN)
  const bob = await open(t, BOB, new VirtualClock(TRUE_MS + 11 * HOUR))
  await say(bob, 'question')
  await copy(bob, log)
  const { at } = await log.append({ username: 'me', message: 'answer' })
  assert.ok(at > (hlcAt(TRUE_MS + 11 * HOUR) as Hlc))
})
