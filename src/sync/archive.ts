import { concat, EMPTY, sameBytes, utf8 } from '../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../base/wire/frames.js'
import type { LogId } from '../log/format/author.js'
import type { Rejection, StoredFault } from '../log/format/log-fault.js'
import { logOfSegment, type Segment } from '../log/format/segment.js'
import type { Log } from '../log/log.js'
import type { SeqRange } from '../log/read/subscription.js'
import type { Violation } from '../net/violation.js'
import { decodeFrame, encodeFork, encodeSegments, type PeerFrame } from './codec.js'
import { REJECTED_LOGS_MAX } from './limits.js'

// Signed logs in a file, in the frames that native peers exchange. docs/protocol/storage.md §6.

const MAGIC = utf8('persisted-chat/export/3\n')
const ROOM_BYTES = 32
/**
 * After this many rejected authors and frames without segments, the rest of a file is skipped. Bounds time and memory for a crafted file,
 * and leaves room for the fork proofs of a full room and for as many rejections.
 */
const REFUSALS_MAX = 2 * REJECTED_LOGS_MAX

/** How many bytes `beginsArchive` needs. */
export const ARCHIVE_START_BYTES = MAGIC.length

/** Whether a file that starts with these bytes is an export. */
export const beginsArchive = (bytes: Uint8Array): boolean => sameBytes(bytes.subarray(0, MAGIC.length), MAGIC)

/** The bytes of an export: the magic line, the room id, then proofs and segments in frames. */
export async function* archiveOf(log: Log, room: Uint8Array): AsyncGenerator<Uint8Array> {
  yield concat([MAGIC, room])
  for await (const relayed of log.relay()) {
    if (relayed.kind === 'fork') yield encodeFork(relayed.proof)
    // One segment per frame, so that damage costs only that segment.
    if (relayed.kind === 'segments') yield concat(relayed.segments.map(segment => encodeSegments([segment])))
  }
}

/** Why a file could not be read at all. */
type ArchiveFault = 'not-an-export' | 'other-room' | 'native-database' | 'no-scuttleup-database'

/** A rejected log or part of a file, or the rest of the file, with the reason. */
export type ArchiveRefusal =
  | {
      readonly kind: 'log'
      readonly author: LogId
      readonly reason: Rejection | Extract<StoredFault, { kind: 'missing' }>
    }
  | { readonly kind: 'part'; readonly reason: Violation | 'unknown-frame' | 'no-segments' }
  | { readonly kind: 'rest'; readonly reason: RestFault }

/** Why the rest of a file was not read. */
type RestFault = 'incomplete-segment' | 'too-many-rejections' | 'not-an-export'

export interface ArchiveReport {
  /** How many entries are new on this disk. */
  readonly added: number
  /** Rejections with their reasons. Everything else was stored. */
  readonly refused: readonly ArchiveRefusal[]
  readonly fault?: ArchiveFault
}

/** Reads an export into the log. Stores all entries that verify, rejects the others, and skips entries that are stored already. */
export async function readArchive(
  log: Log,
  room: Uint8Array,
  bytes: AsyncIterable<Uint8Array>,
): Promise<ArchiveReport> {
  let added = 0
  const onEntries = ({ from, to }: SeqRange): void => {
    added += to - from
  }
  log.on('entries', onEntries)
  try {
    const result = await new ArchiveImport(log, room).run(bytes)
    return typeof result === 'string' ? { added: 0, refused: [], fault: result } : { added, refused: result }
  } finally {
    log.removeListener('entries', onEntries)
  }
}

/** One call of `readArchive`. */
class ArchiveImport {
  readonly #log: Log
  readonly #room: Uint8Array
  /** Rejections by author or part of the file; later segments of a rejected author are skipped. */
  readonly #refused = new Map<LogId | 'part' | 'rest', ArchiveRefusal>()
  /** How many frames had no segments. */
  #otherFrames = 0

  constructor(log: Log, room: Uint8Array) {
    this.#log = log
    this.#room = room
  }

