import { type AuthorId, authorOfLog, isBranch, isSigned, type LogId, runOf } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import type { Entry } from '../../log/format/entry.js'
import { NO_OPERATION, type TermId } from '../../membership/format/body.js'
import type { Membership } from '../../membership/membership.js'
import type { RoomChecker } from './room-checker.js'
import { type History, textOf } from './seat.js'

const ADMISSION = /"admission":"([0-9a-f]{64})"/

/** Reports a violation unless all members of a room are shown the same lines, and only lines that count. */
export function compareHistories(
  checker: RoomChecker,
  room: string,
  histories: Iterable<readonly [name: string, History]>,
): void {
  const truth = checker.truth(room)
  let first: { readonly name: string; readonly places: readonly string[] } | undefined
  for (const [name, { shown, stored }] of histories) {
    if (truth === undefined) continue
    const places = shown.map(({ author, seq, entry }) => `${author}/${seq} ${Buffer.from(entry).toString('latin1')}`)
    first ??= { name, places }
    const index = places.findIndex((place, at) => place !== first?.places[at])
    if (index !== -1 || places.length !== first.places.length)
      checker.violate(`${name} and ${first.name} have different histories of ${room} from line ${index + 1} on`)
    const terms = termsOf(stored)
    for (const { author, seq } of shown) {
      // It is not known here which branch of a forked log a chat place names.
      if (isBranch(author)) continue
      const last = lastOf(truth, author, terms.get(author) ?? NO_OPERATION)
      if (seq > last)
        checker.violate(
          `${name} shows entry ${seq} of ${checker.nameOf(authorOfLog(author))} in ${room}, beyond ${last}`,
        )
    }
    checker.checkHistory(room, name, new Set(shown.flatMap(({ entry }) => textOf(entry))))
  }
}

/** The term that the first entry of each log names. */
function termsOf(entries: readonly Entry[]): ReadonlyMap<LogId, TermId> {
  const terms = new Map<LogId, TermId>()
  for (const { author, seq, entry } of entries) {
    const admission =
      seq === 1 && isControl(entry) ? ADMISSION.exec(Buffer.from(entry).toString('latin1'))?.[1] : undefined
    if (admission !== undefined) terms.set(author, admission as TermId)
  }
  return terms
}

/** The last entry of a log that counts. */
function lastOf(truth: Membership, log: LogId, term: TermId): number {
  if (!isSigned(log)) return 0
  const chat = truth.chatOf(authorOfLog(log) as AuthorId, term)
  if (chat === 'all') return Number.POSITIVE_INFINITY
  return chat?.find(({ run }) => run === runOf(log))?.seq ?? 0
}
