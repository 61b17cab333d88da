import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import fc from 'fast-check'
import { UnreadCount } from '../../src/chat/views/unread-count.js'
import { readMarkPairs, readMarksOf } from '../../src/host/protocol/codec.js'
import type { LogId } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import type { ReadMark } from '../../src/log/options.js'
import { advanced, unionOf } from '../../src/log/read/read-mark.js'
import { messagesOf } from '../../src/node/room-api.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, bob, carol, keysOfByte, WrittenLog } from '../helper/signed-world.js'
import { idOf, withStubs } from '../helper/stub-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const lineOf = (index: number, text: string): Uint8Array =>
  Buffer.from(
    JSON.stringify({ at: `${1_763_670_000_000 + index}.0000`, username: 'alice', message: `${text} ${index}` }),
  )

const COMMON = 5
const LINES = 10
const common = Array.from({ length: COMMON }, (_, index) => lineOf(index, 'common'))
const historyOf = (text: string): WrittenLog =>
  new WrittenLog(alice, [
    ...common,
    ...Array.from({ length: LINES - COMMON }, (_, index) => lineOf(COMMON + index, text)),
  ])

/** A peer with one history of alice, or a part of it, of which some places are stubs. */
interface Source {
  readonly history: 'one' | 'other'
  readonly length: number
  /** Bit n: place n is a stub. */
  readonly stubs: number
}

type Step =
  | { readonly meet: Source }
  | { readonly draw: 0 | 1 }
  /** The size bound drops the first places of each log. */
  | { readonly drop: number }
  /** The user fetches what was dropped. It arrives from the next peer that has it. */
  | { readonly fetch: true }
  | { readonly restart: true }
  | { readonly tell: true }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      meet: fc.record({
        history: fc.constantFrom<Source['history']>('one', 'one', 'other'),
        length: fc.integer({ min: 1, max: LINES }),
        stubs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** (LINES + 1) - 1 })),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ draw: fc.constantFrom<0 | 1>(0, 1) }) },
  { weight: 1, arbitrary: fc.record({ drop: fc.integer({ min: 1, max: LINES }) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ fetch: true }) },
  { weight: 1, arbitrary: fc.constant<Step>({ restart: true }) },
  { weight: 1, arbitrary: fc.constant<Step>({ tell: true }) },
)

/** Rules of read marks that a control turns off. */
interface Rules {
  /** Marks remember the places that they passed without content. */
  readonly remembersPassed: boolean
  /** Marks of two faces are joined; otherwise the further one counts. */
  readonly joins: boolean
}
const RULES: Rules = { remembersPassed: true, joins: true }

type Marks = ReadonlyMap<LogId, ReadMark>

/** One user with two faces, who reads the log of alice. */
class User {
  readonly #rules: Rules
  readonly #disk = new MemoryDisk()
  readonly #clock = new VirtualClock()
  readonly #drawn = new Set<string>()
  /** The lines that were dropped, by their places. */
  readonly #dropped = new Map<string, string>()
  #log!: Log
  readonly #faces: [Marks, Marks] = [new Map(), new Map()]

  constructor(rules: Rules) {
    this.#rules = rules
  }

  async open(): Promise<void> {
    this.#log = await logOver(new MemoryStore(this.#disk), bob, { clock: this.#clock })
  }

  async close(): Promise<void> {
    await this.#log.close()
  }

  async step(step: Step): Promise<void> {
    if ('meet' in step) await this.#meet(step.meet)
    else if ('draw' in step) await this.#draw(step.draw)
    else if ('drop' in step) await this.#drop(step.drop)
    else if ('fetch' in step) await this.#fetch()
    else if ('tell' in step) this.#faces.fill(await this.#joined())
    else {
      await this.close()
      await this.open()
      const stored = (marks: Marks): Marks => {
        const chains = [...marks.values()]
        const read = readMarksOf(JSON.parse(JSON.stringify(readMarkPairs(chains)))) ?? []
        return mapOf(read.map((mark, index) => ({ ...mark, ...chainOf(chains[index]) })))
      }
      this.#faces[0] = stored(this.#faces[0])
      this.#faces[1] = stored(this.#faces[1])
    }
  }

