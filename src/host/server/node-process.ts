// The process of a background node, started by a face. Loads every module at start, because an update may replace the files later.
import { homeOf } from '../../node/paths.js'
import { decodeStart, faultOf, type NodeStart } from '../protocol/node-start.js'
import { NodeLog } from './node-log.js'
import { startNode } from './start-node.js'

const FAILED = 1
/** How long a node may take to end after it was asked to. */
const END_MS_MAX = 5_000

function report(value: object): void {
  if (process.send === undefined) return
  process.send(value, () => {
    if (process.connected) process.disconnect()
  })
}

async function run(start: NodeStart): Promise<void> {
  const log = new NodeLog(homeOf(start.data, start.me).directory)
  process.on('uncaughtException', error => {
    // The message is not logged: it may contain what a user wrote.
    const places = (error.stack ?? '').split('\n').filter(line => line.startsWith('    at '))
    log.write(`a fault of the program: ${error.name} ${places.slice(0, 5).join(' ')}`)
    process.exit(FAILED)
  })
  try {
    const server = await startNode(start, {
      log: event => log.write(event),
      onEvent: () => {},
    })
    if (server === undefined) return report({ is: 'ready' }) // another process serves
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        setTimeout(() => process.exit(FAILED), END_MS_MAX)
        void server.end('stopped')
      })
    // If the room cannot be opened, the face that requests it gets the error.
    server.openOwnRoom(start.options).catch(() => {})
    report({ is: 'ready' })
    await server.ended
    process.exit()
  } catch (error) {
    report({ is: 'failed', ...faultOf(error) })
    process.exitCode = FAILED
  }
}

const start = decodeStart(process.argv[2] ?? '')
if (start === undefined) process.exitCode = FAILED
else await run(start)
