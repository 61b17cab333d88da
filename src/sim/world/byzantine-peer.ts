import { type KeyPair, keyPairOf, SEED_BYTES } from '../../base/crypto/signing.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import { EMPTY } from '../../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../base/wire/frames.js'
import type { LogContents } from '../../log/content/log-contents.js'
import { keyOf, type LogId, logOfKey, runOf, unsignedLog } from '../../log/format/author.js'
import { type ChainValue, chainAfter, chainNext, chainStart, signChain } from '../../log/format/chain.js'
import { CHAIN_PREFIX_BYTES, type Digest } from '../../log/format/heads.js'
import { EARLIEST } from '../../log/format/hybrid-clock.js'
import { packEntry, SALT_BYTES } from '../../log/format/packed.js'
import { decodeSegment, encodeSegment, lastOf, type Segment } from '../../log/format/segment.js'
import type { Log } from '../../log/log.js'
import type { Relayed } from '../../log/read/outgoing.js'
import { decodeFrame, encodeFingerprints } from '../../sync/codec.js'
import { FINGERPRINTS_BYTES, fingerprintsOf } from '../../sync/fingerprints.js'
import { createNativeStream } from '../../sync/native-replication.js'
import type { NativeReplicationOptions } from '../../sync/options.js'
import type { ReplicationStream } from '../../sync/replication-stream.js'
import type { Replicator } from '../../sync/replicator.js'
import type { NETWORK_FAULTS } from './network-attacks.js'
import { withOverrides } from './overridden.js'

/** Faults of a peer that deviates from the protocol. */
export const BYZANTINE_FAULTS = [
  'alters entries',
  'skips entries',
  'renumbers entries',
  'signs for others',
  'announces missing entries',
  'withholds entries',
  'garbles bytes',
  'repeats entries',
  'introduces many authors',
  'forks its log',
  'forges proofs of forks',
] as const
/** Faults of strangers that random runs do not choose. */
export const STRANGER_FAULTS = [
  'makes up heads',
  'makes up authors',
  'makes up gaps',
  'makes up receipts',
  'makes up fingerprints',
  'fills the pool',
] as const
/** Not a fault: a stranger who follows the protocol, and is guaranteed only their share of the pool. */
export const STRANGER = 'is a stranger'
export type ByzantineFault =
  | (typeof BYZANTINE_FAULTS | typeof STRANGER_FAULTS | typeof NETWORK_FAULTS)[number]
  | typeof STRANGER

/** First entry that differs between the branches of a forked log. */
const FORK_SEQ = 3
/** Number of announced logs that do not exist: more than a peer follows at a time. */
const MADE_UP_HEADS = 1_200
/** Number of made-up authors with one line each. */
const MADE_UP_AUTHORS = 60
/** Number of made-up authors with many long lines, which fill the pool of the simulation several times over. */
const LARGE_AUTHORS = 10
const LARGE_LINES = 16
const LARGE_LINE_CHARS = 10_000
const LARGE_SEGMENT_LINES = 8
/** Number of unsigned authors that the fault "introduces many authors" adds. */
const AUTHORS = 20

interface Identity {
  readonly replicator: Replicator
  readonly keys: KeyPair
  readonly room: Uint8Array
  readonly random: SeededRandom
}

/** Replicates with one fault. `isSecond` is true for every other connection; a fork sends its second branch there. */
export function byzantineStream(
  identity: Identity,
  fault: ByzantineFault,
  options: NativeReplicationOptions,
  isSecond: boolean,
): ReplicationStream {
  const { random, replicator } = identity
  const { log } = replicator
  const inflated = ({ author, seq }: Digest): Digest => ({ author, seq: seq + 1_000 })
  /** A receipt for a history that this peer does not store: the author's own, or a made-up one. */
  const receipt = ({ author, seq, chain }: Digest): Digest => ({
    author,
    seq: seq + random.whole(0, 2),
    ...(chain !== undefined && { chain: random.is(0.5) ? chain : random.bytes(CHAIN_PREFIX_BYTES) }),
  })
  const faulty = withOverrides(log, {
    get announcedHeads() {
      if (fault === 'makes up heads') return [...log.announcedHeads, ...madeUpHeads(random)]
      if (fault === 'makes up receipts') return log.announcedHeads.map(receipt)
      return fault === 'announces missing entries' ? log.head.map(inflated) : log.announcedHeads
    },
    contents: fault === 'makes up gaps' ? withMadeUpGaps(log, random) : log.contents,
    announcedHead: author => {
      const head = log.announcedHead(author)
      return fault === 'announces missing entries'
        ? inflated(head)
        : fault === 'makes up receipts'
          ? receipt(head)
          : head
    },
    relay: since => falsified(identity, fault, log.relay(since), isSecond),
    follow: options => falsified(identity, fault, log.follow(options), isSecond),
  })
  const stream = createNativeStream(withOverrides(replicator, { log: faulty }), options)
  if (fault === 'makes up fingerprints') withMadeUpFingerprints(stream, random, isSecond)
  if (fault !== 'garbles bytes') return stream
  const push = stream.push.bind(stream)
  stream.push = (bytes: Uint8Array | null) => push(bytes !== null && random.is(0.3) ? garbled(random, bytes) : bytes)
  return stream
}

