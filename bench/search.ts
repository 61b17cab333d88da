// How long a search takes, and what its index costs. `node dist/bench/search.js [--entries <n>] [--authors <n>] [--seed <n>]`
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Clock } from '../src/base/clock.js'
import { systemClock } from '../src/base/clock.js'
import { keyPairOf } from '../src/base/crypto/signing.js'
import { SeededRandom } from '../src/base/seeded-random.js'
import { openRowStore } from '../src/compat/scuttleup/row-store.js'
import { Log } from '../src/log/log.js'
import { LevelStore } from '../src/log/store/level-store.js'
import { LineSearch, queryIn } from '../src/node/line-search.js'
import { median } from './median.js'

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    authors: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '9' },
  },
})

const WORDS = 200_000
/** Exponent of Zipf's law for the frequency of words. */
const EXPONENT = 1.05
/** Average number of words in a line. */
const LINE_WORDS = 9
/** The conversation lasts a year. */
const YEAR_MS = 365 * 86_400_000
/** Lines that are appended at once. */
const TURN = 2_000
/** A word that is in three lines only. */
const RARE = 'xylotheque'
const EVERYTHING = { gte: new Uint8Array(0), lt: Buffer.alloc(64, 0xff) }

const random = new SeededRandom(Number(values.seed), 'search')
const random31 = (max: number): number => Math.floor(random.number() * max)

/** Words by frequency: those of the books' titles, then made-up ones with the same pairs of letters. Rarer words are longer. */
function vocabulary(): readonly string[] {
  const titles =
    readFileSync('data/books.txt', 'utf8')
      .toLowerCase()
      .match(/[a-z]+/g) ?? []
  const counts = new Map<string, number>()
  for (const word of titles) counts.set(word, (counts.get(word) ?? 0) + 1)
  const words = new Set([...counts].sort((a, b) => b[1] - a[1]).map(([word]) => word))
  const letters = titles.join(' ')
  while (words.size < WORDS) {
    const length = 3 + random31(4 + Math.log2(words.size) / 2)
    let word = letters[random31(letters.length)] ?? 'a'
    while (word.length < length) {
      const at = letters.indexOf(word.at(-1) ?? 'a', random31(letters.length))
      const next = letters[at + 1]
      word = next === undefined || next === ' ' ? `${word}e` : word + next
    }
    words.add(word.trim())
  }
  return [...words].filter(word => word !== RARE)
}

function zipf(words: readonly string[]): () => string {
  const sums = new Float64Array(words.length)
  let sum = 0
  for (let rank = 0; rank < words.length; rank++) {
    sum += 1 / (rank + 1) ** EXPONENT
    sums[rank] = sum
  }
  return () => {
    const target = random.number() * sum
    let [low, high] = [0, words.length - 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sums[middle] as number) < target) low = middle + 1
      else high = middle
    }
    return words[low] as string
  }
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
const print = (line: string): void => void process.stdout.write(`${line}\n`)

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0)
}

/** The size of the files once they are compacted. */
async function compactedSize(directory: string): Promise<number> {
  const store = await LevelStore.open(directory)
  await store.compact(EVERYTHING)
  await store.close()
  return sizeOf(directory)
}

async function fill(root: string, entries: number, authors: number, next: () => string): Promise<string> {
  const directory = path.join(root, 'reader')
  const reader = await Log.open(directory, { unsigned: openRowStore })
  const perAuthor = Math.floor(entries / authors)
  const start = systemClock.now() - YEAR_MS
  const rareAt = new Set([0.13, 0.51, 0.92].map(part => Math.floor(part * perAuthor)))
  for (let author = 0; author < authors; author++) {
    let now = start
    const clock: Clock = { now: () => now, after: systemClock.after }
    const keys = keyPairOf(random.bytes(32))
    const own = path.join(root, `author-${author}`)
    const log = await Log.open(own, { unsigned: openRowStore, keys, clock })
    for (let from = 0; from < perAuthor; from += TURN) {
      const turn: Promise<unknown>[] = []
      for (let index = from; index < Math.min(perAuthor, from + TURN); index++) {
        now = start + Math.floor(((index + author / authors) * YEAR_MS) / perAuthor)
        const words = Array.from({ length: 1 + random31(2 * LINE_WORDS - 1) }, next)
        if (author === 1 && rareAt.has(index)) words.push(RARE)
        turn.push(log.append({ username: `author${author}`, message: words.join(' ') }))
      }
      await Promise.all(turn)
    }
    for (let seq = 1; seq <= perAuthor; ) {
      const segment = await log.segmentAt(log.id, seq)
      if (segment === undefined) throw new Error('no segment')
      await reader.addSigned(log.id, [segment])
      seq = segment.first + segment.entries.length
    }
    await log.close()
    rmSync(own, { recursive: true })
  }
  await reader.close()
  return directory
}

