import { askNode } from '../../host/client/connect.js'
import { NodeLock } from '../../host/election.js'
import { holderOf } from '../../host/holder.js'
import { homeOf } from '../../node/paths.js'
import { info, warn } from '../../ui/lines/output.js'
import { DONE, FAILED } from '../exit-code.js'
import { within } from './within.js'

/** Longest time for a node to exit, on request or after SIGKILL. */
const END_MS_MAX = 10_000
const TRY_MS = 50

export interface StopOptions {
  readonly me: string
  readonly data: string
  /** Whether a node that does not answer is killed. */
  readonly kills: boolean
}

/** `persisted-chat stop <me>`: stops the node, and returns when its databases are closed. Exit code 1 if it keeps running. */
export async function stopNode({ me, data, kills }: StopOptions): Promise<number> {
  const { directory } = homeOf(data, me)
  if (kills) return killNode(me, directory)
  const asked = await within(END_MS_MAX, askNode({ me, directory }, 'stop'))
  if (asked !== 'late') {
    if (asked === undefined) {
      info(`${me} is not running`)
      return DONE
    }
    if ((await within(END_MS_MAX, asked.closed)) !== 'late') {
      info(`${me} was stopped`)
      return DONE
    }
  }
  const pid = await holderOf(directory)
  warn(`the node${pid === undefined ? '' : ` (pid ${pid})`} does not end: persisted-chat stop --kill ${me}`)
  return FAILED
}

/** Kills the node. No acknowledged entry is lost, because all of them are on disk. */
async function killNode(me: string, directory: string): Promise<number> {
  const end = Date.now() + END_MS_MAX
  for (let killed: number | undefined; Date.now() < end; ) {
    const lock = await acquireIfThere(directory)
    if (lock !== 'held') {
      info(killed === undefined ? `${me} is not running` : `${me} was killed (pid ${killed})`)
      return DONE
    }
    // A process writes its pid when it has acquired the lock.
    const pid = await holderOf(directory)
    if (pid === process.pid || pid === undefined) break
    if (pid !== killed) process.kill(pid, 'SIGKILL')
    killed = pid
    await new Promise(resolve => setTimeout(resolve, TRY_MS))
  }
  warn(`the process that has the logs of ${me} open is unknown, or does not end`)
  return FAILED
}

/** Whether some process holds the lock of a home. */
async function acquireIfThere(directory: string): Promise<'held' | 'free'> {
  if ((await holderOf(directory)) === undefined) return 'free' // a clean exit removes the pid
  const lock = await NodeLock.acquire(directory)
  if (lock === undefined) return 'held'
  await lock.release()
  return 'free'
}
