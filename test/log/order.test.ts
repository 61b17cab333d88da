import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test, { type TestContext } from 'node:test'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { DisplayNames } from '../../src/chat/display-names.js'
import { messageOf } from '../../src/chat/kinds/message.js'
import { decodeEntry, type Entry } from '../../src/log/format/entry.js'
import { AHEAD_MS_MAX, type Hlc } from '../../src/log/format/hybrid-clock.js'
import type { Log } from '../../src/log/log.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { seedOf } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// docs/protocol/logs.md §3.3: the conversation order does not depend on the clocks.

const BOUND = { timeout: 120_000 }
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR
/** The true time. */
const TRUE_MS = 1_800_000_000_000

/** A peer with a log and a wrong clock, connected to others. */
class Person {
  readonly name: string
  readonly log: Log
  readonly clock: VirtualClock
  /** Number of entries of all authors on this disk. */
  readonly #count = (): number => this.log.head.reduce((sum, { seq }) => sum + seq, 0)

  constructor(name: string, log: Log, clock: VirtualClock) {
    this.name = name
    this.log = log
    this.clock = clock
  }

  /** Appends a line that answers `reply`. */
  say(message: string, reply?: string): Promise<Entry> {
    return this.log.append({ username: this.name, message, ...(reply !== undefined && { reply }) })
  }

