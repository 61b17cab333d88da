import { isCounted } from '../../chat/kinds/counted.js'
import type { AuthorId } from '../../log/format/author.js'
import { EARLIEST, type Hlc, later } from '../../log/format/hybrid-clock.js'
import type { Log } from '../../log/log.js'
import type { Given } from '../../membership/format/body.js'
import { HISTORY_ALL } from '../../membership/limits.js'
import type { Membership } from '../../membership/membership.js'

/** The part of a log that knows which lines are the last ones. */
export type DatedLog = Pick<Log, 'dateOfLast' | 'dateOfNext'>

/** What somebody whom `admitter` admits now is given: the last lines of the conversation as it is on this disk. */
export async function givenNow(membership: Membership, admitter: AuthorId, log: DatedLog): Promise<Given> {
  const { history } = membership
  if (history === HISTORY_ALL) return {}
  if (history === 0) return { history, linesFrom: log.dateOfNext() }
  const date = await log.dateOfLast(history, isCounted)
  // With fewer lines, the newcomer is given what the admitter is given.
  return { history, linesFrom: date ?? membership.linesFrom(admitter) ?? EARLIEST }
}

interface FollowedMembers {
  readonly me: AuthorId
  readonly membership: Membership
  on(event: 'change', listener: () => void): unknown
}

/**
 * Applies changes of what we are given to our log, and dates our next lines after the latest admission: lines that are said by people who
 * know of it are given to the newcomer, even if a clock is slow.
 */
export function followGiven(log: Pick<Log, 'observe' | 'givenChanged'>, members: FollowedMembers): void {
  let known: Hlc | undefined
  const update = (): void => {
    const { membership, me } = members
    let latest = EARLIEST
    for (const author of membership.members.keys()) latest = later(latest, membership.linesFrom(author) ?? EARLIEST)
    if (latest > EARLIEST) log.observe(latest)
    const ours = membership.linesFrom(me)
    if (ours === known) return
    known = ours
    log.givenChanged().catch(() => {}) // the log was closed
  }
  members.on('change', update)
  update()
}
