import type { KeyPair } from '../base/crypto/signing.js'
import type { SeededRandom } from '../base/seeded-random.js'
import { EMPTY } from '../base/wire/bytes.js'
import { type AuthorId, keyOf, unsignedAuthor } from '../log/format/author.js'
import { type ChainValue, chainNext, chainStart, signChain } from '../log/format/chain.js'
import type { Digest } from '../log/format/heads.js'
import { EARLIEST } from '../log/format/hybrid-clock.js'
import { decodeSegment, encodeSegment, lastOf, type Segment } from '../log/format/segment.js'
import type { Relayed } from '../log/read/outgoing.js'
import { createNativeStream } from '../sync/native-replication.js'
import type { NativeReplicationOptions } from '../sync/options.js'
import type { ReplicationStream } from '../sync/replication-stream.js'
import type { Replicator } from '../sync/replicator.js'
import { overridden } from './overridden.js'

/** What one who lies to all others does. */
export const FAULTS = [
  'alters entries',
  'skips entries',
  'moves entries to other places',
  'signs for others',
  'boasts of entries',
  'withholds everything',
  'garbles bytes',
  'repeats itself',
  'brings a crowd',
  'tells two histories',
  'accuses falsely',
] as const
export type ByzantineFault = (typeof FAULTS)[number]

/** From which entry on the second history of one who tells two differs from the first. */
const FORK_PLACE = 3
/** How many authors a crowd has. */
const CROWD = 20

interface Liar {
  readonly replicator: Replicator
  readonly keys: KeyPair
  readonly room: Uint8Array
  readonly chance: SeededRandom
}

/** A replication as an honest one, but for one lie. `isSecond` for every other link, to which another story may be told. */
export function byzantineStream(
  liar: Liar,
  lie: ByzantineFault,
  options: NativeReplicationOptions,
  isSecond: boolean,
): ReplicationStream {
  const { chance, replicator } = liar
  const { log } = replicator
  const boast = ({ author, seq }: Digest): Digest => ({ author, seq: seq + 1_000 })
  const lying = overridden(log, {
    get publishedHeads() {
      return lie === 'boasts of entries' ? log.head.map(boast) : log.publishedHeads
    },
    publishedHead: author =>
      lie === 'boasts of entries' ? boast(log.publishedHead(author)) : log.publishedHead(author),
    relay: since => toldOf(liar, lie, log.relay(since), isSecond),
    follow: options => toldOf(liar, lie, log.follow(options), isSecond),
  })
  const stream = createNativeStream(overridden(replicator, { log: lying }), options)
  if (lie !== 'garbles bytes') return stream
  const push = stream.push.bind(stream)
  stream.push = (bytes: Uint8Array | null) => push(bytes !== null && chance.is(0.3) ? garbled(chance, bytes) : bytes)
  return stream
}

async function* toldOf(
  liar: Liar,
  lie: ByzantineFault,
  truth: AsyncGenerator<Relayed>,
  isSecond: boolean,
): AsyncGenerator<Relayed> {
  const before: Relayed[] = []
  const seen = new Set<AuthorId>()
  if (lie === 'brings a crowd') yield* crowd(isSecond)
  for await (const relayed of truth) {
    if (relayed.kind !== 'segments') {
      yield relayed
      continue
    }
    switch (lie) {
      case 'alters entries':
        yield changed(relayed, segment => ({ ...segment, entries: segment.entries.map(e => altered(liar.chance, e)) }))
        break
      case 'skips entries':
        yield seen.has(relayed.author) ? relayed : changed(relayed, withoutFirst)
        seen.add(relayed.author)
        break
      case 'moves entries to other places':
        yield changed(relayed, segment => ({
          ...segment,
          first: segment.first + liar.chance.whole(1, 3),
          entries: segment.entries,
        }))
        break
      case 'signs for others':
        yield* impersonated(liar, relayed)
        break
      case 'withholds everything':
        break
      case 'repeats itself':
        before.push(relayed)
        yield relayed
        yield* before.toReversed()
        break
      case 'tells two histories':
        if (isSecond && relayed.author === liar.replicator.log.id) yield* secondHistory(liar, relayed)
        else yield relayed
        break
      case 'accuses falsely':
        yield* accusation(liar, relayed)
        yield relayed
        break
      default:
        yield relayed
    }
  }
}

