import { connect } from 'node:net'
import { Child, type Cleanup } from './child.js'

const PROGRAM = `
const server = require('node:net').createServer(() => {})
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))
`
/** Connections that overflow an accept queue of one on every system. */
const QUEUED = 8

/** A port of 127.0.0.1 that neither accepts nor refuses connections: its process is suspended and its accept queue is full. */
export async function unresponsivePort(cleanup: Cleanup): Promise<number> {
  const server = new Child(cleanup, process.execPath, { args: ['-e', PROGRAM] })
  const port = Number(await server.waitForLine(/^\d+$/))
  if (server.pid !== undefined) process.kill(server.pid, 'SIGSTOP')
  const queue = Array.from({ length: QUEUED }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
  cleanup.after(async () => {
    for (const socket of queue) socket.destroy()
  })
  return port
}
