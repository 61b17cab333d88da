// A peer in a process of its own, to be stopped or killed: `node linking-process.js <port>` links to that port.
import { systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { Connections } from '../../src/net/connections.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import { keysOf, ROOM } from './opening-world.js'

const swarm = new Connections({
  me: 'child:1',
  room: ROOM,
  keys: keysOf(99),
  acceptsScuttleup: true,
  source: new TcpSource(systemClock, async address => [address]),
  clock: systemClock,
  random: systemRandom,
})
swarm.on('connection', ({ stream }) => {
  stream.resume()
  console.log('linked')
})
setInterval(() => {}, 2 ** 30) // a listener's part: timers of ours keep no process
swarm.add('parent', { host: '127.0.0.1', port: Number(process.argv[2]) })
