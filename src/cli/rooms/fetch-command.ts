import { shownRoom } from '../../base/names.js'
import type { Fields } from '../../host/protocol/codec.js'
import { LOBBY } from '../../log/format/room-id.js'
import { info } from '../../ui/lines/output.js'
import { fetchedText, leftText } from '../../ui/older-text.js'
import { DONE, FAILED } from '../exit-code.js'
import { requestRunningNode } from './node-request.js'
import { printJson, type RoomFlags } from './output.js'

export interface FetchFlags extends RoomFlags {
  readonly room?: string
}

/** Fetches everything. */
const ALL = 'all'

/**
 * `persisted-chat fetch <me> [count]`: has the running node fetch the latest older lines that connected peers keep. Fails if lines are
 * missing, and none came.
 */
export async function fetchLines(
  me: string,
  count: string | undefined,
  { data, room = LOBBY, json }: FetchFlags,
): Promise<number> {
  const fields = count === undefined ? {} : { count: count === ALL ? Number.MAX_SAFE_INTEGER : Number(count) }
  let code = DONE
  await requestRunningNode(me, data, { do: 'fetch', room, ...fields }, item => {
    if (Number(item['fetched']) === 0 && Number(item['count']) > 0) code = FAILED
    if (json) printJson({ room, ...item })
    else report(room, item)
  })
  return code
}

function report(room: string, item: Fields): void {
  const fetched = Number(item['fetched'])
  if (fetched === 0 && Number(item['count']) === 0) info(`no line of ${shownRoom(room)} was dropped for its size`)
  else info(fetchedText(fetched, 'the commands log and search find them'))
  for (const row of leftText(item)) info(row)
}
