// Signed logs without a network: replicate them over any pair of streams. node examples/log.js
import { pipeline } from 'node:stream/promises'
import { Log, messageOf } from 'persisted-chat'

const alice = await Log.open('data/alice.db')
const bob = await Log.open('data/bob.db')
await alice.append({ username: 'alice', message: 'hello' })

const stream = alice.createReplicationStream({ live: false, dialect: 'native' })
await pipeline(stream, bob.createReplicationStream({ live: false, dialect: 'native' }), stream)

for await (const entries of bob.read()) {
  for (const entry of entries) {
    const message = messageOf(entry)
    console.log(message?.message, message?.author === alice.id)
  }
}
await Promise.all([alice.close(), bob.close()])
