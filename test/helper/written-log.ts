import { mkdir } from 'node:fs/promises'
import { systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { loadKey } from '../../src/log/identity.js'
import { LevelStore } from '../../src/log/level-store.js'
import { Log } from '../../src/log/log.js'
import { roomId } from '../../src/log/room.js'
import { homeOf } from '../../src/peer/home.js'

/** Writes lines into somebody's own log, as if they had been said so many milliseconds ago. */
export async function writeLines(
  data: string,
  me: string,
  lines: readonly { readonly message: string; readonly agoMs: number }[],
): Promise<void> {
  const home = homeOf(data, me)
  await mkdir(home.directory, { recursive: true })
  let agoMs = 0
  const store = await LevelStore.open(home.database)
  const log = await Log.over(store, await loadKey(home.keyFile, systemRandom), {
    room: roomId(home.room),
    clock: { ...systemClock, now: () => systemClock.now() - agoMs },
  })
  for (const line of lines) {
    agoMs = line.agoMs
    await log.append({ username: me, message: line.message })
  }
  await log.close()
}
