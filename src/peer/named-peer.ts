import { ChatError } from '../base/errors.js'
import { checkName } from '../base/name.js'
import { addressOfName } from '../discovery/hashed-port.js'
import { LOBBY } from '../log/room.js'
import { type Address, formatAddress, parseAddress } from '../swarm/address.js'

export interface NamedPeer {
  readonly name: string
  readonly address: Address
}

/** Where peers expect somebody of a name. */
export const addressIn = (name: string, room: string): Address => addressOfName(name, room === LOBBY ? undefined : room)

/** A peer as the user names him: a name, or `host:port`. `own` is the own address. Throws BAD_NAME, BAD_ADDRESS, BAD_USAGE. */
export function namedPeer(text: string, { me, room }: { me: string; room: string }, own: string): NamedPeer {
  const isAddress = text.includes(':')
  const name = isAddress ? text : checkName(text, `the peer name ${JSON.stringify(text)}`)
  const address = isAddress ? parseAddress(text) : addressIn(name, room)
  if (name === me || formatAddress(address) === own) {
    throw new ChatError('BAD_USAGE', `the peer ${text} is yourself`, { hint: 'Name somebody else, or nobody.' })
  }
  return { name, address }
}
