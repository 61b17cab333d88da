// The fuzzer is test/helper/fuzz-scuttleup.ts; architecture/fuzz.test.ts runs it at scale.
import assert from 'node:assert/strict'
import test from 'node:test'
import { concat, EMPTY, readVarint, varint } from '../../src/base/wire/bytes.js'
import { readFields } from '../../src/base/wire/fields.js'
import { FRAME_BYTES_MAX } from '../../src/base/wire/frames.js'
import type { LogId } from '../../src/log/format/author.js'
import { SEQ_MAX } from '../../src/log/limits.js'
import type { Effect } from '../../src/sync/effects.js'
import {
  ENTRY_MOST,
  fuzzScuttleup,
  handshakeFrame,
  isUnsigned,
  OBJECT_PROTOTYPE,
  OPEN_SESSIONS,
  type Receiver,
  strangersSession,
} from '../helper/fuzz-scuttleup.js'
import { SEED } from '../helper/seed.js'
import { heapBytes } from '../helper/signed-memory.js'

test('bounds the memory that 64 strangers occupy', () => {
  heapBytes()
  const before = heapBytes()
  const sessions = Array.from({ length: OPEN_SESSIONS }, strangersSession)
  for (const receiver of sessions) {
    receiver.receive(handshakeFrame(SEED))
    // The longest incomplete frame.
    receiver.receive(concat([varint(FRAME_BYTES_MAX), Buffer.alloc(FRAME_BYTES_MAX - 1)]))
  }
  heapBytes()
  const grown = heapBytes() - before
  assert.ok(grown < OPEN_SESSIONS * (FRAME_BYTES_MAX + 32 * 1024), `${grown} bytes`)
  assert.equal(sessions.length, OPEN_SESSIONS)
})

// Controls: typical careless decoders. The fuzzer must find the fault of each.

interface Careless {
  readonly entryMax?: number
  readonly frameMax?: number
  readonly seqMax?: number
  readonly isObject?: boolean
}

class CarelessReceiver implements Receiver {
  readonly #careless: Careless
  readonly #logs: Record<string, { seq: number }> = {}
  #bytes: Uint8Array = EMPTY
  #isOpen = false

  constructor(careless: Careless) {
    this.#careless = careless
  }

  receive(chunk: Uint8Array): Effect[] {
    const { entryMax = ENTRY_MOST, frameMax = FRAME_BYTES_MAX, seqMax = SEQ_MAX, isObject = false } = this.#careless
    const effects: Effect[] = []
    this.#bytes = concat([this.#bytes, chunk])
    for (;;) {
      const length = readVarint(this.#bytes, 0, Number.MAX_SAFE_INTEGER)
      if (length.kind !== 'value') return effects
      if (length.value > frameMax) return effects
      const body = Buffer.alloc(length.value) // as length-prefixed streams do, as soon as the length is known
      if (this.#bytes.length < length.next + length.value) return effects
      body.set(this.#bytes.subarray(length.next, length.next + length.value))
      this.#bytes = this.#bytes.subarray(length.next + length.value)
      const fields = readFields(body) ?? []
      const read = (number: number) => fields.findLast(field => field.number === number)?.value
      const [id, seq, entry] = [read(1), read(2), read(3)]
      if (!this.#isOpen) {
        this.#isOpen = true
        continue
      }
      if (!(id instanceof Uint8Array) || typeof seq !== 'number' || !(entry instanceof Uint8Array)) continue
      const author = Buffer.from(id).toString() as LogId
      if (seq < 1 || seq > seqMax || entry.length > entryMax) continue
      if (isObject) {
        this.#logs[author] ??= { seq: 0 }
        Object.assign(this.#logs[author], { [`last-of-${author}`]: seq })
      }
      if (isUnsigned(author)) effects.push({ kind: 'entries', run: { author, first: seq, entries: [entry] } })
    }
  }

  refused(): Effect[] {
    return []
  }
}

const CONTROLS: readonly [what: string, careless: Careless, fault: RegExp][] = [
  ['without a limit for entries', { entryMax: Number.POSITIVE_INFINITY }, /^an entry over the limit/],
  ['without a limit for frames', { frameMax: Number.POSITIVE_INFINITY }, /^thrown: /],
  ['without a limit for places', { seqMax: Number.POSITIVE_INFINITY }, /^a place that cannot be/],
  ['that keeps ids as names of an object', { isObject: true }, /^Object.prototype was changed/],
]

for (const [what, careless, fault] of CONTROLS) {
  test(`control: finds a decoder ${what}`, t => {
    t.after(() => {
      for (const name of Object.getOwnPropertyNames(Object.prototype)) {
        if (!OBJECT_PROTOTYPE.includes(name)) Reflect.deleteProperty(Object.prototype, name)
      }
    })
    assert.match(
      fuzzScuttleup(() => new CarelessReceiver(careless), SEED, 20_000).fault ?? 'nothing was found',
      fault,
      `seed ${SEED}`,
    )
  })
}

test('control: finds nothing wrong in a careful decoder', () => {
  assert.equal(fuzzScuttleup(() => new CarelessReceiver({}), SEED, 5_000).fault, undefined, `seed ${SEED}`)
})
