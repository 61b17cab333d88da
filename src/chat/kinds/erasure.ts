import { hexOf } from '../../base/wire/bytes.js'
import type { Run, Seq } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import { decodeEntry, type Members } from '../../log/format/entry.js'

/** A control entry by which an author erases lines of one of their logs, `from` to `to` inclusive. docs/protocol/logs.md §3.6. */
export interface Erasure {
  readonly run: Run
  readonly from: Seq
  readonly to: Seq
  /** The chain value at `to`. */
  readonly chain: Uint8Array
}

/** The JSON members of the entry, in the order that its form prescribes. */
export const erasureMembers = ({ run, from, to, chain }: Erasure): Members => ({
  type: 'delete',
  run,
  from,
  to,
  chain: hexOf(chain),
  username: '',
  message: '',
})

/** The erasure in an entry that was validated when it was stored; undefined for any other entry. */
export function erasureIn(entry: Uint8Array): Erasure | undefined {
  if (!isControl(entry)) return undefined
  const members: Readonly<Record<string, unknown>> = decodeEntry(entry) ?? {}
  const { type, run, from, to, chain } = members
  if (type !== 'delete' || typeof run !== 'number' || typeof from !== 'number' || typeof to !== 'number')
    return undefined
  return from <= to ? { run, from, to, chain: Buffer.from(String(chain), 'hex') } : undefined
}
