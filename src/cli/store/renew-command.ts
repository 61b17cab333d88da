import { existsSync } from 'node:fs'
import { type PreparedKey, prepareKey } from '../../base/crypto/key-file.js'
import { ChatError } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { openRowStore } from '../../compat/scuttleup/row-store.js'
import { Log } from '../../log/log.js'
import type { OwnMark } from '../../log/mark/own-mark.js'
import { checkHome, checkKeyIsThere } from '../../node/home-guard.js'
import { type Home, homeOf } from '../../node/paths.js'
import { renewalFields } from '../../node/people/renewal.js'
import { openMark, openStore } from '../../node/stored-log.js'
import { info } from '../../ui/lines/output.js'
import { withClosedRooms } from '../closed-rooms.js'
import { report, type Where } from './stored-logs.js'

/**
 * `persisted-chat renew <me>`: creates a new key. The first entry of the new log names the old key, which also signs
 * the entry. The new key is used only when that entry is on disk. The entry does not refer to the end of the old log,
 * which may be forked.
 */
export async function renewKey({ me, data, room }: Where): Promise<number> {
  const home = homeOf(data, me, room)
  const file = home.keyFile
  await checkHome(home, report)
  await checkKeyIsThere(home)
  if (!existsSync(file))
    throw new ChatError('DATA_UNUSABLE', `there is no key ${file}`, { hint: 'The chat creates it at its first start.' })
  return withClosedRooms(home, () => renewIn(home))
}

async function renewIn(home: Home): Promise<number> {
  const store = await openStore(home, report)
  let log: Log | undefined
  let mark: OwnMark | undefined
  let prepared: PreparedKey | undefined
  try {
    prepared = await prepareKey(home.keyFile, systemRandom, report)
    const { old, fresh } = prepared
    mark = await openMark(home, fresh, report)
    log = await Log.over(store, fresh, {
      unsigned: openRowStore,
      room: home.roomId,
      mark,
      onEvent: report,
      isRepaired: store.isRepaired,
    })
    const [before, now] = [old, fresh].map(({ publicKey }) => hexOf(publicKey).slice(0, 8))
    await log.append({
      username: home.me,
      message: `has a new key ${now}…; the old one was ${before}…`,
      ...renewalFields(old, fresh),
    })
    const kept = await prepared.commit()
    prepared = undefined
    info(`new key ${hexOf(fresh.publicKey).slice(0, 8)}…; the old one is kept in ${kept}`)
    return 0
  } finally {
    await prepared?.discard()
    if (log === undefined) await mark?.release()
    await (log ?? store).close()
  }
}
