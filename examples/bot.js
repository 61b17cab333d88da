// A bot that knows when somebody wrote last: node examples/bot.js [peer] [host:port to listen on]
import { openNode } from 'persisted-chat'

const [peer, listen] = process.argv.slice(2)
const node = await openNode({ name: 'seen', data: 'data' })
const room = await node.room('lobby', { peers: peer ? [peer] : [], listen })
const startedAt = Date.now()
const seen = new Map()

for await (const { author, username, message, timeMs } of room.messages({ live: true })) {
  if (author === node.id) continue
  const [, name] = /^!seen (\S+)$/.exec(message) ?? []
  if (name !== undefined && timeMs >= startedAt) {
    const last = seen.get(name)
    await room.say(last === undefined ? `I have never seen ${name}` : `${name} wrote last at ${last}`)
  }
  seen.set(username, new Date(timeMs).toISOString())
}
