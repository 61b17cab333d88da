import { isCounted } from '../../chat/kinds/counted.js'
import type { LogContents } from '../../log/content/log-contents.js'
import type { AuthorId } from '../../log/format/author.js'
import { EARLIEST, type Hlc, later } from '../../log/format/hybrid-clock.js'
import type { Log } from '../../log/log.js'
import type { Given } from '../../membership/format/body.js'
import { HISTORY_ALL } from '../../membership/limits.js'
import type { Membership } from '../../membership/membership.js'

/** The part of a log that knows the dates of its last lines. */
export type DatedLog = Pick<Log, 'dateOfLast' | 'dateOfNext'>

/** The history that a newcomer gets if `admitter` admits them now: the last lines of the conversation on this disk. */
export async function givenNow(membership: Membership, admitter: AuthorId, log: DatedLog): Promise<Given> {
  const { history } = membership
  if (history === HISTORY_ALL) return {}
  if (history === 0) return { history, linesFrom: log.dateOfNext() }
  const date = await log.dateOfLast(history, isCounted)
  // If there are fewer lines, the newcomer gets the history that the admitter has.
  return { history, linesFrom: date ?? membership.linesFrom(admitter) ?? EARLIEST }
}

interface FollowedMembers {
  readonly me: AuthorId
  readonly membership: Membership
  on(event: 'change', listener: () => void): unknown
}

/**
 * Tells our log when the history that we are given changes. Dates our next lines after the latest admission: a newcomer
 * then gets every line whose author knew of the admission, even if a clock is slow.
 */
export function followGiven(
  log: Pick<Log, 'observe'> & { readonly contents: Pick<LogContents, 'givenChanged'> },
  members: FollowedMembers,
): void {
  let known: Hlc | undefined
  const update = (): void => {
    const { membership, me } = members
    let latest = EARLIEST
    for (const author of membership.members.keys()) latest = later(latest, membership.linesFrom(author) ?? EARLIEST)
    if (latest > EARLIEST) log.observe(latest)
    const ours = membership.linesFrom(me)
    if (ours === known) return
    known = ours
    log.contents.givenChanged().catch(() => {}) // the log was closed
  }
  members.on('change', update)
  update()
}
