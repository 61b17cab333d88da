import assert from 'node:assert/strict'
import { systemClock } from '../../src/base/clock.js'
import { loadKey } from '../../src/base/crypto/key-file.js'
import { makeDirectory } from '../../src/base/files/make-directory.js'
import { systemRandom } from '../../src/base/random.js'
import { roomId } from '../../src/log/format/room-id.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import type { PrivateRoom } from '../../src/membership/format/room.js'
import { homeOf } from '../../src/node/paths.js'
import { openMark } from '../../src/node/stored-log.js'
import { logOver } from './logs.js'

/** Appends lines to a user's log in the lobby, or in a private room, with times in the past. */
export async function writeLines(
  data: string,
  me: string,
  lines: readonly { readonly message: string; readonly agoMs: number }[],
  room?: PrivateRoom,
): Promise<void> {
  const home = homeOf(data, me, room === undefined ? undefined : 'room', room?.id)
  await makeDirectory(home.directory)
  let agoMs = 0
  const store = await LevelStore.open(home.database)
  const keys = await loadKey(home.keyFile, systemRandom)
  const log = await logOver(store, keys, {
    room: room?.id ?? roomId(home.room),
    mark: await openMark(home, keys, event => assert.fail(event.kind)),
    clock: { ...systemClock, now: () => systemClock.now() - agoMs },
  })
  const written: Promise<unknown>[] = []
  for (const line of lines) {
    if (line.agoMs !== agoMs) await Promise.all(written.splice(0))
    agoMs = line.agoMs
    written.push(log.append({ username: me, message: line.message }))
  }
  await Promise.all(written)
  await log.close()
}
