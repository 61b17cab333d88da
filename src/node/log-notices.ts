import { reasonOf } from '../base/errors.js'
import { sanitise } from '../base/safe-text.js'
import { shortKey } from '../chat/display-names.js'
import { authorOfKey } from '../log/format/author.js'
import type { Log } from '../log/log.js'

export interface Notify {
  readonly info: (line: string) => void
  readonly warning: (line: string) => void
}

/** Reports what happens to the log, in sentences for the user. */
export function reportLog(log: Log, { info, warning }: Notify): void {
  log.on('warning', line => warning(sanitise(line)))
  log.on('read-only', reason =>
    warning(`nothing can be stored: ${sanitise(reason)}; new lines wait until the disk works again`),
  )
  log.on('writable', () => info('the disk works again; the waiting lines are being stored'))
  log.on('recovered', ({ seq }) => info(`entry ${seq} was stored after all, although its write had failed`))
  log.on('fork', ({ segments: [{ key }], forkedAt }) => {
    const author = authorOfKey(key)
    warning(
      author === log.id
        ? `your log has forked: two devices wrote entry ${forkedAt} with your key, or one did after a backup was restored. Other peers reject further entries: stop, run \`persisted-chat renew\` with your name on one device, and use each key on one device only`
        : `the log of the key ${shortKey(author)}… has forked: it has two histories from entry ${forkedAt} on`,
    )
  })
}

/** Reads through the whole log, so that entries the disk has silently lost are fetched again from peers. */
export const inspect = (log: Log, { warning }: Notify): void =>
  void log.inspect().catch(error => warning(sanitise(reasonOf(error))))