/**
 * Begins with made-up fingerprints. They are random or, if `isReflecting`, a copy of the other side's, as if nothing
 * were missing.
 */
function withMadeUpFingerprints(stream: ReplicationStream, random: SeededRandom, isReflecting: boolean): void {
  const start = new FrameReader(FRAME_BYTES_MAX)
  start.push((stream.read() as Uint8Array | null) ?? EMPTY)
  for (let read = start.next(); read.kind === 'frame'; read = start.next())
    if (!['heads', 'fingerprints'].includes(decodeFrame(read.body).kind)) stream.push(frame(read.body))
  if (!isReflecting) {
    stream.push(encodeFingerprints(random.bytes(FINGERPRINTS_BYTES)))
    return
  }
  const frames = new FrameReader(FRAME_BYTES_MAX)
  const receive = stream.write.bind(stream) as (bytes: Uint8Array) => boolean
  stream.write = ((bytes: Uint8Array) => {
    frames.push(bytes)
    for (let read = frames.next(); read.kind === 'frame'; read = frames.next()) {
      const theirs = decodeFrame(read.body)
      if (theirs.kind === 'fingerprints') stream.push(encodeFingerprints(theirs.fingerprints))
      if (theirs.kind === 'heads') stream.push(encodeFingerprints(fingerprintsOf(theirs.heads)))
      stream.write = receive as typeof stream.write
    }
    return receive(bytes)
  }) as typeof stream.write
}

