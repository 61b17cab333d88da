import { ChatError } from '../../base/errors.js'
import { shortKey } from '../../chat/display-names.js'
import type { Pin } from './pin.js'

/** Why nothing is sent to a name that has two keys, and how to choose one. */
export function twoKeysError({ name, key, other = key }: Pin): ChatError {
  const [known, fresh] = [shortKey(key), shortKey(other)]
  return new ChatError(
    'ROOM_REFUSED',
    `not sent: ${name} has two keys, ${known} which you know, and ${fresh} which is new`,
    {
      hint: `Compare with ${name}, then choose: /accept ${name} ${fresh} or /accept ${name} ${known}.`,
    },
  )
}
