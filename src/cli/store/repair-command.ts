import { info } from '../../ui/lines/output.js'
import { type Where, withLog } from './stored-logs.js'

/** `persisted-chat repair <me>`: repairs the database, and reports whether the next line opens a new run of our log. */
export async function repairLog(where: Where): Promise<number> {
  return withLog(where, async log => {
    info(
      log.doubt === undefined
        ? 'your log needs no repair'
        : 'the end of your log is in doubt: your next line begins a new run, and no one has to wait',
    )
    return 0
  })
}
