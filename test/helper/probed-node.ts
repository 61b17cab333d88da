// A node with a private room and the lobby, to be probed: `probed-node <data directory> <none | early>`. Prints its port and the id of the room.
// With `early` it looks a little longer at a peer that names the room.
import { register } from 'node:module'
import { systemRandom } from '../../src/base/random.js'
import { hexOf } from '../../src/base/wire/bytes.js'

const [data = '', how] = process.argv.slice(2)
if (how === 'early')
  register('./mutation-hooks.js', import.meta.url, {
    data: {
      name: 'returns early for rooms that it does not have',
      file: 'node/private-rooms/introductions',
      find: 'const isAdmitted = members.isMember(key);',
      replace:
        'const isAdmitted = members.isMember(key);\n        if (isTheirs) for (const end = performance.now() + 1; performance.now() < end; );',
    },
  })
const { loadKey } = await import('../../src/base/crypto/key-file.js')
const { foundRoom } = await import('../../src/membership/founding.js')
const { secureHome } = await import('../../src/node/home-guard.js')
const { NodeNetwork } = await import('../../src/node/connections/node-network.js')
const { openRoom } = await import('../../src/node/open-room.js')
const { homeOf } = await import('../../src/node/paths.js')

const me = 'alice'
await secureHome(homeOf(data, me), () => {})
const keys = await loadKey(homeOf(data, me).keyFile, systemRandom)
const { room, opening } = foundRoom(keys, {
  name: 'ops',
  nonce: systemRandom.bytes(32),
  rescue: undefined,
  isClosed: false,
  time: Date.now(),
})
const network = new NodeNetwork(me)
const options = { me, network, peers: [], listen: '127.0.0.1:0', data, isDiscovering: false, onEvent: () => {} }
const lobby = await openRoom(options)
const ops = await openRoom({ ...options, room: 'ops', privateRoom: room })
await ops.members?.found(opening)
console.log(JSON.stringify({ address: lobby.address, id: hexOf(room.id) }))
process.stdin.resume()
process.stdin.once('end', () => process.exit(0))
