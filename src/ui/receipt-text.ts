import { isDirectName } from '../base/names.js'
import { dateAndTimeOf } from '../session/dates.js'
import type { Holder, Reach, Replicas } from '../sync/receipts.js'

/** Describes on which peers the user's last line is stored. `room` is where it was written. */
export const receiptLine = (replicas: Replicas, room = ''): string => `last line ${deliveryText(replicas, room)}`

/** Describes on which peers a line of the user is stored: `delivered to 2 of 3 peers`. `room` is where it was written. */
export function deliveryText(replicas: Replicas, room = ''): string {
  const { differing = 0, on, left } = replicas
  if (isDirectName(room) && differing === 0) {
    const other = room.slice(1)
    return on + left > 0 ? `delivered to ${other}` : `waits for ${other}: they get it when you are both connected`
  }
  if (differing === 0) return deliveryLine(replicas)
  const peers = differing === 1 ? '1 peer has' : `${differing} peers have`
  return `${deliveryLine(replicas)}; ${peers} other entries under your key: another device uses it, or a backup was restored. If this persists, stop, and run \`persisted-chat renew\` with your name`
}

/** `2 strangers` */
export const strangersText = (count: number): string => `${count} ${count === 1 ? 'stranger' : 'strangers'}`

function deliveryLine({ on, of, left, strangers = 0 }: Replicas): string {
  if (of === 0 && left === 0 && strangers === 0) return 'not delivered yet: it will be sent on the next connection'
  const gone = left === 0 ? '' : `${left} who ${left === 1 ? 'has' : 'have'} left since`
  const connected = of === 0 ? '' : `${on} of ${of} peers`
  const known = [connected, gone].filter(text => text !== '').join(', and to ')
  const apart = strangers === 0 ? '' : strangersText(strangers)
  return `delivered to ${[known, apart].filter(text => text !== '').join(' and ')}`
}

/** How many peers have dropped a line that the user deleted. */
export function deletedText(label: string, { dropped, of }: Reach): string {
  if (of === 0) return `${label} was deleted here; no peer is known to have it`
  const rest = of - dropped
  const others = rest === 1 ? 'the other one drops it when it returns' : 'the others drop it when they return'
  return `${label} was deleted here, and dropped by ${dropped} of ${of} peers${rest === 0 ? '' : `; ${others}`}`
}

/** What a peer says about a line: `bob  has it, as reported on 27 Nov 18:03`. */
export function holderText(name: string, { isConnected, holds, isSameHistory, sinceMs }: Holder): string {
  if (isSameHistory === false) return `${name}  has another history of this log`
  if (!holds) return `${name}  ${isConnected ? 'does not have it' : 'did not have it when they left'}`
  const said = sinceMs === undefined ? '' : `, as reported on ${dateAndTimeOf(sinceMs)}`
  return `${name}  ${isConnected ? 'has it' : 'had it when they left'}${said}${isSameHistory ? '' : ', unproven'}`
}
