import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { bufferOf, EMPTY, utf8 } from '../../src/base/wire/bytes.js'
import { erasureMembers } from '../../src/chat/kinds/erasure.js'
import { entryFieldsOf, isLine } from '../../src/chat/kinds/kinds.js'
import { messageOf } from '../../src/chat/kinds/message.js'
import { keyOfPlace, Lines } from '../../src/chat/views/lines.js'
import { BLOCK_PLACES } from '../../src/log/content/block-rows.js'
import { type LogId, runOf } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import { SEQ_MAX } from '../../src/log/limits.js'
import type { Log } from '../../src/log/log.js'
import { Erasures } from '../../src/node/erasures.js'
import { LineSearch, type LineSearchParts, queryIn } from '../../src/node/line-search.js'
import { marksBefore } from '../../src/node/marks-before.js'
import { decodeWordBlock, filterOf, WordHash } from '../../src/search/word-filter.js'
import { meet } from '../helper/fork-schedule.js'
import { logIn, logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, bob, WrittenLog } from '../helper/signed-world.js'
import { idOf, withStubs } from '../helper/stub-world.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 120_000 }
const clock = new VirtualClock()
const WORDS = ['apple', 'pear', 'plum', 'fig', 'lime', 'kiwi']

/** A peer with its logs, search and erasures on a disk that outlives it. */
class Peer {
  disk = new MemoryDisk()
  log!: Log
  erasures!: Erasures
  search!: LineSearch
  readonly #keys: typeof alice

  constructor(keys: typeof alice) {
    this.#keys = keys
  }

  async open(): Promise<this> {
    this.log = await logOver(new MemoryStore(this.disk), this.#keys, { clock, isNewKey: true })
    this.erasures = await Erasures.open(this.log)
    this.search = new LineSearch({ log: this.log, clock, erasures: this.erasures })
    return this
  }

  /** Starts again with what the disk had at some time, without closing anything. */
  async crash(): Promise<void> {
    this.disk = this.disk.copy()
    this.search.close()
    await this.open()
  }

  async found(text: string): Promise<string[]> {
    const lines: string[] = []
    for await (const { entry, message, edit } of this.search.lines(queryIn(text, clock.now())))
      lines.push(`${keyOfPlace(entry.author, entry.seq)} ${edit?.message.text ?? message.message}`)
    return lines
  }
}

async function reading(): Promise<{ log: Log; search: LineSearch; found: (text: string) => Promise<string[]> }> {
  const peer = await new Peer(bob).open()
  return { log: peer.log, search: peer.search, found: text => peer.found(text) }
}

const lineAt = (index: number, message: string): Uint8Array =>
  utf8(`{"at":"${1_700_000_000_000 + index}.0000","username":"alice","message":"${message}"}`)

/** The places and current texts of the lines with a word, by reading everything. */
async function oracle(log: Log, word: string): Promise<string[]> {
  const lines = new Lines()
  const places: string[] = []
  for await (const entries of log.read({ gaps: true }))
    for (const entry of entries) {
      const message = messageOf(entry)
      if (message === undefined) continue
      lines.note(message)
      if (isLine(message)) places.push(keyOfPlace(entry.author, entry.seq))
    }
  return places.flatMap(key => {
    const text = lines.textOf(key)
    return text?.split(' ').includes(word) === true ? [`${key} ${text}`] : []
  })
}

async function say(log: Log, count: number, next: () => string): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => log.append({ username: 'alice', message: next() })))
}

async function erase(peer: Peer, seq: number): Promise<void> {
  const { log } = peer
  const chain = (await log.chainValueAt(log.id, seq)) ?? assert.fail('no such place')
  await log.append(erasureMembers({ run: runOf(log.id), from: seq, to: seq, chain }))
  await peer.erasures.settled()
}

/** The words that a filter may have. */
async function filteredWords(log: Log): Promise<Set<string>> {
  const words = new Set<string>()
  for (const { author } of log.head)
    for (const { value } of await log.blocks.before(author, SEQ_MAX, 1_000)) {
      const block = decodeWordBlock(value) ?? assert.fail('a damaged row')
      for (const word of WORDS) if (new WordHash(word).mayBeIn(block.filter)) words.add(word)
    }
  return words
}

