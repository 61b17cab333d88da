import { concat, EMPTY, readVarint, sameBytes, utf8 } from '../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../base/wire/frames.js'
import { authorOfKey } from '../log/format/author.js'
import { decodeSegment, lastOf, type Segment } from '../log/format/segment.js'
import { AUTHORS_MAX, SEGMENT_BYTES_MAX } from '../log/limits.js'
import type { Log } from '../log/log.js'
import { decodeFrame, encodeFork, encodeSegments, type PeerFrame } from './codec.js'

// Signed logs as a file: to be carried on a stick. PROTOCOL.md §6.

const MAGIC = utf8('persisted-chat/export/2\n')
/** What exports began with when they held segments alone. */
const MAGIC_BEFORE = utf8('persisted-chat/export/1\n')
const ROOM_BYTES = 32
/**
 * Frames without segments plus rejected authors after which the rest is skipped. Bounds time and memory for a crafted file,
 * and leaves room for the fork proofs of a full room and as many rejections.
 */
const REFUSALS_MAX = 2 * AUTHORS_MAX

/** How many bytes tell whether they begin an export. */
export const ARCHIVE_START_BYTES = MAGIC.length

/** Whether these bytes begin an export. */
export const beginsArchive = (bytes: Uint8Array): boolean => cutterFor(bytes) !== undefined

/** The bytes of an export: the magic line, the room id, then proofs and segments in frames, as they go between ours. */
export async function* archiveOf(log: Log, room: Uint8Array): AsyncGenerator<Uint8Array> {
  yield concat([MAGIC, room])
  for await (const relayed of log.relay()) {
    if (relayed.kind === 'fork') yield encodeFork(relayed.proof)
    // A frame for each, so that what is damaged is that one alone.
    if (relayed.kind === 'segments') yield concat(relayed.segments.map(segment => encodeSegments([segment])))
  }
}

export interface ArchiveReport {
  /** Entries that this disk did not have. */
  readonly added: number
  /** What was refused, in words; the good part before it is kept. */
  readonly refused: readonly string[]
  /** Why nothing at all could be taken in. */
  readonly fault?: 'no export' | 'another room' | 'our own database' | 'no original'
}

/**
 * Takes in an export. What does not verify is refused by name, and everything else is kept; what is held already changes
 * nothing.
 */
export async function readArchive(
  log: Log,
  room: Uint8Array,
  bytes: AsyncIterable<Uint8Array>,
): Promise<ArchiveReport> {
  const refused = new Map<string, string>()
  let held: Uint8Array = EMPTY
  let cutter: Cutter | undefined
  let added = 0
  let odd = 0
  const onEntries = ({ from, to }: { from: number; to: number }): void => {
    added += to - from
  }
  const add = async (run: readonly Segment[]): Promise<void> => {
    const author = authorOfKey(run[0]?.key ?? EMPTY)
    if (refused.has(author)) return
    const end = run.at(-1)
    if (author === log.id && end !== undefined) log.ownClaimed(lastOf(end)) // it is taken back as from a peer
    const refusal = await log.addSigned(author, run)
    if (refusal !== undefined) refused.set(author, refusal.reason)
  }
  log.on('entries', onEntries)
  try {
    for await (const chunk of bytes) {
      held = concat([held, chunk])
      if (cutter === undefined) {
        if (held.length < MAGIC.length + ROOM_BYTES) continue
        cutter = cutterFor(held.subarray(0, MAGIC.length))
        if (cutter === undefined) return nothing('no export')
        if (!sameBytes(held.subarray(MAGIC.length, MAGIC.length + ROOM_BYTES), room)) return nothing('another room')
        held = held.subarray(MAGIC.length + ROOM_BYTES)
      }
      const { parts, fault } = cutter.cut(held)
      held = EMPTY
      for (const part of parts) {
        if (refused.size + odd > REFUSALS_MAX) break
        if (part.kind !== 'segments') odd++
        if (part.kind === 'bad') refused.set('a part of the file', part.reason)
        else if (part.kind === 'fork') await log.addProof(part.segments)
        else if (part.kind === 'segments') for (const run of groups(part.segments)) await add(run)
        else refused.set('a part of the file', 'this version does not know what it is')
      }
      if (refused.size + odd > REFUSALS_MAX) {
        refused.set('the rest of the file', 'skipped: too many parts were refused')
        break
      }
      if (fault !== undefined) {
        refused.set('the rest of the file', fault)
        break
      }
    }
    if (cutter === undefined) return nothing('no export')
    if (cutter.isMidway && !refused.has('the rest of the file'))
      refused.set('the rest of the file', 'it ends in the middle of a segment')
    return { added, refused: [...refused].map(([what, reason]) => `${what}: ${reason}`) }
  } finally {
    log.removeListener('entries', onEntries)
  }
}

