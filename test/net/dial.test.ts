import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import test from 'node:test'
import { systemRandom } from '../../src/base/random.js'
import { roomId } from '../../src/log/format/room-id.js'
import { Connections } from '../../src/net/connections.js'
import type { PeerSource, RawConnection } from '../../src/net/peer-source.js'
import { RoomChannels } from '../../src/net/room-channels.js'
import { keysOf } from '../helper/handshake-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

/** A connection that broke before anybody could listen to it. */
class Broken extends Duplex implements RawConnection {
  readonly remoteAddress = '10.0.0.2'
  readonly bytesRead = 0

  constructor() {
    super()
    this.on('error', () => {})
    this.destroy(new Error('the peer closed the connection'))
  }

  override _read(): void {}
}

test('redials after a connection that broke before it was handed over', async () => {
  const clock = new VirtualClock()
  let dials = 0
  const source: PeerSource = {
    listen: async () => ({ port: 1, close: async () => {} }),
    dial: async () => {
      dials++
      const connection = new Broken()
      await new Promise(resolve => setImmediate(resolve))
      return connection
    },
  }
  const swarm = new Connections({
    me: 'alice.local:1',
    keys: keysOf(1),
    plain: { room: roomId('lobby') },
    source,
    clock,
    random: systemRandom,
  })
  const channels = new RoomChannels(roomId('lobby'), swarm)
  channels.open()
  channels.add('bob', { host: '10.0.0.2', port: 1 })
  for (let turn = 0; turn < 20; turn++) {
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(1_000)
  }
  assert.ok(dials > 2, `${dials} dials`)
  await swarm.close()
})