type Step =
  | { readonly do: 'say'; readonly by: 0 | 1; readonly count: number; readonly words: readonly string[] }
  | { readonly do: 'edit' | 'erase'; readonly by: 0 | 1; readonly at: number; readonly word: string }
  | { readonly do: 'meet' | 'index' | 'crash' | 'half' }

const words = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 3 })
const by = fc.constantFrom<0 | 1>(0, 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('say' as const), by, count: fc.integer({ min: 1, max: 150 }), words }),
  fc.record({
    do: fc.constantFrom('edit' as const, 'erase' as const),
    by,
    at: fc.nat(),
    word: fc.constantFrom(...WORDS),
  }),
  fc.record({ do: fc.constantFrom('meet' as const, 'index' as const, 'crash' as const, 'half' as const) }),
)

async function run(steps: readonly Step[], isBroken = false): Promise<void> {
  const peers = [await new Peer(alice).open(), await new Peer(bob).open()] as const
  const reader = peers[1]
  const lines: [number[], number[]] = [[], []]
  let index = 0
  for (const each of steps) {
    clock.advance(1_000)
    if (isBroken) reader.log.blocks.outdated = async () => []
    if (each.do === 'say') {
      const { log } = peers[each.by]
      const from = log.localSeq(log.id) + 1
      // Most lines have a word that nobody searches for, so that filters differ.
      await say(log, each.count, () => (index++ % 40 === 0 ? each.words.join(' ') : 'nothing'))
      for (let seq = from; seq < from + each.count; seq++) lines[each.by].push(seq)
    } else if (each.do === 'meet') {
      await meet(peers[0].log, peers[1].log)
      await reader.erasures.settled()
    } else if (each.do === 'index') await reader.search.indexed()
    else if (each.do === 'crash') await reader.crash()
    else if (each.do === 'half') {
      // The process ends while the index is built.
      const building = reader.search.indexed().catch(() => {})
      await new Promise(resolve => void setImmediate(resolve))
      await reader.crash()
      await building
    } else if ('at' in each) {
      const seq = lines[each.by][each.at % Math.max(1, lines[each.by].length)]
      if (seq === undefined) continue
      const { log } = peers[each.by]
      if (each.do === 'edit')
        await log.append({
          username: 'alice',
          ...entryFieldsOf({ kind: 'edit', to: { run: runOf(log.id), seq }, text: each.word }),
        })
      else {
        await erase(peers[each.by], seq)
        lines[each.by] = lines[each.by].filter(other => other !== seq)
      }
    }
  }
  await reader.erasures.settled()
  for (const word of WORDS) {
    const expected = await oracle(reader.log, word)
    assert.deepEqual((await reader.found(word)).sort(), expected.sort(), word)
  }
}

test('finds the newest lines first, and reads filters only as far back as they are', BOUND, async () => {
  const peers = [await new Peer(alice).open(), await new Peer(bob).open()] as const
  const reader = peers[1]
  for (let turn = 0; turn < 40; turn++) {
    clock.advance(1_000)
    const { log } = peers[turn % 2] as Peer
    const text = turn % 4 === 0 ? `apple ${turn}` : 'nothing'
    let index = 0
    // Blocks without words, of deleted lines, are between the others.
    await say(log, BLOCK_PLACES, () => (index++ === 5 ? text : turn % 8 === 1 ? '' : 'nothing'))
  }
  await meet(peers[0].log, peers[1].log)
  await reader.search.indexed()
  const { blocks } = reader.log
  const before = blocks.before.bind(blocks)
  let slices = 0
  blocks.before = (log, place) => {
    slices++
    return before(log, place, 1)
  }
  const found: number[] = []
  for await (const { message } of reader.search.lines(queryIn('apple', clock.now()))) {
    found.push('message' in message ? Number(message.message.slice('apple '.length)) : Number.NaN)
    if (found.length === 1) assert.ok(slices <= 8, `${slices} filters for the first line`)
  }
  assert.deepEqual(
    found,
    Array.from({ length: 10 }, (_, index) => 36 - 4 * index),
  )
  assert.ok(slices >= 40, 'all of them at the end')
})

