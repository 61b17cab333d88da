import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { utf8 } from '../../src/base/wire/bytes.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import type { Log } from '../../src/log/log.js'
import type { ReadOptions } from '../../src/log/options.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const authors = ['bob', 'carol', 'dave'] as LogId[]

const open = (): Promise<Log> =>
  logOver(new MemoryStore(new MemoryDisk(), 2), keyPairOf(Buffer.alloc(32, 1)), { clock: new VirtualClock() })

/** Writes that are sequential within a log and concurrent between logs. */
class Writers {
  readonly #log: Log
  readonly #seqs = new Map<LogId, Seq>()
  readonly #pending: Promise<unknown>[] = []

  constructor(log: Log) {
    this.#log = log
  }

  own(): void {
    this.#pending.push(this.#log.append({ username: 'alice', message: 'hello' }))
  }

  other(author: LogId, count: number): void {
    const first = (this.#seqs.get(author) ?? 0) + 1
    this.#seqs.set(author, first + count - 1)
    const entries = Array.from({ length: count }, () => utf8('{"username":"x","message":"hello"}'))
    this.#pending.push(this.#log.add({ author, first, entries }))
  }

  async done(): Promise<void> {
    await Promise.all(this.#pending)
  }
}

type Step =
  | { readonly kind: 'own' }
  | { readonly kind: 'other'; readonly author: LogId; readonly count: number }
  | { readonly kind: 'read' }
  | { readonly kind: 'turn' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ kind: 'own' }),
  fc
    .tuple(fc.constantFrom(...authors), fc.integer({ min: 1, max: 7 }))
    .map(([author, count]): Step => ({ kind: 'other', author, count })),
  fc.constant<Step>({ kind: 'read' }),
  fc.constant<Step>({ kind: 'turn' }),
)

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

const idOf = ({ author, seq }: Entry): string => `${author} ${seq}`

/** A reader driven by the test: each step requests one more batch without waiting for it. */
class SteppedReader {
  readonly read: Entry[] = []
  readonly #batches: AsyncGenerator<readonly Entry[]>
  #onRead: (() => void) | undefined
  isDone = false

  constructor(log: Log, options: ReadOptions) {
    this.#batches = log.read(options)
  }

  step(): void {
    void this.#batches.next().then(({ done, value }) => {
      if (done) this.isDone = true
      else this.read.push(...value)
      this.#onRead?.()
    })
  }

  /** Steps until `count` entries have arrived. */
  async until(count: number): Promise<void> {
    while (this.read.length < count && !this.isDone) {
      const next = new Promise<void>(resolve => {
        this.#onRead = resolve
      })
      this.step()
      await next
    }
  }
}

test('delivers each entry once to a live reader, in the order of its log, whatever arrives while it reads history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.array(step, { maxLength: 30 }), async (before, during) => {
      const log = await open()
      const writers = new Writers(log)
      const act = async (step: Step, reader?: SteppedReader): Promise<void> => {
        if (step.kind === 'own') writers.own()
        else if (step.kind === 'other') writers.other(step.author, step.count)
        else if (step.kind === 'read') reader?.step()
        else await turn()
      }
      for (const step of before) await act(step)
      await writers.done()
      const stop = new AbortController()
      const reader = new SteppedReader(log, { live: true, signal: stop.signal })
      reader.step()
      const history = log.head.reduce((sum, { seq }) => sum + seq, 0)
      for (const step of during) await act(step, reader)
      await writers.done()
      const ids = log.head.flatMap(({ author, seq }) => Array.from({ length: seq }, (_, i) => `${author} ${i + 1}`))
      await reader.until(ids.length)

      assert.deepEqual(reader.read.map(idOf).sort(), ids.sort())
      const seqs = new Map<LogId, Seq>()
      for (const { author, seq } of reader.read) {
        assert.equal(seq, (seqs.get(author) ?? 0) + 1)
        seqs.set(author, seq)
      }
      const ats = reader.read.slice(0, history).map(({ at }) => at)
      assert.deepEqual(ats, ats.toSorted())

      stop.abort()
      await reader.until(Number.POSITIVE_INFINITY)
      assert.equal(reader.read.length, ids.length, 'and nothing more')
      await log.close()
    }),
    { numRuns: 150 },
  )
})

test('delivers only new entries to a tailing reader, without those it has', async () => {
  const log = await open()
  const writers = new Writers(log)
  writers.other('bob' as LogId, 3)
  await writers.done()
  const tail = new SteppedReader(log, { tail: true })
  const knowing = new SteppedReader(log, { live: true, since: [{ author: 'bob' as LogId, seq: 5 }] })
  tail.step()
  knowing.step()
  await turn()
  writers.other('bob' as LogId, 4)
  await writers.done()
  await tail.until(4)
  await knowing.until(2)
  assert.deepEqual(tail.read.map(idOf), ['bob 4', 'bob 5', 'bob 6', 'bob 7'])
  assert.deepEqual(knowing.read.map(idOf), ['bob 6', 'bob 7'])
  await log.close()
})

test('ends every reader on close, during the history or after it', async () => {
  const log = await open()
  const writers = new Writers(log)
  for (const author of authors) writers.other(author, 7)
  await writers.done()
  const readers = [0, 1, 3, 10].map(steps => {
    const reader = new SteppedReader(log, { live: true })
    for (let i = 0; i < steps; i++) reader.step()
    return reader
  })
  await turn()
  await log.close()
  for (const reader of readers) await reader.until(Number.POSITIVE_INFINITY)
})
