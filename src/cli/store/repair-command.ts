import { info, warn } from '../../ui/lines/output.js'
import { type Where, withLog } from './stored-logs.js'

/**
 * `persisted-chat repair <me>`: repairs the database, and reports whether our own log may have lost its end. `nobodyHasMore`
 * states that it has not. The exit code is 1 while that is unknown.
 */
export async function repairLog(where: Where, nobodyHasMore: boolean): Promise<number> {
  return withLog(where, async (log, { me }) => {
    if (log.inDoubt === undefined) {
      info('your log needs no repair')
      return 0
    }
    if (!nobodyHasMore) {
      warn(
        `your log may have lost its end: start the chat with a peer that has your log; if there is none, run \`persisted-chat repair ${me} --nobody-has-more\``,
      )
      return 1
    }
    await log.trustThisDisk()
    const seq = log.head.find(({ author }) => author === log.id)?.seq ?? 0
    info(
      `your log continues with entry ${seq + 1}; if a peer has more of it after all, your log forks and you need a new key`,
    )
    return 0
  })
}