test('reads the edits of a line once, however many of them match', BOUND, async () => {
  const reader = await new Peer(alice).open()
  const { log } = reader
  const edits = 300
  await log.append({ username: 'alice', message: 'apple' })
  const to = { run: runOf(log.id), seq: 1 }
  for (let edit = 1; edit <= edits; edit++)
    await log.append({
      username: 'alice',
      ...entryFieldsOf({ kind: 'edit', to, text: edit === edits ? 'pear' : 'apple' }),
    })
  await reader.erasures.settled()
  const read = log.entry.bind(log)
  let reads = 0
  log.entry = (author, seq) => {
    reads++
    return read(author, seq)
  }
  assert.deepEqual(await reader.found('apple'), [])
  assert.ok(reads < 4 * edits, `${reads} entries`)
})

test('finds what reading everything finds, through appends, edits, deletions and crashes', BOUND, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), steps => run(steps)),
    { numRuns: 60 },
  )
})

test('the newest lines come first, across logs', BOUND, async () => {
  const peers = [await new Peer(alice).open(), await new Peer(bob).open()] as const
  for (let turn = 0; turn < 6; turn++) {
    clock.advance(1_000)
    await say(peers[turn % 2 === 0 ? 0 : 1].log, 70, () => `apple ${turn}`)
  }
  await meet(peers[0].log, peers[1].log)
  await peers[1].search.indexed()
  const turns = (await peers[1].found('apple')).map(line => Number(line.at(-1)))
  assert.equal(turns.length, 420)
  assert.deepEqual(
    turns,
    turns.toSorted((a, b) => b - a),
  )
})

test('a deleted line leaves no word in the index, and the others are found', BOUND, async () => {
  for (const isBroken of [false, true]) {
    const peer = await new Peer(alice).open()
    await say(peer.log, 2 * BLOCK_PLACES, () => 'pear')
    await peer.log.append({ username: 'alice', message: 'fig' })
    await say(peer.log, BLOCK_PLACES, () => 'pear')
    await peer.search.indexed()
    assert.deepEqual(await filteredWords(peer.log), new Set(['pear', 'fig']))
    if (isBroken) peer.log.blocks.outdated = async () => []
    await erase(peer, 2 * BLOCK_PLACES + 1)
    assert.deepEqual(await peer.found('fig'), [], 'an outdated filter shows no deleted line')
    await peer.search.indexed()
    assert.deepEqual(await filteredWords(peer.log), new Set(isBroken ? ['pear', 'fig'] : ['pear']), 'with a control')
    assert.equal((await peer.found('pear')).length, 3 * BLOCK_PLACES)
  }
})

test('nothing of the filter of a deleted line is left in any file', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const log = await logIn(directory, { keys: alice, clock })
  const erasures = await Erasures.open(log)
  const search = new LineSearch({ log, clock, erasures })
  await say(log, BLOCK_PLACES, () => WORDS.join(' '))
  await say(log, BLOCK_PLACES, () => 'pear')
  await search.indexed()
  const rows = (await log.blocks.before(log.id, SEQ_MAX, 1_000)).map(({ value }) => value)
  const first = rows[1]
  assert.ok(first !== undefined && rows.length === 2)
  const isLeft = async (): Promise<boolean> => {
    const files = await readdir(directory)
    const contents = await Promise.all(files.map(file => readFile(path.join(directory, file)).catch(() => EMPTY)))
    return contents.some(content => Buffer.from(content).includes(bufferOf(first)))
  }
  assert.ok(await isLeft(), 'control: it is there before')
  const chain = (await log.chainValueAt(log.id, 5)) ?? assert.fail('no such place')
  await log.append(erasureMembers({ run: runOf(log.id), from: 1, to: 5, chain }))
  await erasures.settled()
  assert.ok(!(await isLeft()))
  search.close()
  await erasures.close()
  await log.close()
})

test('content that arrives late is found; without deleting the filter it is not', BOUND, async () => {
  const entries = Array.from({ length: BLOCK_PLACES }, (_, index) => lineAt(index, index === 4 ? 'fig' : 'pear'))
  const written = new WrittenLog(alice, entries)
  for (const isBroken of [false, true]) {
    const { log, search, found } = await reading()
    await log.addSigned(idOf(written), [withStubs(written.run(1, BLOCK_PLACES), seq => seq === 5)])
    await search.indexed()
    assert.deepEqual(await filteredWords(log), new Set(['pear']))
    if (isBroken) log.blocks.outdated = async () => []
    assert.equal(await log.contents.add(idOf(written), { first: 5, entries: [written.packed[4] ?? assert.fail()] }), 1)
    assert.equal((await found('fig')).length, isBroken ? 0 : 1, `without deleting: ${isBroken}`)
    await search.indexed()
    assert.equal((await found('fig')).length, isBroken ? 0 : 1)
  }
})