async function* falsified(
  identity: Identity,
  fault: ByzantineFault,
  original: AsyncGenerator<Relayed>,
  isSecond: boolean,
): AsyncGenerator<Relayed> {
  const before: Relayed[] = []
  const seen = new Set<LogId>()
  if (fault === 'introduces many authors') yield* manyAuthors(isSecond)
  if (fault === 'makes up authors') yield* madeUpAuthors(identity)
  if (fault === 'fills the pool') yield* largeAuthors(identity)
  for await (const relayed of original) {
    if (relayed.kind !== 'segments') {
      yield relayed
      continue
    }
    switch (fault) {
      case 'alters entries':
        yield changed(relayed, segment => ({
          ...segment,
          entries: segment.entries.map(e => altered(identity.random, e)),
        }))
        break
      case 'skips entries':
        yield seen.has(relayed.author) ? relayed : changed(relayed, withoutFirst)
        seen.add(relayed.author)
        break
      case 'renumbers entries':
        yield changed(relayed, segment => ({
          ...segment,
          first: segment.first + identity.random.whole(1, 3),
          entries: segment.entries,
        }))
        break
      case 'signs for others':
        yield* impersonated(identity, relayed)
        break
      case 'withholds entries':
        break
      case 'repeats entries':
        before.push(relayed)
        yield relayed
        yield* before.toReversed()
        break
      case 'forks its log':
        if (isSecond && relayed.author === identity.replicator.log.id) yield* forkedHistory(identity, relayed)
        else yield relayed
        break
      case 'forges proofs of forks':
        yield* forgedProof(identity, relayed)
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

/** Changes one byte of the message; the entry stays well-formed. */
function altered(random: SeededRandom, entry: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(entry)
  const place = copy.length - 3 - random.whole(0, 3)
  copy[place] = copy[place] === 0x78 ? 0x79 : 0x78
  return copy
}

/** A segment without its first entry; the signature still matches the rest. */
const withoutFirst = (segment: Segment): Segment => ({
  ...segment,
  first: segment.first + 1,
  before: chainNext(segment.before, segment.entries[0] ?? EMPTY),
  entries: segment.entries.slice(1),
})

function garbled(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const place = random.whole(0, copy.length - 1)
  copy[place] = (copy[place] ?? 0) ^ (1 << random.whole(0, 7))
  return copy
}

/** Sends our entries as continuations of the logs of others. */
function* impersonated({ replicator: { log }, keys, room }: Identity, relayed: Segments): Generator<Relayed> {
  yield relayed
  if (relayed.author !== log.id) return
  for (const { author, seq } of log.head) {
    const key = keyOf(author)
    if (key === undefined || author === log.id) continue
    const forged = segmentsOf(relayed).map(segment => {
      const chain = chainAfter(segment.before, segment.entries)
      const last = seq + segment.entries.length
      const run = runOf(author)
      const signature = signChain(keys, { room, run }, last, chain)
      return encodeSegment({ ...segment, entries: segment.entries, key, run, first: seq + 1, signature })
    })
    yield { kind: 'segments', author, segments: forged, last: seq + relayed.segments.length }
  }
}

/** Sends a second branch of our log, correctly chained and signed. */
async function* forkedHistory(
  { replicator: { log }, keys, room }: Identity,
  relayed: Segments,
): AsyncGenerator<Relayed> {
  const name = { room, key: keys.publicKey, run: runOf(log.id) }
  let chain: ChainValue = chainStart(name)
  let next = 1
  while (next <= relayed.last) {
    const segment = await log.segmentAt(log.id, next)
    if (segment === undefined) return
    const entries = segment.entries.map((entry, index) => (segment.first + index < FORK_SEQ ? entry : forked(entry)))
    const before = chain
    chain = chainAfter(before, entries)
    next = lastOf(segment) + 1
    const signature = signChain(keys, name, next - 1, chain)
    const bytes = encodeSegment({ ...segment, entries, before, signature })
    yield { kind: 'segments', author: log.id, segments: [bytes], last: next - 1 }
  }
}

function forked(entry: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(entry)
  copy[copy.length - 3] = 0x21
  return copy
}

/** Sends an invalid fork proof, which consists of a genuine segment and an unsigned one. */
function* forgedProof({ random }: Identity, relayed: Segments): Generator<Relayed> {
  for (const segment of segmentsOf(relayed)) {
    const forged = { ...segment, entries: segment.entries.map(entry => altered(random, entry)) }
    yield { kind: 'fork', proof: { segments: [segment, forged], forkedAt: segment.first, chain: segment.before } }
  }
}

function withMadeUpGaps(log: Log, random: SeededRandom): LogContents {
  return withOverrides(log.contents, {
    get logsWithGaps() {
      return log.head.map(({ author }) => author)
    },
    version: () => random.whole(1, 1_000_000),
    gaps: () => [{ from: 1, to: random.whole(2, 1_000) }],
  })
}

function madeUpHeads(random: SeededRandom): Digest[] {
  return Array.from({ length: MADE_UP_HEADS }, () => ({
    author: logOfKey(random.bytes(SEED_BYTES)),
    seq: random.whole(1, 1_000),
    chain: random.bytes(CHAIN_PREFIX_BYTES),
  }))
}

/** Sends one line of each of many signed authors. */
function* madeUpAuthors(identity: Identity): Generator<Relayed> {
  for (let author = 0; author < MADE_UP_AUTHORS; author++) yield* madeUpLog(identity, ['hello'])
}

/** Sends many long lines of signed authors. */
function* largeAuthors(identity: Identity): Generator<Relayed> {
  for (let author = 0; author < LARGE_AUTHORS; author++)
    yield* madeUpLog(
      identity,
      Array.from({ length: LARGE_LINES }, () => 'x'.repeat(LARGE_LINE_CHARS)),
    )
}

/** The log of a made-up author. */
function* madeUpLog({ room, random }: Identity, messages: readonly string[]): Generator<Relayed> {
  const keys = keyPairOf(random.bytes(SEED_BYTES))
  const name = { room, key: keys.publicKey, run: 0 }
  const log = logOfKey(keys.publicKey)
  let before = chainStart(name)
  for (let from = 0; from < messages.length; from += LARGE_SEGMENT_LINES) {
    const entries = messages.slice(from, from + LARGE_SEGMENT_LINES).map((message, index) => {
      const text = JSON.stringify({ at: hlcAt(from + index), username: 'guest', message })
      return packEntry(random.bytes(SALT_BYTES), Buffer.from(text))
    })
    const last = from + entries.length
    const chain = chainAfter(before, entries)
    const signature = signChain(keys, name, last, chain)
    const segment = encodeSegment({ key: keys.publicKey, run: 0, first: from + 1, entries, before, signature })
    yield { kind: 'segments', author: log, segments: [segment], last }
    before = chain
  }
}

/** A time long before any honest entry. */
const hlcAt = (index: number): string => `${String(1_000_000_000_000 + index)}.0000`

/** Sends entries of many unsigned authors. Every other connection does not get their second entry. */
function* manyAuthors(isSecond: boolean): Generator<Relayed> {
  for (let index = 0; index < AUTHORS; index++) {
    const author = unsignedLog(`stranger${index}`)
    if (author === undefined) continue
    const entries = [1, 2, 3].map(seq => {
      const entry = Buffer.from(JSON.stringify({ username: `stranger ${index}`, message: `offer ${seq}` }))
      return { author, seq, at: EARLIEST, entry }
    })
    yield { kind: 'entries', entries: entries.filter(({ seq }) => !isSecond || seq !== 2) }
  }
}
