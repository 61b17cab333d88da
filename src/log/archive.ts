import { concat, readVarint, sameBytes, utf8, varint } from '../base/bytes.js'
import { SEGMENT_BYTES_MAX } from '../base/limits.js'
import { authorOfKey } from './author.js'
import type { Log } from './log.js'
import { decodeSegment, lastOf, type Segment } from './segment.js'

// Signed logs as a file: to be carried on a stick. PROTOCOL.md §6.

const MAGIC = utf8('persisted-chat/export/1\n')
const ROOM_BYTES = 32

/** The bytes of an export: the magic line, the room id, then every segment with its length before it. */
export async function* archiveOf(log: Log, room: Uint8Array): AsyncGenerator<Uint8Array> {
  yield concat([MAGIC, room])
  for await (const relayed of log.relay({ live: false })) {
    if (relayed.kind !== 'segments') continue
    yield concat(relayed.segments.flatMap(segment => [varint(segment.length), segment]))
  }
}

export interface ArchiveReport {
  /** Entries that this disk did not have. */
  readonly added: number
  /** What was refused, in words; the good part before it is kept. */
  readonly refused: readonly string[]
}

/**
 * Takes in an export. What does not verify is refused by name, and everything else is kept; what is held already changes
 * nothing. Undefined where the bytes are no export of this room.
 */
export async function readArchive(
  log: Log,
  room: Uint8Array,
  bytes: AsyncIterable<Uint8Array>,
): Promise<ArchiveReport | undefined> {
  const refused = new Map<string, string>()
  let held: Uint8Array = new Uint8Array(0)
  let isOpen = false
  let added = 0
  const onEntries = ({ from, to }: { from: number; to: number }): void => {
    added += to - from
  }
  log.on('entries', onEntries)
  try {
    for await (const chunk of bytes) {
      held = concat([held, chunk])
      if (!isOpen) {
        if (held.length < MAGIC.length + ROOM_BYTES) continue
        if (!sameBytes(held.subarray(0, MAGIC.length), MAGIC)) return undefined
        if (!sameBytes(held.subarray(MAGIC.length, MAGIC.length + ROOM_BYTES), room)) return undefined
        held = held.subarray(MAGIC.length + ROOM_BYTES)
        isOpen = true
      }
      const { segments, rest, fault } = cut(held)
      held = rest
      for (const run of groups(segments)) {
        const author = authorOfKey(run[0]?.key ?? new Uint8Array(0))
        if (refused.has(author)) continue
        const end = run.at(-1)
        if (author === log.id && end !== undefined) log.ownClaimed(lastOf(end)) // it is taken back as from a peer
        const refusal = await log.addSigned(author, run)
        if (refusal !== undefined) refused.set(author, refusal.reason)
      }
      if (fault !== undefined) {
        refused.set('the rest of the file', fault)
        held = new Uint8Array(0)
        break
      }
    }
    if (!isOpen) return undefined
    if (held.length > 0) refused.set('the rest of the file', 'it ends in the middle of a segment')
    return { added, refused: [...refused].map(([what, reason]) => `${what}: ${reason}`) }
  } finally {
    log.removeListener('entries', onEntries)
  }
}

function cut(bytes: Uint8Array): { segments: Segment[]; rest: Uint8Array; fault: string | undefined } {
  const segments: Segment[] = []
  let rest = bytes
  for (;;) {
    const length = readVarint(rest, 0, SEGMENT_BYTES_MAX)
    if (length.kind === 'bad') return { segments, rest, fault: 'what follows is no segment' }
    if (length.kind === 'more' || rest.length < length.next + length.value) return { segments, rest, fault: undefined }
    const segment = decodeSegment(rest.subarray(length.next, length.next + length.value))
    if (segment === undefined) return { segments, rest, fault: 'what follows is no segment' }
    segments.push(segment)
    rest = rest.subarray(length.next + length.value)
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