test(
  'finds no lines of hidden people or that do not count, and obeys the operators from:, since: and before: of a query',
  BOUND,
  async () => {
    const peers = [await new Peer(alice).open(), await new Peer(bob).open()] as const
    const [ours, theirs] = peers
    await ours.log.append({ username: 'alice', message: 'apple one' })
    clock.advance(1_000)
    await theirs.log.append({ username: 'Bób', message: 'apple two' })
    clock.advance(3_600_000)
    await theirs.log.append({ username: 'bob', message: 'apple three' })
    await meet(ours.log, theirs.log)
    const { log, erasures } = ours
    const counted = (entries: readonly Entry[]): readonly Entry[] =>
      entries.filter(({ author, seq }) => author === log.id || seq < 2)
    const find = async (text: string, how: Partial<LineSearchParts> = {}, hidden?: string): Promise<string[]> => {
      const search = new LineSearch({ log, clock, erasures, ...how })
      const lines: string[] = []
      const options = { isHidden: (author: string) => author === hidden }
      for await (const { message } of search.lines(queryIn(text, clock.now()), options)) lines.push(message.message)
      search.close()
      return lines
    }
    for (const isIndexed of [false, true]) {
      if (isIndexed) await ours.search.indexed()
      assert.deepEqual(await find('apple'), ['apple three', 'apple two', 'apple one'])
      assert.deepEqual(await find('apple', {}, theirs.log.author), ['apple one'])
      assert.deepEqual(await find('apple', { counted }), ['apple two', 'apple one'])
      assert.deepEqual(await find('from:BOB apple'), ['apple three', 'apple two'])
      assert.deepEqual(await find('from:me apple'), ['apple one'])
      assert.deepEqual(await find(`from:${theirs.log.author.slice(0, 8)} apple`), ['apple three', 'apple two'])
      assert.deepEqual(await find('since:30m apple'), ['apple three'])
      assert.deepEqual(await find('before:30m apple -two'), ['apple one'])
      assert.deepEqual(await find('app*'), ['apple three', 'apple two', 'apple one'])
      assert.deepEqual(await find('"apple two"'), ['apple two'])
      assert.deepEqual(await find('"two apple"'), [])
      if (!isIndexed) for (const { log: each } of peers) await say(each, 2 * BLOCK_PLACES, () => 'nothing')
      await meet(ours.log, theirs.log)
    }
  },
)

test('a reader that begins before a line sees what was said around it', BOUND, async () => {
  const [ours, theirs] = [await new Peer(alice).open(), await new Peer(bob).open()]
  for (let index = 0; index < 40; index++) {
    clock.advance(1_000)
    await (index % 3 === 0 ? ours : theirs).log.append({ username: 'alice', message: String(index) })
  }
  await meet(ours.log, theirs.log)
  const all: string[] = []
  const places: { author: LogId; seq: number }[] = []
  for await (const entries of ours.log.read())
    for (const entry of entries) {
      all.push(messageOf(entry)?.message ?? '')
      places.push({ author: entry.author, seq: entry.seq })
    }
  for (const [index, place] of places.entries()) {
    const read: string[] = []
    for await (const entries of ours.log.read({ since: await marksBefore(ours.log, place, 5) }))
      read.push(...entries.map(entry => messageOf(entry)?.message ?? ''))
    const from = read.indexOf(all[index] ?? '')
    assert.deepEqual(read.slice(Math.max(0, from - 5)), all.slice(Math.max(0, index - 5)), String(index))
  }
  assert.deepEqual(await marksBefore(ours.log, { author: ours.log.id, seq: 1_000 }, 5), [])
})

test('the word filter has few false positives', () => {
  const filter = filterOf(new Set(Array.from({ length: 300 }, (_, index) => `in${index}`)))
  for (let index = 0; index < 300; index++) assert.ok(new WordHash(`in${index}`).mayBeIn(filter))
  let wrong = 0
  for (let index = 0; index < 100_000; index++) if (new WordHash(`out${index}`).mayBeIn(filter)) wrong++
  assert.ok(wrong < 150, String(wrong))
})
