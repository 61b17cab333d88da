// A peer in a separate process, to be stopped or killed: `node connecting-process.js <port>` connects to that port.
import { systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { Connections } from '../../src/net/connections.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import { RoomChannels } from '../../src/net/room-channels.js'
import { keysOf, ROOM } from './handshake-world.js'

const connections = new Connections({
  me: 'child:1',
  keys: keysOf(99),
  plain: { room: ROOM },
  source: new TcpSource(systemClock, async address => [address]),
  clock: systemClock,
  random: systemRandom,
})
const channels = new RoomChannels(ROOM, connections)
channels.on('connection', ({ stream }) => {
  stream.resume()
  console.log('connected')
})
setInterval(() => {}, 2 ** 30) // our timers alone do not keep a process running
channels.open()
channels.add('parent', { host: '127.0.0.1', port: Number(process.argv[2]) })