  /** Returns the rejections, or why nothing could be read. */
  async run(bytes: AsyncIterable<Uint8Array>): Promise<ArchiveFault | ArchiveRefusal[]> {
    let buffered: Uint8Array = EMPTY
    let decoder: FrameDecoder | undefined
    for await (const chunk of bytes) {
      buffered = concat([buffered, chunk])
      if (decoder === undefined) {
        if (buffered.length < MAGIC.length + ROOM_BYTES) continue
        if (!beginsArchive(buffered)) return 'not-an-export'
        if (!sameBytes(buffered.subarray(MAGIC.length, MAGIC.length + ROOM_BYTES), this.#room)) return 'other-room'
        buffered = buffered.subarray(MAGIC.length + ROOM_BYTES)
        decoder = new FrameDecoder()
      }
      if (!(await this.#read(decoder.decode(buffered)))) return this.#report()
      buffered = EMPTY
    }
    if (decoder === undefined) return 'not-an-export'
    if (decoder.isMidway) this.#refuseRest('incomplete-segment')
    return this.#report()
  }

  /** Returns whether to read on. */
  async #read({ frames, fault }: Decoded): Promise<boolean> {
    for (const frame of frames) {
      if (this.#hasTooMany) break
      await this.#add(frame)
    }
    if (this.#hasTooMany) this.#refuseRest('too-many-rejections')
    else if (fault !== undefined) this.#refuseRest(fault)
    else return true
    return false
  }

  get #hasTooMany(): boolean {
    return this.#refused.size + this.#otherFrames > REFUSALS_MAX
  }

  async #add(frame: ArchiveFrame): Promise<void> {
    if (frame.kind === 'segments') {
      for (const run of runsOf(frame.segments)) await this.#addRun(run)
      return
    }
    this.#otherFrames++
    if (frame.kind === 'fork') await this.#log.addProof(frame.segments)
    else if (frame.kind === 'bad') this.#refuse({ kind: 'part', reason: frame.reason })
    else this.#refuse({ kind: 'part', reason: frame.kind === 'no-segments' ? 'no-segments' : 'unknown-frame' })
  }

  async #addRun(run: readonly Segment[]): Promise<void> {
    const [first] = run
    if (first === undefined) return
    const author = logOfSegment(first)
    if (this.#refused.has(author)) return
    const refusal = await this.#log.addSigned(author, run)
    if (refusal !== undefined) this.#refuse({ kind: 'log', author, reason: refusal.reason })
  }

  #refuse(refusal: ArchiveRefusal): void {
    this.#refused.set(refusal.kind === 'log' ? refusal.author : refusal.kind, refusal)
  }

  #refuseRest(reason: RestFault): void {
    this.#refuse({ kind: 'rest', reason })
  }

  #report(): ArchiveRefusal[] {
    return [...this.#refused.values()]
  }
}

type ArchiveFrame = PeerFrame | { readonly kind: 'no-segments' }

interface Decoded {
  readonly frames: readonly ArchiveFrame[]
  /** Why the rest of the file cannot be decoded. */
  readonly fault: RestFault | undefined
}

/** Decodes the bytes after the room id, chunk by chunk. */
class FrameDecoder {
  readonly #reader = new FrameReader(FRAME_BYTES_MAX, { hasHeartbeats: false })
  #isMidway = false

  /** Whether the last frame is incomplete. */
  get isMidway(): boolean {
    return this.#isMidway
  }

  decode(bytes: Uint8Array): Decoded {
    const frames: ArchiveFrame[] = []
    /** The segments of consecutive frames are verified together, as from a peer. */
    let consecutive: Segment[] | undefined
    this.#reader.push(bytes)
    for (;;) {
      const read = this.#reader.next()
      this.#isMidway = this.#reader.isMidFrame
      if (read.kind === 'bad') return { frames, fault: 'not-an-export' }
      if (read.kind === 'more') return { frames, fault: undefined }
      const frame = decodeFrame(read.body)
      if (frame.kind !== 'segments' || frame.segments.length === 0) {
        frames.push(frame.kind === 'segments' ? { kind: 'no-segments' } : frame)
        consecutive = undefined
        continue
      }
      if (consecutive === undefined) {
        consecutive = []
        frames.push({ kind: 'segments', segments: consecutive })
      }
      consecutive.push(...frame.segments)
    }
  }
}

/** Splits segments wherever the log changes. */
function* runsOf(segments: readonly Segment[]): Generator<Segment[]> {
  let run: Segment[] = []
  for (const segment of segments) {
    const [first] = run
    if (first !== undefined && (first.run !== segment.run || !sameBytes(first.key, segment.key))) {
      yield run
      run = []
    }
    run.push(segment)
  }
  if (run.length > 0) yield run
}