  async holds(entries: number): Promise<void> {
    while (this.#count() < entries) await new Promise(resolve => this.log.once('entries', resolve))
  }

  async history(): Promise<Entry[]> {
    const all: Entry[] = []
    for await (const entries of this.log.read()) all.push(...entries)
    return all
  }
}

/** Peers with these clock offsets, connected in a ring. */
async function people(t: TestContext, offsets: Readonly<Record<string, number>>): Promise<Person[]> {
  const all = await Promise.all(
    Object.entries(offsets).map(async ([name, offset], index) => {
      const clock = new VirtualClock(offset === 1970 ? 0 : TRUE_MS + offset)
      return new Person(name, await logOver(new MemoryStore(), keyPairOf(seedOf(10 + index)), { clock }), clock)
    }),
  )
  all.forEach((person, index) => {
    const next = all[(index + 1) % all.length] as Person
    const [one, other] = [person, next].map(({ log }) => replicate(log, { dialect: 'native', live: true }))
    if (one === undefined || other === undefined) return
    pipeline(one, other, one, () => {})
    t.after(() => one.destroy())
  })
  t.after(() => Promise.all(all.map(({ log }) => log.close())))
  return all
}

/** Each peer in turn answers the last line that it sees; some lines are written by all at once. Returns the number of lines. */
async function converse(all: readonly Person[], rounds: number): Promise<number> {
  let said = 0
  for (let round = 0; round < rounds; round++) {
    for (const person of all) {
      await Promise.all(all.map(other => other.holds(said)))
      for (const { clock } of all) clock.advance(7_000)
      await person.say(`${person.name} ${round}`, lastWords(await person.history()))
      said++
    }
    await Promise.all(all.map(other => other.holds(said)))
    await Promise.all(all.map(other => other.say(`${other.name} at once ${round}`)))
    said += all.length
  }
  await Promise.all(all.map(other => other.holds(said)))
  return said
}

const wordsOf = ({ entry }: Entry): string => decodeEntry(entry)?.message ?? ''
const lastWords = (entries: readonly Entry[]): string | undefined => entries.map(wordsOf).at(-1)

/** Asserts that every reply is after the line that it answers, and every log is in order of seq. */
function assertCausal(history: readonly Entry[]): void {
  const seen = new Set<string>()
  const seqs = new Map<string, number>()
  for (const entry of history) {
    const reply = decodeEntry(entry.entry)?.['reply']
    if (typeof reply === 'string') assert.ok(seen.has(reply), `${wordsOf(entry)} comes before ${reply}`)
    assert.equal(entry.seq, (seqs.get(entry.author) ?? 0) + 1)
    seqs.set(entry.author, entry.seq)
    seen.add(wordsOf(entry))
  }
}

async function assertSame(all: readonly Person[], count: number): Promise<Entry[]> {
  const histories = await Promise.all(all.map(person => person.history()))
  const [first = []] = histories
  assert.equal(first.length, count)
  for (const history of histories) {
    assert.deepEqual(history.map(wordsOf), first.map(wordsOf))
    assertCausal(history)
  }
  return first
}

/** The labels of a history as shown to users. */
function labels(person: Person, history: readonly Entry[]): { texts: Map<string, Set<string>>; news: string[] } {
  const names = new DisplayNames(person.name, person.log.author)
  const texts = new Map<string, Set<string>>()
  const news: string[] = []
  for (const entry of history) {
    const message = messageOf(entry)
    assert.ok(message)
    const label = names.labelOf(message, person.clock.now())
    texts.set(message.username, (texts.get(message.username) ?? new Set()).add(label.text))
    if (label.notice !== undefined) news.push(label.notice)
  }
  return { texts, news }
}

test('orders entries the same everywhere with clocks hours off, and replies after what they answer', BOUND, async t => {
  const all = await people(t, { alice: 0, bob: 5 * MINUTE, carol: -2 * HOUR, dave: 2 * HOUR })
  const history = await assertSame(all, await converse(all, 6))
  for (const person of all) {
    const { texts, news } = labels(person, history)
    assert.deepEqual(news, [])
    assert.deepEqual([...texts.values()].flatMap(set => [...set]).sort(), ['alice', 'bob', 'carol', 'dave'])
  }
})

test('sorts lines of a clock 20 years ahead last, marks them, and reorders no others', BOUND, async t => {
  const offsets = { alice: 5 * MINUTE, bob: -2 * HOUR }
  const all = await people(t, { ...offsets, zoe: 20 * YEAR })
  const [alice, bob, zoe] = all as [Person, Person, Person]
  const count = await converse(all, 5)
  const history = (await alice.history()).map(wordsOf)
  for (const person of all) assert.deepEqual((await person.history()).map(wordsOf), history)
  assert.equal(history.length, count)
  // All of zoe's lines are last, in the order of her log; the others are ordered as if she were absent.
  const zoes = history.filter(words => words.startsWith('zoe'))
  assert.deepEqual(history.slice(-zoes.length), zoes)
  const rest = (await alice.history()).filter(entry => !wordsOf(entry).startsWith('zoe'))
  for (const { at } of rest) assert.ok(Number(at.slice(0, 13)) < TRUE_MS + AHEAD_MS_MAX)
  const others = rest.filter(entry => {
    const reply = decodeEntry(entry.entry)?.['reply']
    return typeof reply !== 'string' || !reply.startsWith('zoe')
  })
  const seen = new Set<string>()
  for (const entry of others) {
    const reply = decodeEntry(entry.entry)?.['reply']
    if (typeof reply === 'string' && !reply.startsWith('zoe')) assert.ok(seen.has(reply))
    seen.add(wordsOf(entry))
  }
  for (const person of [alice, bob]) {
    const { texts, news } = labels(person, await person.history())
    assert.deepEqual(texts.get('zoe'), new Set(['zoe (clock ahead)']))
    assert.deepEqual([texts.get('alice'), texts.get('bob')], [new Set(['alice']), new Set(['bob'])])
    assert.deepEqual(news, ["lines of zoe are dated ahead of this computer's clock: they sort last"])
  }
  // By her own clock nothing is ahead; the others are behind.
  assert.deepEqual(labels(zoe, await zoe.history()).news, [])
})

test('lets an unset clock follow the others, so that its lines sort by when they were written', BOUND, async t => {
  const all = await people(t, { alice: 5 * MINUTE, bob: -2 * HOUR, old: 1970 })
  await (all[0] as Person).say('alice begins')
  await Promise.all(all.map(person => person.holds(1)))
  const said = await rest(all, 1)
  const history = await assertSame(all, said)
  for (const entry of history.slice(1)) assert.ok(Number(entry.at.slice(0, 13)) > TRUE_MS - 3 * HOUR, entry.at)
  // The old clock is far from the conversation's time, so its entries carry both times.
  const old = history.filter(entry => wordsOf(entry).startsWith('old'))
  for (const entry of old) assert.ok((messageOf(entry)?.timeMs ?? TRUE_MS) < YEAR)
})

test('sorts lines of an unset clock first until it has heard from anyone', BOUND, async () => {
  const clock = new VirtualClock(0)
  const log = await logOver(new MemoryStore(), keyPairOf(seedOf(20)), { clock })
  const first = await log.append({ username: 'old', message: 'anybody there?' })
  assert.equal(first.at, '0000000000000.0001')
  const other = await logOver(new MemoryStore(), keyPairOf(seedOf(21)), { clock: new VirtualClock(TRUE_MS) })
  const heard = await other.append({ username: 'alice', message: 'yes' })
  const [one, two] = [log, other].map(each => replicate(each, { dialect: 'native', live: false }))
  await new Promise(resolve => pipeline([one, two, one] as never, resolve))
  const second = await log.append({ username: 'old', message: 'good' })
  assert.ok(second.at > heard.at && second.at < (String(TRUE_MS + MINUTE) as Hlc))
  await log.close()
  await other.close()
})

test('lets an unset clock follow a clock 20 years ahead without moving the others', BOUND, async t => {
  const all = await people(t, { alice: 5 * MINUTE, bob: -2 * HOUR, old: 1970, zoe: 20 * YEAR })
  const count = await converse(all, 3)
  const [alice, bob] = all as [Person, Person]
  const histories = await Promise.all(all.map(async person => (await person.history()).map(wordsOf)))
  for (const history of histories) assert.deepEqual(history, histories[0])
  assert.equal(histories[0]?.length, count)
  for (const person of [alice, bob]) {
    for (const entry of await person.history()) {
      if (!/^(old|zoe)/.test(wordsOf(entry))) assert.ok(Number(entry.at.slice(0, 13)) < TRUE_MS + AHEAD_MS_MAX)
    }
  }
})

test('orders lines of the same time by author, and two by one author by seq', BOUND, async t => {
  const all = await people(t, { alice: 0, bob: 0, carol: 0 })
  await Promise.all(all.flatMap(person => [person.say(`${person.name} 1`), person.say(`${person.name} 2`)]))
  await Promise.all(all.map(person => person.holds(6)))
  const history = await assertSame(all, 6)
  const key = ({ at, author, seq }: Entry): string => `${at} ${author} ${String(seq).padStart(10, '0')}`
  assert.deepEqual(history.map(key), history.map(key).sort())
  assert.ok(new Set(history.map(({ at }) => at)).size < 6, 'some are at the same time')
})

test('keeps the order when the counter carries into the millisecond', BOUND, async () => {
  const log = await logOver(new MemoryStore(), keyPairOf(seedOf(30)), { clock: new VirtualClock(TRUE_MS) })
  const entries = await Promise.all(
    Array.from({ length: 10_002 }, (_, line) => log.append({ username: 'alice', message: `${line}` })),
  )
  const ats = entries.map(({ at }) => at)
  assert.equal(ats[0], `${TRUE_MS}.0000`)
  assert.equal(ats[9_999], `${TRUE_MS}.9999`)
  assert.equal(ats[10_000], `${TRUE_MS + 1}.0000`)
  assert.deepEqual(ats, ats.toSorted())
  await log.close()
})

/** Like `converse`, after `said` entries that exist already. */
async function rest(all: readonly Person[], said: number): Promise<number> {
  let count = said
  for (let round = 0; round < 5; round++) {
    for (const person of all) {
      await Promise.all(all.map(other => other.holds(count)))
      await person.say(`${person.name} ${round}`, lastWords(await person.history()))
      count++
    }
  }
  await Promise.all(all.map(other => other.holds(count)))
  return count
}
