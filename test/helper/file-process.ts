// A node that sends a file, or fetches the first file of the lobby:
// `send <data> <port> <file>`, `get <data> <ports of its peers> <directory> [<name> <port>]`.
import { openNode } from '../../src/node/open-node.js'

const [role, data = '', ports = '', place = '', name = 'bob', port = '0'] = process.argv.slice(2)
const isSender = role === 'send'
const node = await openNode({ name: isSender ? 'alice' : name, data, discovery: false })
const room = await node.room('lobby', { listen: `127.0.0.1:${isSender ? ports : port}` })
if (isSender) {
  if (room.lastPlace === undefined) await room.sendFile(place)
  process.stdout.write('ready\n')
} else {
  for (const peer of ports.split(',')) room.connect(`127.0.0.1:${peer}`)
  for await (const { kind, author, run, seq } of room.messages({ live: true })) {
    if (kind !== 'file') continue
    process.stdout.write(`saved ${await room.getFile({ author, run, seq }, place)}\n`)
  }
}