interface Timed {
  readonly first: number
  readonly all: number
  /** Time that the processor spent until the first line, and until the last one. */
  readonly firstCpu: number
  readonly cpu: number
  readonly count: number
}

/** Milliseconds until the first and the last of 50 lines, and how many there are. */
async function timed(search: LineSearch, text: string): Promise<Timed> {
  const since = performance.now()
  const used = process.cpuUsage()
  const cpu = (): number => {
    const { user, system } = process.cpuUsage(used)
    return (user + system) / 1_000
  }
  let [first, firstCpu, count] = [Number.NaN, Number.NaN, 0]
  for await (const _line of search.lines(queryIn(text, systemClock.now()))) {
    if (count++ === 0) [first, firstCpu] = [performance.now() - since, cpu()]
    if (count === 50) break
  }
  return { first, all: performance.now() - since, firstCpu, cpu: cpu(), count }
}

async function report(search: LineSearch, words: readonly string[]): Promise<void> {
  const [w, m, n, r] = [words[0], words[1_999], words[2_999], words[49_999]] as [string, string, string, string]
  const queries: readonly (readonly [string, string])[] = [
    ['the commonest word', w],
    ['a word of rank 2,000', m],
    ['a word of rank 50,000', r],
    ['a word in 3 lines', RARE],
    ['a word in no line', 'zzzabsentzzz'],
    ['two common words', `${w} ${words[1] ?? ''}`],
    ['a common and a rare word', `${w} ${RARE}`],
    ['words of rank 2,000 and 3,000', `${m} ${n}`],
    ['a phrase of two common words', `"${w} ${words[1] ?? ''}"`],
    ['a word by one author', `from:author7 ${m}`],
    ['a word of the last week', `since:1w ${m}`],
  ]
  for (const [name, text] of queries) {
    const runs: Timed[] = []
    for (let run = 0; run < Number(values.runs); run++) runs.push(await timed(search, text))
    const { count } = runs[0] ?? { count: 0 }
    const of = (figure: keyof Timed): string =>
      `${median(runs.map(each => each[figure]))
        .toFixed(0)
        .padStart(4)} ms`
    const first = count === 0 ? '' : `first ${of('first')} (CPU ${of('firstCpu')})`
    print(`  ${name.padEnd(30)} ${first.padEnd(28)} all ${of('all')} (CPU ${of('cpu')})  ${count} lines`)
  }
}

const root = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))
process.on('exit', () => rmSync(root, { recursive: true, force: true }))
const words = vocabulary()
const [entries, authors] = [Number(values.entries), Number(values.authors)]
const directory = await fill(root, entries, authors, zipf(words))
const logSize = await compactedSize(directory)
print(`${entries.toLocaleString('en')} lines of ${authors} authors: ${mebibytes(logSize)}`)
const log = await Log.open(directory, { unsigned: openRowStore })
const search = new LineSearch({ log, clock: systemClock })
print('without an index')
const scan = await timed(search, RARE)
print(`  a word in 3 lines: first ${scan.first.toFixed(0)} ms, all ${scan.all.toFixed(0)} ms`)
const since = performance.now()
const cpu = process.cpuUsage()
const before = process.memoryUsage.rss()
await search.indexed()
const { user, system } = process.cpuUsage(cpu)
print(
  `index built in ${((performance.now() - since) / 1_000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU, memory ${mebibytes(before)} before and ${mebibytes(process.memoryUsage.rss())} after`,
)
search.close()
await log.close()
const size = await compactedSize(directory)
print(`index: ${mebibytes(size - logSize)}, ${((100 * (size - logSize)) / logSize).toFixed(1)} % of the log`)
const again = await Log.open(directory, { unsigned: openRowStore })
const fresh = new LineSearch({ log: again, clock: systemClock })
const cold = await timed(fresh, RARE)
print(`first search after a start: first ${cold.first.toFixed(0)} ms, all ${cold.all.toFixed(0)} ms`)
print('with the index')
await report(fresh, words)
print(`memory after the searches: ${mebibytes(process.memoryUsage.rss())}`)
fresh.close()
await again.close()