  /** Compares the count with all lines on this disk that no face has drawn. */
  async check(): Promise<void> {
    const marks = [...(await this.#joined()).values()]
    const count = new UnreadCount({ ourId: this.#log.author, isHidden: () => false, isMention: () => false }, marks)
    for await (const entries of this.#log.read({ since: marks }))
      for (const message of messagesOf(entries)) count.note(message)
    const lines: string[] = []
    for await (const entries of this.#log.read()) lines.push(...messagesOf(entries).map(({ message }) => message))
    const expected = lines.filter(line => !this.#drawn.has(line))
    assert.equal(count.unread, expected.length, `unread: ${expected}`)
  }

  async #meet({ history, length, stubs }: Source): Promise<void> {
    const peer = await logOver(new MemoryStore(), history === 'one' ? carol : keysOfByte(9), { clock: this.#clock })
    const written = historyOf(history)
    const isStub = (seq: number): boolean => (stubs & (1 << seq)) !== 0
    await peer.addSigned(idOf(written), [withStubs(written.run(1, length), isStub)])
    const [one, two] = [this.#log, peer].map(log => replicate(log, { dialect: 'native', live: true }))
    if (one === undefined || two === undefined) return
    pipeline(one, two, one, () => {})
    for (let turn = 0; turn < 60; turn++) await new Promise(resolve => setImmediate(resolve))
    one.destroy()
    two.destroy()
    await peer.close()
  }

  async #drop(count: number): Promise<void> {
    const { contents } = this.#log
    for (const { author } of this.#log.head) {
      for await (const entries of this.#log.entries({ author, from: 1, to: count + 1 }))
        for (const { seq, message } of messagesOf(entries)) this.#dropped.set(`${author} ${seq}`, message)
      await contents.dropAll(author, [{ from: 1, to: count + 1 }], 'kept-out')
    }
  }

  async #fetch(): Promise<void> {
    const { contents } = this.#log
    for (const { author } of this.#log.head)
      await contents.restore(author, contents.dropped(author, 'kept-out'), 'kept-out')
  }

  /** A face draws everything that its marks say is not read. */
  async #draw(face: 0 | 1): Promise<void> {
    const marks = new Map(await this.#now(this.#faces[face]))
    for await (const entries of this.#log.read({ since: [...marks.values()], gaps: true })) {
      for (const message of messagesOf(entries)) if (message.kind !== 'gap') this.#drawn.add(message.message)
      for (const entry of entries) {
        // A row says that they are not kept here, so they do not become unread when they are fetched.
        if (entry.gap?.state === 'kept-out')
          for (let seq = entry.seq; seq < entry.seq + entry.gap.count; seq++)
            this.#drawn.add(this.#dropped.get(`${entry.author} ${seq}`) ?? '')
        const place = { author: entry.author, seq: entry.seq + (entry.gap?.count ?? 1) - 1 }
        const missing = this.#rules.remembersPassed ? this.#log.contents.missing(entry.author) : []
        const mark = advanced(marks.get(entry.author), place, missing)
        if (mark !== undefined) marks.set(entry.author, mark)
      }
    }
    for (const [log, mark] of marks) {
      const chain = await this.#log.chainAt(log, mark.seq)
      marks.set(log, { ...mark, ...(chain !== undefined && { chain }) })
    }
    this.#faces[face] = marks
  }

  async #joined(): Promise<Marks> {
    const [a, b] = [await this.#now(this.#faces[0]), await this.#now(this.#faces[1])]
    const joined = new Map(a)
    for (const [log, mark] of b) {
      const other = joined.get(log)
      if (other === undefined || (!this.#rules.joins && mark.seq > other.seq)) joined.set(log, mark)
      else if (this.#rules.joins) joined.set(log, unionOf(other, mark))
    }
    return joined
  }

  async #now(marks: Marks): Promise<Marks> {
    return mapOf(await this.#log.marksNow([...marks.values()]))
  }
}

const mapOf = (marks: readonly ReadMark[]): Marks => new Map(marks.map(mark => [mark.author, mark]))
const chainOf = (mark: ReadMark | undefined): Pick<ReadMark, 'chain'> =>
  mark?.chain === undefined ? {} : { chain: mark.chain }

async function run(steps: readonly Step[], rules: Rules): Promise<void> {
  const user = new User(rules)
  await user.open()
  try {
    for (const each of steps) {
      await user.step(each)
      await user.check()
    }
  } finally {
    await user.close()
  }
}

const schedule = fc.array(step, { minLength: 1, maxLength: 10 })

test('the unread count equals a recount over partitions, restarts, two faces, stubs and forks', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, steps => run(steps, RULES)),
    { numRuns: 60 },
  )
})

const all = (stubs: number, history: Source['history'] = 'one', length = LINES): Step => ({
  meet: { history, length, stubs },
})

const controls: readonly { readonly what: keyof Rules; readonly steps: readonly Step[] }[] = [
  { what: 'remembersPassed', steps: [all(0b11110), { draw: 0 }, all(0)] },
  { what: 'joins', steps: [all(0b11110), { draw: 0 }, all(0, 'one', 8), all(0), { draw: 1 }, { draw: 0 }] },
]

test('lines that are dropped for their size count while they are here, unless they were passed', async () => {
  await run([all(0), { drop: 4 }, { fetch: true }, all(0), { draw: 0 }], RULES)
  await run([all(0), { drop: 4 }, { draw: 0 }, { fetch: true }, all(0), { draw: 1 }], RULES)
})

for (const { what, steps } of controls) {
  test(`control: the count is wrong without the rule ${what}`, async () => {
    await run(steps, RULES)
    await assert.rejects(
      fc.assert(
        fc.asyncProperty(schedule, more => run([...steps, ...more], { ...RULES, [what]: false })),
        { numRuns: 40, endOnFailure: true },
      ),
    )
  })
}

test('a mark counts for the history that was read, whichever one this disk had first', async () => {
  const user = await logOver(new MemoryStore(), bob, { clock: new VirtualClock() })
  const [one, other] = [historyOf('one'), historyOf('other')]
  await user.addSigned(idOf(other), other.runs())
  const elsewhere = await logOver(new MemoryStore(), carol, { clock: new VirtualClock() })
  await elsewhere.addSigned(idOf(one), one.runs())
  const chain = await elsewhere.chainAt(idOf(one), LINES)
  assert.ok(chain !== undefined)
  const read: ReadMark = {
    author: idOf(one),
    seq: LINES,
    chain,
    passed: [
      { from: 2, to: 3 },
      { from: 9, to: 10 },
    ],
  }
  const streams = [user, elsewhere].map(log => replicate(log, { dialect: 'native', live: true }))
  pipeline([streams[0], streams[1], streams[0]] as never, () => {})
  for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve))
  for (const stream of streams) stream.destroy()
  const unreadOf = async (marks: readonly ReadMark[]): Promise<string[]> => {
    const now = await user.marksNow(marks)
    const lines: string[] = []
    for await (const entries of user.read({ since: now }))
      lines.push(...messagesOf(entries).map(({ message }) => message))
    return lines.sort()
  }
  const rest = (text: string): string[] => [5, 6, 7, 8, 9].map(index => `${text} ${index}`)
  assert.deepEqual(await unreadOf([read]), ['common 1', 'one 8', ...rest('other')])
  // The control: without the chain value, the mark is taken for one of the history that this disk had.
  const { chain: _, ...unknown } = read
  assert.deepEqual(await unreadOf([unknown]), ['common 1', 'other 8', ...rest('one')].sort())
  for (const log of [user, elsewhere]) await log.close()
})
