import { ChatError } from '../../base/errors.js'
import { checkName, equalsIgnoringCase } from '../../base/names.js'
import { addressOfName } from '../../compat/scuttleup/hashed-port.js'
import { type Address, formatAddress, parseAddress, parseListen } from '../../net/lan/address.js'

export interface NamedPeer {
  readonly name: string
  readonly address: Address
}

/** A peer from `bob`, `bob.local` or `host:port`. Throws BAD_NAME or BAD_ADDRESS. */
export function placeOf(text: string): NamedPeer {
  if (text.includes(':')) return { name: text, address: parseAddress(text) }
  const stem = text.replace(/\.local\.?$/i, '')
  if (stem.includes('.')) {
    throw new ChatError('BAD_NAME', `the peer name ${JSON.stringify(text)} must not contain a dot`, {
      hint: `An address needs its port, as ${text}:4000.`,
    })
  }
  const name = checkName(stem, `the peer name ${JSON.stringify(text)}`)
  return { name, address: addressOfName(name) }
}

/** Where a node listens, and its address as peers know it. Throws BAD_ADDRESS. */
export function listeningPlace(
  me: string,
  listen: string | undefined,
): { readonly host: string | undefined; readonly port: number; readonly address: string } {
  const usual = addressOfName(me)
  const { host, port } = listen === undefined ? { host: undefined, port: usual.port } : parseListen(listen)
  return { host, port, address: formatAddress({ host: host ?? usual.host, port }) }
}

/** Each peer once: `bob`, `BOB` and `bob.local` are the same one. */
export const distinctPeers = (peers: readonly NamedPeer[]): NamedPeer[] =>
  peers.filter(({ name }, index) => peers.findIndex(other => equalsIgnoringCase(other.name, name)) === index)

/** A peer as the user names it. `ourAddress` is refused. Throws BAD_NAME, BAD_ADDRESS or BAD_USAGE. */
export function namedPeer(text: string, me: string, ourAddress: string): NamedPeer {
  const { name, address } = placeOf(text)
  if (equalsIgnoringCase(name, me) || formatAddress(address) === ourAddress) {
    throw new ChatError('BAD_USAGE', `the peer ${text} is yourself`, { hint: 'Name someone else, or no one.' })
  }
  return { name, address }
}