const nothing = (fault: 'no export' | 'another room'): ArchiveReport => ({ added: 0, refused: [], fault })

/** Cuts the bytes behind the room id, as they come, into what they hold. */
interface Cutter {
  cut(bytes: Uint8Array): { readonly parts: readonly PeerFrame[]; readonly fault: string | undefined }
  /** Whether it holds a part that has not come whole. */
  readonly isMidway: boolean
}

function cutterFor(magic: Uint8Array): Cutter | undefined {
  if (sameBytes(magic, MAGIC)) return new FrameCutter()
  return sameBytes(magic, MAGIC_BEFORE) ? new SegmentCutter() : undefined
}

class FrameCutter implements Cutter {
  readonly #frames = new FrameReader(FRAME_BYTES_MAX, { hasHeartbeats: false })
  #isMidway = false

  get isMidway(): boolean {
    return this.#isMidway
  }

  cut(bytes: Uint8Array): ReturnType<Cutter['cut']> {
    const parts: PeerFrame[] = []
    /** Segments that follow each other are judged together, as from a peer. */
    let together: Segment[] | undefined
    this.#frames.push(bytes)
    for (;;) {
      const read = this.#frames.next()
      this.#isMidway = this.#frames.isMidFrame
      if (read.kind === 'bad') return { parts, fault: 'what follows is no part of an export' }
      if (read.kind === 'more') return { parts, fault: undefined }
      const part = decodeFrame(read.body)
      if (part.kind !== 'segments' || part.segments.length === 0) {
        parts.push(part.kind === 'segments' ? { kind: 'bad', reason: 'an empty part' } : part)
        together = undefined
        continue
      }
      if (together === undefined) {
        together = []
        parts.push({ kind: 'segments', segments: together })
      }
      together.push(...part.segments)
    }
  }
}

/** Of the first kind of export: segments with their lengths before them. */
class SegmentCutter implements Cutter {
  #held: Uint8Array = EMPTY

  get isMidway(): boolean {
    return this.#held.length > 0
  }

  cut(bytes: Uint8Array): ReturnType<Cutter['cut']> {
    const segments: Segment[] = []
    const parts = [{ kind: 'segments', segments }] as const
    let rest = concat([this.#held, bytes])
    for (;;) {
      this.#held = rest
      const length = readVarint(rest, 0, SEGMENT_BYTES_MAX)
      const isWhole = length.kind === 'value' && rest.length >= length.next + length.value
      if (length.kind === 'more' || (length.kind === 'value' && !isWhole)) return { parts, fault: undefined }
      const segment = isWhole ? decodeSegment(rest.subarray(length.next, length.next + length.value)) : undefined
      if (!isWhole || segment === undefined) return { parts, fault: 'what follows is no segment' }
      segments.push(segment)
      rest = rest.subarray(length.next + length.value)
    }
  }
}

/** Segments of one author that stand together. */
function* groups(segments: readonly Segment[]): Generator<Segment[]> {
  let group: Segment[] = []
  for (const segment of segments) {
    const [first] = group
    if (first !== undefined && !sameBytes(first.key, segment.key)) {
      yield group
      group = []
    }
    group.push(segment)
  }
  if (group.length > 0) yield group
}
