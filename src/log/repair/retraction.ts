import { textOf, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, keyOf, type Seq } from '../format/author.js'
import { chainNext } from '../format/chain.js'
import { decodeEntry, type Members } from '../format/entry.js'
import type { SignedHead } from '../format/heads.js'
import { packedSizeOf } from '../format/packed.js'
import { retractedKey, segmentKey, signedHeadKey, signedHeadWrite } from '../format/segment-rows.js'
import type { OwnLog } from '../own/own-log.js'
import type { SegmentStore } from '../store/segment-store.js'
import type { Store, Write } from '../store/store.js'

/** Own entries that nobody was ever told of, taken back to make room for what peers hold at their places. */
export interface Retraction {
  readonly writes: readonly Write[]
  readonly head: SignedHead | undefined
  /** The lines that are taken back, in order. */
  readonly lines: readonly Members[]
}

/**
 * Takes back the own entries behind the last that was offered: their lines are kept in the same commit, so that a crash loses none.
 * PROTOCOL.md §4.5.
 */
export async function retract(segments: SegmentStore, log: OwnLog, own: SignedHead): Promise<Retraction> {
  const { offered } = log
  const writes: Write[] = []
  const lines: Members[] = []
  let size = 0
  for await (const entries of segments.read(own.author, offered + 1, own.seq + 1)) {
    size += packedSizeOf(entries.map(({ entry }) => entry))
    lines.push(...entries.flatMap(({ entry }) => decodeEntry(entry) ?? []))
  }
  const key = keyOf(own.author) ?? new Uint8Array(0)
  for (let seq = offered + 1; seq <= own.seq; seq++) writes.push({ type: 'del', key: segmentKey(key, seq) })
  const head = await lastBefore(segments, { ...own, size: own.size - size }, offered)
  const cut = await segments.segmentAt(own.author, offered)
  if (cut !== undefined) {
    writes.push(log.seal({ ...cut, entries: cut.entries.slice(0, offered - cut.first + 1) }))
  }
  writes.push(head === undefined ? { type: 'del', key: signedHeadKey(own.author) } : signedHeadWrite(head))
  writes.push({ type: 'put', key: retractedKey(own.author), value: utf8(JSON.stringify(lines)) })
  return { writes, head, lines }
}

/**
 * The own lines that were taken back and did not come back from peers as they were, without the clock that they had. Undefined
 * where none were taken back.
 */
export async function retracted(
  store: Store,
  segments: SegmentStore,
  { author, head }: Pick<OwnLog, 'author' | 'head'>,
): Promise<Members[] | undefined> {
  const row = await store.get(retractedKey(author))
  if (row === undefined) return undefined
  const lines: unknown = JSON.parse(textOf(row) ?? '[]')
  if (!Array.isArray(lines)) return []
  const back = await cameBack(segments, head, lines)
  return lines
    .filter((line: Members) => !back.has(JSON.stringify(line)))
    .map(({ at: _at, time: _time, ...members }: Members) => members as Members)
}

/** Those of the lines that stand in the own log again, each as JSON: a peer held these very entries. */
async function cameBack(
  segments: SegmentStore,
  own: SignedHead | undefined,
  lines: readonly Members[],
): Promise<ReadonlySet<string>> {
  const wanted = new Set(lines.map(line => JSON.stringify(line)))
  const back = new Set<string>()
  const first = lines.map(({ at }) => String(at)).sort()[0]
  if (own === undefined || first === undefined) return back
  for await (const entries of segments.readBack(own.author, 1, own.seq + 1)) {
    for (const { at, entry } of entries) {
      if (at < first) return back
      const line = JSON.stringify(decodeEntry(entry))
      if (wanted.has(line)) back.add(line)
    }
  }
  return back
}

export const forgetRetracted = (author: AuthorId): Write => ({ type: 'del', key: retractedKey(author) })

async function lastBefore(segments: SegmentStore, own: SignedHead, seq: Seq): Promise<SignedHead | undefined> {
  const segment = seq === 0 ? undefined : await segments.segmentAt(own.author, seq)
  if (segment === undefined) return undefined
  const entries = segment.entries.slice(0, seq - segment.first + 1)
  for await (const [entry] of segments.read(own.author, seq, seq + 1)) {
    if (entry !== undefined) return { ...own, seq, chain: entries.reduce(chainNext, segment.before), last: entry.at }
  }
  return undefined
}
