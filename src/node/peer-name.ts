import { ChatError } from '../base/errors.js'
import { checkName, equalsIgnoringCase } from '../base/names.js'
import { addressOfName } from '../compat/scuttleup/hashed-port.js'
import { LOBBY } from '../log/format/room-id.js'
import { type Address, formatAddress, parseAddress } from '../net/lan/address.js'

export interface NamedPeer {
  readonly name: string
  readonly address: Address
}

/** Where peers expect somebody of a name. */
export const addressIn = (name: string, room: string): Address => addressOfName(name, room === LOBBY ? undefined : room)

/** `bob`, `bob.local` or `host:port`: a name, and where it is expected. Throws BAD_NAME, BAD_ADDRESS. */
export function placeOf(text: string, room: string): NamedPeer {
  if (text.includes(':')) return { name: text, address: parseAddress(text) }
  const wanted = text.replace(/\.local\.?$/i, '')
  if (wanted.includes('.')) {
    throw new ChatError('BAD_NAME', `the peer name ${JSON.stringify(text)} must not contain a dot`, {
      hint: `An address needs its port, as ${text}:4000.`,
    })
  }
  const name = checkName(wanted, `the peer name ${JSON.stringify(text)}`)
  return { name, address: addressIn(name, room) }
}

/** Each peer once, however it is written: `bob`, `BOB` and `bob.local` are one. */
export const distinctPeers = (peers: readonly NamedPeer[]): NamedPeer[] =>
  peers.filter(({ name }, index) => peers.findIndex(other => equalsIgnoringCase(other.name, name)) === index)

/** A peer as the user names him: a name, or `host:port`. `own` is the own address. Throws BAD_NAME, BAD_ADDRESS, BAD_USAGE. */
export function namedPeer(text: string, { me, room }: { me: string; room: string }, own: string): NamedPeer {
  const { name, address } = placeOf(text, room)
  if (equalsIgnoringCase(name, me) || formatAddress(address) === own) {
    throw new ChatError('BAD_USAGE', `the peer ${text} is yourself`, { hint: 'Name somebody else, or nobody.' })
  }
  return { name, address }
}
