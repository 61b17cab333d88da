// The node closes when its scope ends, however it ends. Node.js 24 or newer: node examples/await-using.js
import { openNode } from 'persisted-chat'

await using node = await openNode({ name: 'dave', data: 'data', discovery: false })
await using room = await node.room('lobby', { listen: '127.0.0.1:0' })
await room.say('hello')
console.log(room.heads.length)
