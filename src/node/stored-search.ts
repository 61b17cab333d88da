import { systemClock } from '../base/clock.js'
import type { PrivateRoom } from '../membership/format/room.js'
import { Erasures } from './erasures.js'
import { LineSearch } from './line-search.js'
import type { Home } from './paths.js'
import type { Pins } from './people/pins.js'
import { countedIn } from './private-rooms/chat-places.js'
import { RoomMembers } from './private-rooms/room-members.js'
import { StoredLabels } from './stored-labels.js'
import { openLog } from './stored-log.js'

/** Runs `work` with the search of a closed room, without opening the room. Rejects like `openLog`. */
export async function withStoredSearch<T>(
  home: Home,
  { privateRoom, pins }: { readonly privateRoom: PrivateRoom | undefined; readonly pins: Pins },
  work: (search: LineSearch) => Promise<T>,
): Promise<T> {
  const { log, keys } = await openLog(home, () => {}, false, { known: pins })
  let erasures: Erasures | undefined
  let search: LineSearch | undefined
  try {
    const counted = await countedIn(log, privateRoom && (await RoomMembers.open(privateRoom, keys, log)))
    erasures = await Erasures.open(log)
    const labels = await StoredLabels.open(log)
    search = new LineSearch({ log, clock: systemClock, counted, labels, erasures, pins })
    return await work(search)
  } finally {
    search?.close()
    await erasures?.close()
    await log.close()
  }
}
