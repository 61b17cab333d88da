// Several rooms in one process: node examples/rooms.js
import { openNode } from 'persisted-chat'

const node = await openNode({ name: 'carol', data: 'data', discovery: false })
const tea = await node.room('tea', { listen: '127.0.0.1:0' })
const coffee = await node.room('coffee', { listen: '127.0.0.1:0' })

// A signal gives up a message that is not on the disk yet, and ends a live reader.
const signal = AbortSignal.timeout(5_000)
await tea.say('who drinks tea?', { signal })
await coffee.say({ kind: 'topic', topic: 'beans' }, { signal })

for (const room of [tea, coffee]) {
  for await (const { username, message } of room.messages({ last: 1 })) {
    console.log(`#${room.room} ${username}> ${message}`)
  }
}
await node.close()
