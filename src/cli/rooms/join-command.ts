import { ChatError } from '../../base/errors.js'
import { codeError } from '../../host/protocol/code-error.js'
import type { Fields } from '../../host/protocol/codec.js'
import { readCode } from '../../membership/invitation/invitation-code.js'
import { info } from '../../ui/lines/output.js'
import { personText, readText } from '../../ui/member-text.js'
import { type ChatFlags, nodeOptionsIn } from '../chat-options.js'
import { DONE } from '../exit-code.js'
import { runNode } from '../node/node-command.js'
import { dataDirectory } from '../store/data-directory.js'
import { requestNode } from './node-request.js'
import { printJson, type RoomFlags } from './output.js'

export interface JoinFlags extends RoomFlags, Pick<ChatFlags, 'listen' | 'discovery' | 'maxDisk' | 'direct'> {
  readonly timeout?: number
  readonly seed?: boolean
}

/** `persisted-chat join <me> <code> [peer...]`: enters a private room with a code, as soon as somebody admits the user. */
export async function join(me: string, code: string, peers: string[], flags: JoinFlags): Promise<number> {
  const { data, json, timeout, seed } = flags
  const read = readCode(code)
  if (read.kind !== 'code') throw codeError(read)
  let room: string | undefined
  const options = nodeOptionsIn(flags)
  const command = { do: 'join', code, peers, ...options }
  const onItem = (item: Fields): void => {
    if (item['is'] === 'waiting') {
      const asked = Number(item['asked'])
      const who = asked === 0 ? 'nobody is connected yet' : `none of the ${asked} connected peers admits with this code`
      info(`waiting for somebody who may admit you: ${who}`)
    } else if (item['is'] === 'found')
      info(
        item['isClosed'] === true
          ? `found ${String(item['room'])}: waiting until an admin of it lets you in`
          : `found ${String(item['room'])}: asking ${personText(undefined, item['by'])} to admit you`,
      )
    else {
      room = String(item['room'])
      if (json) printJson(item)
      else {
        info(`you are a member of ${room} now: persisted-chat ${me} --room ${room} opens it`)
        info(`you read ${readText(item['history'])}`)
      }
    }
  }
  const error = new ChatError('ROOM_REFUSED', 'nobody has admitted you yet', {
    hint: 'The code is saved: the next chat continues to wait; or run join again.',
  })
  await requestNode(me, data, command, onItem, timeout === undefined ? undefined : { ms: timeout * 1_000, error })
  if (!seed || room === undefined) return DONE
  const place = await dataDirectory(me, data)
  return runNode({ me, peers, room, ...options, ...place })
}
