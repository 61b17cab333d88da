// A node that sends a file, or fetches the first file of the lobby: `send <data> <port> <file>`, `get <data> <port> <directory>`.
import { openNode } from '../../src/node/open-node.js'

const [role, data = '', port = '', place = ''] = process.argv.slice(2)
const isSender = role === 'send'
const node = await openNode({ name: isSender ? 'alice' : 'bob', data, discovery: false })
const room = await node.room('lobby', { listen: isSender ? `127.0.0.1:${port}` : '127.0.0.1:0' })
if (isSender) {
  if (room.lastPlace === undefined) await room.sendFile(place)
  process.stdout.write('ready\n')
} else {
  room.connect(`127.0.0.1:${port}`)
  for await (const { kind, author, run, seq } of room.messages({ live: true })) {
    if (kind !== 'file') continue
    process.stdout.write(`saved ${await room.getFile({ author, run, seq }, place)}\n`)
  }
}
