import { Duplex, Readable } from 'node:stream'
import type { HourlyQuota } from '../base/hourly-quota.js'
import { ASIDE_BYTES_MAX, PENDING_BYTES_MAX, PENDING_BYTES_MIN, WISHES_MAX } from '../base/limits.js'
import { concat } from '../base/wire/bytes.js'
import { FRAME_BYTES_MAX } from '../base/wire/frames.js'
import { ScuttleupSession } from '../compat/scuttleup/scuttleup-session.js'
import { type AuthorId, authorOfKey, type Seq } from '../log/format/author.js'
import { chainAfter } from '../log/format/chain.js'
import type { Entry } from '../log/format/entry.js'
import type { Digest } from '../log/format/heads.js'
import { encodeSegment, lastOf, packedOf, type Segment } from '../log/format/segment.js'
import type { SignedRun } from '../log/format/segment-plan.js'
import type { Aside, ReadOptions, Refusal, ReplicationOptions } from '../log/options.js'
import { CHAIN_PREFIX_BYTES, encodeSegments } from './codec.js'
import type { Effect, Run } from './effects.js'
import type { Receipts } from './receipts.js'
import { type ReplicaSource, replicateNative, replicateScuttleup } from './replicator.js'

/** What is made of an entry, or of a run of them, until it is stored. */
const HELD_BYTES = 64

/** What the streams need of a log. */
interface Source extends ReplicaSource {
  add(run: Run, newAuthors?: HourlyQuota): Promise<Refusal | undefined>
  addSigned(author: AuthorId, runs: readonly SignedRun[], newAuthors?: HourlyQuota): Promise<Refusal | undefined>
  addProof(segments: readonly [Segment, Segment]): Promise<Refusal | undefined>
  readonly custody: Pick<Receipts, 'open'>
  differing(heads: readonly Digest[]): Digest[]
  ownDiffers(): void
  segmentAt(author: AuthorId, seq: Seq): Promise<Segment | undefined>
  newAuthorAllowance(perHourMax: number): HourlyQuota
  ownClaimed(seq: Seq): void
}

/** A stream of entries over `log.read`. */
export function entryStream(log: Pick<Source, 'read'>, options: ReadOptions): Readable {
  const abort = new AbortController()
  const batches = log.read({ ...options, signal: abort.signal })
  let batch: readonly Entry[] = []
  let index = 0
  let isFilling = false
  const fill = async (stream: Readable): Promise<void> => {
    // Asked again while a batch is on its way: what that brings is pushed by who waits for it.
    if (isFilling) return
    isFilling = true
    try {
      for (;;) {
        while (index < batch.length) if (!stream.push(batch[index++])) return
        const next = await batches.next()
        if (next.done) {
          stream.push(null)
          return
        }
        batch = next.value
        index = 0
      }
    } finally {
      isFilling = false
    }
  }
  return new Readable({
    objectMode: true,
    highWaterMark: 64,
    read() {
      fill(this).catch(error => this.destroy(error))
    },
    destroy: (error, done) => {
      abort.abort()
      done(error)
    },
  })
}

