import { createInterface } from 'node:readline/promises'
import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { newRescueWords, rescueSeedOf, rescueWordLines } from '../../membership/rescue-words.js'
import { info } from '../../ui/lines/output.js'
import { readText } from '../../ui/member-text.js'
import { DONE } from '../exit-code.js'
import { requestNode } from './node-request.js'
import { printJson, type RoomFlags } from './output.js'

export interface NewRoomFlags extends RoomFlags {
  readonly closed?: boolean
  readonly rescue: boolean
  readonly keep?: string
  readonly history?: string
}

/** `persisted-chat room new <me> <room>`: founds a private room. The rescue words are printed once and stored nowhere. */
export async function newRoom(me: string, room: string, flags: NewRoomFlags): Promise<number> {
  const { data, json, closed, rescue, keep, history } = flags
  const rescueWords = rescue ? newRescueWords(systemRandom) : undefined
  const command = {
    do: 'room-new',
    name: room,
    isClosed: closed ?? false,
    ...(keep !== undefined && { keep }),
    ...(history !== undefined && { history }),
    ...(rescueWords !== undefined && { rescue: hexOf(rescueWords.key) }),
  }
  await requestNode(me, data, command, item => {
    if (json) return printJson({ ...item, ...(rescueWords !== undefined && { rescue: rescueWords.words.join(' ') }) })
    info(`founded the private room ${room}: persisted-chat invite ${me} ${room} invites somebody`)
    if (rescueWords === undefined) return
    info(
      'if your key is ever lost or stolen, these words take the room over. They are shown only now, and stored nowhere:',
    )
    for (const line of rescueWordLines(rescueWords)) info(`  ${line}`)
  })
  return DONE
}

/** `persisted-chat room keep <me> <room> [keep]`: prints or sets which content a private room keeps. */
export async function keepRoom(me: string, room: string, keep: string | undefined, flags: RoomFlags): Promise<number> {
  const { data, json } = flags
  await requestNode(me, data, { do: 'keep', room, ...(keep !== undefined && { keep }) }, item => {
    if (json) return printJson(item)
    const kept = item['keep']
    info(kept === null || kept === 'all' ? `${room} keeps everything` : `${room} keeps ${String(kept)}, for everybody`)
  })
  return DONE
}

/** `persisted-chat room history <me> <room> [lines]`: prints or sets which earlier lines later newcomers read. */
export async function historyOfRoom(
  me: string,
  room: string,
  history: string | undefined,
  { data, json }: RoomFlags,
): Promise<number> {
  await requestNode(me, data, { do: 'history', room, ...(history !== undefined && { history }) }, item => {
    if (json) printJson(item)
    else info(`whoever is admitted to ${room} from now on reads ${readText(item['history'])}`)
  })
  return DONE
}

/** `persisted-chat room confirm <me> <room>`: the user confirms that no operation that they signed is missing here. */
export async function confirmRoom(me: string, room: string, { data, json }: RoomFlags): Promise<number> {
  await requestNode(me, data, { do: 'confirm', room }, item => {
    if (json) printJson(item)
    else info(`you can invite to ${room}, and remove from it, from what is here`)
  })
  return DONE
}

/** `persisted-chat room rescue <me> <room>`: takes over a room from its founder with the rescue words. */
export async function rescueRoom(me: string, room: string, { data, json }: RoomFlags): Promise<number> {
  const input = createInterface({ input: process.stdin, output: process.stderr })
  const typed = await input.question('the 24 rescue words: ')
  input.close()
  const seed = rescueSeedOf(typed)
  await requestNode(me, data, { do: 'rescue', room, seed: hexOf(seed) }, item => {
    if (json) printJson(item)
    else info(`you are an admin of ${room} now, above all others; its founder is no longer a member`)
  })
  return DONE
}
