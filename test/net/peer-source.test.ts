import { systemClock } from '../../src/base/clock.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import { Lifecycle } from '../../src/sim/virtual/lifecycle.js'
import { VirtualNetwork } from '../../src/sim/virtual/network.js'
import { passingTime } from '../helper/passing-time.js'
import { testPeerSource } from './peer-source.suite.js'

const tcp = new TcpSource(systemClock, async address => [address])
testPeerSource('TCP', () => ({ dialler: tcp, listener: tcp, host: '127.0.0.1' }))

testPeerSource('the simulated network', t => {
  const options = { delayMsMin: 1, delayMsMax: 30, loss: 0.1, duplicates: 0.1 }
  const network = new VirtualNetwork(passingTime(t), new SeededRandom(1, 'contract'), options)
  const source = (host: string) => network.sourceOf(network.addHost(host), new Lifecycle())
  return { dialler: source('10.0.0.1'), listener: source('10.0.0.2'), host: '10.0.0.2' }
})