type Segments = Extract<Relayed, { readonly kind: 'segments' }>

function segmentsOf({ segments }: Segments): Segment[] {
  return segments.flatMap(bytes => decodeSegment(bytes) ?? [])
}

const changed = (relayed: Segments, change: (segment: Segment) => Segment): Relayed => ({
  ...relayed,
  segments: segmentsOf(relayed)
    .map(change)
    .filter(({ entries }) => entries.length > 0)
    .map(encodeSegment),
})

/** One byte of the message is another: what was a line stays one. */
function altered(chance: SeededRandom, entry: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(entry)
  const place = copy.length - 3 - chance.whole(0, 3)
  copy[place] = copy[place] === 0x78 ? 0x79 : 0x78
  return copy
}

/** The first entry is left out, and what is signed of the rest holds. */
const withoutFirst = (segment: Segment): Segment => ({
  ...segment,
  first: segment.first + 1,
  before: chainNext(segment.before, segment.entries[0] ?? EMPTY),
  entries: segment.entries.slice(1),
})

function garbled(chance: SeededRandom, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const place = chance.whole(0, copy.length - 1)
  copy[place] = (copy[place] ?? 0) ^ (1 << chance.whole(0, 7))
  return copy
}

/** Own entries under the keys of others, at the places where their logs go on. */
function* impersonated({ replicator: { log }, keys, room }: Liar, relayed: Segments): Generator<Relayed> {
  yield relayed
  if (relayed.author !== log.id) return
  for (const { author, seq } of log.head) {
    const key = keyOf(author)
    if (key === undefined || author === log.id) continue
    const forged = segmentsOf(relayed).map(segment => {
      const chain = segment.entries.reduce(chainNext, segment.before)
      const last = seq + segment.entries.length
      const signature = signChain(keys, room, last, chain)
      return encodeSegment({ ...segment, entries: segment.entries, key, first: seq + 1, signature })
    })
    yield { kind: 'segments', author, segments: forged, last: seq + relayed.segments.length }
  }
}

/** Own entries that differ from a place on, in a chain of their own that is signed as it should be. */
async function* secondHistory({ replicator: { log }, keys, room }: Liar, relayed: Segments): AsyncGenerator<Relayed> {
  const name = { room, key: keys.publicKey }
  let chain: ChainValue = chainStart(name)
  let next = 1
  while (next <= relayed.last) {
    const segment = await log.segmentAt(log.id, next)
    if (segment === undefined) return
    const entries = segment.entries.map((entry, index) => (segment.first + index < FORK_PLACE ? entry : second(entry)))
    const before = chain
    chain = entries.reduce(chainNext, before)
    next = lastOf(segment) + 1
    const signature = signChain(keys, room, next - 1, chain)
    const bytes = encodeSegment({ ...segment, entries, before, signature })
    yield { kind: 'segments', author: log.id, segments: [bytes], last: next - 1 }
  }
}

function second(entry: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(entry)
  copy[copy.length - 3] = 0x21
  return copy
}

/** Proof of a fork that is none: a true segment, and one that nobody signed. */
function* accusation({ chance }: Liar, relayed: Segments): Generator<Relayed> {
  for (const segment of segmentsOf(relayed)) {
    const forged = { ...segment, entries: segment.entries.map(entry => altered(chance, entry)) }
    yield { kind: 'fork', proof: { segments: [segment, forged], place: segment.first, chain: segment.before } }
  }
}

/** Unsigned authors, of whom every other link is not told the second entry. */
function* crowd(isSecond: boolean): Generator<Relayed> {
  for (let index = 0; index < CROWD; index++) {
    const author = unsignedAuthor(`stranger${index}`)
    if (author === undefined) continue
    const entries = [1, 2, 3].map(seq => {
      const entry = Buffer.from(JSON.stringify({ username: `stranger ${index}`, message: `offer ${seq}` }))
      return { author, seq, at: EARLIEST, entry }
    })
    yield { kind: 'entries', entries: entries.filter(({ seq }) => !isSecond || seq !== 2) }
  }
}
