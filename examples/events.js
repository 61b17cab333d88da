// Who is present, and which peers have stored a message: node examples/events.js
import { once } from 'node:events'
import { openNode } from 'persisted-chat'

const alice = await openNode({ name: 'alice', data: 'data', discovery: false })
const bob = await openNode({ name: 'bob', data: 'data', discovery: false })
const atAlice = await alice.room('lobby', { listen: '127.0.0.1:0' })
const atBob = await bob.room('lobby', { listen: '127.0.0.1:0' })

atAlice.connect(atBob.address)
while (!atAlice.presence.some(({ name }) => name === 'bob')) await once(atAlice, 'presence')
console.log('present:', atAlice.presence.map(({ name }) => name).join(', '))

await atAlice.say('hello bob')
await atAlice.delivered()
const { on, of } = atAlice.replicasOf({ run: 0, seq: 1 })
console.log(`stored on ${on} of ${of} peers`)

await Promise.all([alice.close(), bob.close()])
