import { info, warn } from '../../ui/lines/output.js'
import { type Where, withLog } from './stored-logs.js'

/**
 * `persisted-chat repair <me>`: repairs the database, and says whether the end of the own log is in doubt; with
 * `nobodyHasMore` that doubt is over. Exit code 1 where it is left.
 */
export async function repairLog(where: Where, nobodyHasMore: boolean): Promise<number> {
  return withLog(where, async (log, { me }) => {
    if (log.inDoubt === undefined) {
      info('your log needs no repair')
      return 0
    }
    if (!nobodyHasMore) {
      warn(
        `start the chat with a peer that has your log; if there is none, run \`persisted-chat repair ${me} --nobody-has-more\``,
      )
      return 1
    }
    await log.trustThisDisk()
    const seq = log.head.find(({ author }) => author === log.id)?.seq ?? 0
    info(
      `your log goes on with entry ${seq + 1}: where a peer does have more of it, your key is worth nothing from then on`,
    )
    return 0
  })
}
