import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../base/clock.js'
import { askNode } from '../host/client/connect.js'
import { BUSY_MS_MAX, NodeLock } from '../host/election.js'
import { holderOf, isHolderBusy, lockedError } from '../host/holder.js'
import { loadSecret } from '../host/protocol/secret.js'
import type { Home } from '../node/paths.js'

/** How long to wait for a node to exit: it needs a second after its faces were killed. */
const WAIT_MS = 2_500
const TRY_MS = 100

/**
 * Runs a command on the logs of a home while no node has them open: a running node closes its rooms until the command
 * has ended. The home has to exist. Rejects with LOG_LOCKED.
 */
export async function withClosedRooms<T>({ me, directory }: Home, action: () => Promise<T>): Promise<T> {
  await loadSecret(directory) // its file marks the directory as a home
  const since = systemClock.now()
  for (;;) {
    const lock = await NodeLock.acquire(directory)
    if (lock !== undefined) return action().finally(() => lock.release())
    const paused = await askNode({ me, directory }, 'pause')
    if (paused !== undefined) return action().finally(() => paused.close())
    if (systemClock.now() - since > ((await isHolderBusy(directory)) ? BUSY_MS_MAX : WAIT_MS))
      throw lockedError(directory, await holderOf(directory))
    await pause(TRY_MS)
  }
}
