// A whole chat: node examples/chat.js <me> [peer] [host:port to listen on]
import { createInterface } from 'node:readline'
import { EVENT_KINDS, openNode } from 'persisted-chat'

const [name = 'alice', peer, listen] = process.argv.slice(2)

const node = await openNode({ name, data: 'data' })
node.on('event', event => {
  console.error(EVENT_KINDS[event.kind] === 'problem' ? 'warn>' : 'info>', JSON.stringify(event))
})
const room = await node.room('lobby', { peers: peer ? [peer] : [], listen })

createInterface({ input: process.stdin }).on('line', text => {
  room.say(text).catch(error => console.error('warn>', error.message))
})

for await (const { username, message } of room.messages({ live: true })) {
  console.log(`${username}> ${message}`)
}
