import { systemClock } from '../base/clock.js'
import { keyPairOf, SEED_BYTES } from '../base/crypto/signing.js'
import { checkName } from '../base/names.js'
import { systemRandom } from '../base/random.js'
import { addressOfName } from '../compat/scuttleup/hashed-port.js'
import { LOBBY, roomId } from '../log/format/room-id.js'
import { Connections } from '../net/connections.js'
import { PROTOCOL_VERSION } from '../net/handshake/hello.js'
import { type Address, formatAddress, parseAddress } from '../net/lan/address.js'
import { type Discovery, openDiscovery } from '../net/lan/mdns/discovery.js'
import { resolver } from '../net/lan/mdns/resolve.js'
import { roomTag, type Service, serviceHost, shortKeyOf } from '../net/lan/mdns/service-records.js'
import { TcpSource } from '../net/lan/tcp.js'
import type { PeerSource } from '../net/peer-source.js'

/**
 * Listens as `me` and keeps links to `peers`, in the lobby: fully-connected-topology in one call, for programs that bring
 * their own log. Each is a name on the local network or an address as `host:port`. The links are proven with a key of
 * their own; entries carry the signatures of their logs. Closing it takes back the name too.
 * Rejects with BAD_NAME, BAD_ADDRESS, SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED, leaving nothing open.
 */
export async function createSwarm(me: string, peers: readonly string[] = []): Promise<Connections> {
  const own = addressOf(me)
  const named = peers.map(name => ({ name, address: addressOf(name) }))
  const tcp = new TcpSource(
    systemClock,
    resolver(systemClock, place => discovery.resolve(place)),
  )
  const keys = keyPairOf(systemRandom.bytes(SEED_BYTES))
  const room = roomId(LOBBY)
  const swarm = new Connections({
    me: formatAddress(own),
    room,
    keys,
    acceptsScuttleup: true,
    source: closingToo(tcp, () => discovery.close()),
    clock: systemClock,
    random: systemRandom,
  })
  const discovery: Discovery = openDiscovery({
    clock: systemClock,
    random: systemRandom.number,
    onWarning: line => swarm.emit('warning', line),
    onChange: () => swarm.networkChanged(),
  })
  try {
    await swarm.listen(isAddress(me) ? own.host : undefined, own.port)
  } catch (error) {
    await discovery.close()
    throw error
  }
  const service: Service = {
    instance: me,
    host: serviceHost(systemRandom.bytes(8)),
    port: own.port,
    version: PROTOCOL_VERSION,
    room: roomTag(room),
    key: shortKeyOf(keys.publicKey),
  }
  if (!isAddress(me)) discovery.announce({ name: me, service })
  for (const { name, address } of named) swarm.add(name, address)
  return swarm
}

const isAddress = (text: string): boolean => text.includes(':')

const addressOf = (text: string): Address =>
  isAddress(text) ? parseAddress(text) : addressOfName(checkName(text, `the name ${JSON.stringify(text)}`))

/** The transport, with `close` called when its listener closes. */
function closingToo(transport: PeerSource, close: () => Promise<void>): PeerSource {
  return {
    dial: (address, signal) => transport.dial(address, signal),
    listen: async (host, port, onConnection) => {
      const listener = await transport.listen(host, port, onConnection)
      return {
        port: listener.port,
        close: async () => {
          await close()
          await listener.close()
        },
      }
    },
  }
}
