// A native peer whose Hello has another version or time: `odd-peer <port> <version> <ahead ms>`. It stores nothing.
import { createServer } from 'node:net'
import { keyPairOf, SEED_BYTES } from '../../src/base/crypto/signing.js'
import { systemRandom } from '../../src/base/random.js'
import { LOBBY, roomId } from '../../src/log/format/room-id.js'
import { Handshake } from '../../src/net/handshake/handshake.js'
import { INSTANCE_ID_BYTES } from '../../src/net/handshake/hello.js'
import { roomsFrame } from './channel-frames.js'

const [port, version, aheadMs] = process.argv.slice(2).map(Number)
const keys = keyPairOf(systemRandom.bytes(SEED_BYTES))
createServer(socket => {
  const hello = {
    version: version ?? 2,
    instance: systemRandom.bytes(INSTANCE_ID_BYTES),
    key: keys.publicKey,
    ageMs: 0,
    nowMs: Date.now() + (aheadMs ?? 0),
  }
  const me = `odd.local:${port}`
  const opening = new Handshake({ role: 'listener', me, hello, keys, random: systemRandom })
  const perform = (effects: ReturnType<Handshake['start']>): void => {
    for (const effect of effects) {
      if (effect.kind === 'send') socket.write(effect.bytes)
      if (effect.kind === 'sealed')
        socket.write(effect.records.sealer.seal(roomsFrame([roomId(LOBBY)], effect.handshakeHash, 'listener')))
    }
  }
  socket.on('error', () => {})
  socket.on('data', bytes => perform(opening.receive(bytes)))
  perform(opening.start())
}).listen(port, () => console.log('up'))