/** The thin layer between a session and a socket: it performs the session's effects, with back-pressure both ways. */
export function replicationStream(log: Source, options: ReplicationOptions): Duplex {
  const { session, branch, bytesSince, asked, close } =
    options.dialect === 'native'
      ? replicateNative(log, options, bytes => void (hasEnded || stream.destroyed || stream.push(bytes)))
      : replicateScuttleup(log, options)
  const allowance =
    options.newAuthorsPerHourMax === undefined ? undefined : log.newAuthorAllowance(options.newAuthorsPerHourMax)
  const witness =
    options.holder === undefined
      ? undefined
      : log.custody.open(options.holder, {
          isOriginal: options.dialect !== 'native',
          onDiffering: seq => {
            log.ownDiffers()
            if (!stream.destroyed) refuse(log.id, { reason: 'it differs at the same place', want: seq })
          },
        })
  const abort = new AbortController()
  const onDrain: (() => void)[] = []
  const wishes = new Map<AuthorId, Digest>()
  /** What came last of an author, until it is taken or refused. */
  const taking = new Map<AuthorId, Promise<void>>()
  let pendingBytes = 0
  /** How many may be pending; grows as they are stored. */
  let pendingBytesMax = PENDING_BYTES_MIN
  /** Whether this side has said that it sends nothing more. */
  let hasEnded = false
  let isAnswering = false
  let aside: Aside | undefined
  /** A write, or the end of them, that waits until no more than so many bytes are pending. */
  let held: { readonly bytesMax: number; readonly done: () => void } | undefined

  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => {
      for (const wake of onDrain.splice(0)) wake()
    },
    writableHighWaterMark: FRAME_BYTES_MAX,
    write: (chunk: Buffer, _encoding, done) => receive(chunk, done),
    // What came while nothing was read is judged at once, under as few signatures as hold it.
    writev: (chunks, done) => receive(concat(chunks.map(({ chunk }) => chunk)), done),
    final: done => {
      // The other side will send nothing more; what it sent is taken in before the end is told.
      hold(0, done)
    },
    destroy: (error, done) => {
      abort.abort()
      close()
      witness?.close()
      aside?.close()
      for (const wake of onDrain.splice(0)) wake()
      done(error)
    },
  })

  const receive = (bytes: Uint8Array, done: () => void): void => {
    for (const effect of session.receive(bytes)) perform(effect)
    hold(pendingBytesMax, done)
  }

  const perform = (effect: Effect): void => {
    switch (effect.kind) {
      case 'offer':
        brought({ author: effect.run.author, seq: effect.run.first + effect.run.entries.length - 1 })
        take(effect.run.author, sizeOfEntries(effect.run.entries), log.add(effect.run, allowance))
        return
      case 'offer-signed':
        brought(endOfRuns(effect.author, effect.runs, log.id))
        take(effect.author, sizeOfRuns(effect.runs), log.addSigned(effect.author, effect.runs, allowance))
        return
      case 'fork':
        take(
          authorOfKey(effect.segments[0].key),
          sizeOfRuns(effect.segments),
          // A proof that is none is no reason to take nothing more of whom it accuses.
          log.addProof(effect.segments).then(refusal => (refusal?.want === undefined ? undefined : refusal)),
        )
        return
      case 'wanted':
        void answer(effect.want)
        return
      case 'say':
        if (!hasEnded) stream.push(effect.bytes)
        return
      case 'told':
        witness?.told(effect.heads)
        told(effect.heads)
        return
      case 'asked':
        asked(effect.since)
        return
      case 'serve':
        claim(effect.since)
        void serve(effect.since)
        return
      case 'end':
        claim(effect.since)
        end()
        return
      case 'aside': {
        const reason = aside?.receive(effect.body)
        if (reason !== undefined) perform({ kind: 'close', reason })
        return
      }
      case 'warn':
        options.onWarning?.(effect.reason)
        return
      case 'close':
        options.onWarning?.(`it is let go, for it sent ${effect.reason}`)
        stream.destroy(new Error(effect.reason))
    }
  }

  const claim = (since: readonly Digest[]): void => {
    witness?.told(since)
    options.onHeads?.()
    log.ownClaimed(since.find(({ author }) => author === log.id)?.seq ?? 0)
    told(since)
  }

  /** Who sends something holds it. */
  const brought = (end: Digest): void => {
    branch.brought(end.author, end.seq)
    witness?.told([end])
  }

  const told = (heads: readonly Digest[]): void => {
    branch.told(heads)
    for (const { author, seq } of log.differing(heads))
      refuse(author, { reason: 'it differs at the same place', want: seq })
  }

  const refuse = (author: AuthorId, { reason, want }: Refusal): void => {
    const wish = want === undefined || session instanceof ScuttleupSession ? undefined : session.want(author, want)
    if (wish !== undefined && !hasEnded) {
      if (wish.length > 0) stream.push(wish)
    } else for (const effect of session.refused(author, reason)) perform(effect)
  }

  /** One wish after the other, as fast as the peer reads; of each author the last one. Whoever asks more is not answered. */
  const answer = async (wish: Digest): Promise<void> => {
    if (wishes.size < WISHES_MAX || wishes.has(wish.author)) wishes.set(wish.author, wish)
    if (isAnswering) return
    isAnswering = true
    for (const { author, seq } of wishes.values()) {
      wishes.delete(author)
      while (stream.readableLength > FRAME_BYTES_MAX && !stream.destroyed) await drained()
      const segment = await log.segmentAt(author, seq).catch(() => undefined)
      if (segment !== undefined && !hasEnded && !stream.destroyed) stream.push(encodeSegments([encodeSegment(segment)]))
    }
    isAnswering = false
  }

  const take = (author: AuthorId, bytes: number, adding: Promise<Refusal | undefined>): void => {
    pendingBytes += bytes
    const before = taking.get(author)
    const taken = adding.then(async refusal => {
      // What comes behind a fault does not follow, and is refused at once: why it does not is told first.
      await before
      if (refusal !== undefined) refuse(author, refusal)
      pendingBytes -= bytes
      pendingBytesMax = Math.min(PENDING_BYTES_MAX, pendingBytesMax + bytes)
      if (taking.get(author) === taken) taking.delete(author)
      release()
    })
    taking.set(author, taken)
    taken.catch(error => stream.destroy(error))
  }

  const hold = (bytesMax: number, done: () => void): void => {
    held = { bytesMax, done }
    release()
  }

  const release = (): void => {
    if (held === undefined || pendingBytes > held.bytesMax) return
    const { done } = held
    held = undefined
    done()
  }

  const serve = async (since: readonly Digest[]): Promise<void> => {
    try {
      for await (const bytes of bytesSince(since, abort.signal)) {
        if (stream.destroyed) return
        if (bytes !== undefined && !stream.push(bytes)) await drained()
        if (stream.destroyed) return
      }
      end()
    } catch (error) {
      stream.destroy(error as Error)
    }
  }

  const end = (): void => {
    hasEnded = true
    stream.push(null)
  }

  const drained = (): Promise<void> => new Promise(resolve => void onDrain.push(resolve))

  stream.push(session.start())
  if (options.dialect === 'native') {
    aside = options.aside?.(frames => {
      if (hasEnded || stream.destroyed || stream.readableLength > ASIDE_BYTES_MAX) return false
      stream.push(frames)
      return true
    })
  }
  return stream
}

/** What it takes to keep entries, with what is made of each. */
const sizeOfEntries = (entries: readonly Uint8Array[]): number =>
  entries.reduce((sum, { length }) => sum + length + HELD_BYTES, 0)

/** The same of runs, of whose entries nothing is made. */
const sizeOfRuns = (runs: readonly Pick<SignedRun, 'entries'>[]): number =>
  runs.reduce((sum, run) => sum + packedOf(run).bytes.length + HELD_BYTES, 0)

/** Where runs end; of the own log with the chain value there, without which nobody counts as holding it. */
function endOfRuns(author: AuthorId, runs: readonly SignedRun[], own: AuthorId): Digest {
  const last = runs.at(-1)
  if (last === undefined) return { author, seq: 0 }
  const chain =
    author === own && last.before !== undefined
      ? chainAfter(last.before, last.entries).subarray(0, CHAIN_PREFIX_BYTES)
      : undefined
  return { author, seq: lastOf(last), ...(chain !== undefined && { chain }) }
}
