import { systemRandom } from '../../base/random.js'
import { attach } from '../../host/client/attach.js'
import type { NodeConnection } from '../../host/client/node-connection.js'
import type { FaceEvent } from '../../host/protocol/events.js'
import { NodeLog } from '../../host/server/node-log.js'
import type { NodeServer } from '../../host/server/server.js'
import { startNode } from '../../host/server/start-node.js'
import { CLIENT_BYTES } from '../../log/request-id.js'
import { homeOf } from '../../node/paths.js'
import { info, tell, warn } from '../../ui/lines/output.js'
import { StopRequest } from '../../ui/lines/stop-request.js'
import { eventText } from '../../ui/text/event-text.js'
import { DONE, FAILED } from '../exit-code.js'
import { type FaceOptions, nodeStartOf } from '../prepared-node.js'
import { alsoInLine } from '../store/data-directory.js'
import { within } from './within.js'

/** Longest time to shut down, in milliseconds: a container runtime kills the process soon afterwards. */
const END_MS_MAX = 4_500

export interface NodeOptions extends FaceOptions {
  /** Other data directories that contain logs of the same name. */
  readonly alsoIn: readonly string[]
}

/**
 * `persisted-chat node <me> [peer...]`: runs the node in the foreground until it is stopped. It never detaches. If another
 * process already serves the user, keeps that node running, and takes over when it exits.
 */
export async function runNode(options: NodeOptions): Promise<number> {
  const start = nodeStartOf(options, true)
  const { directory } = homeOf(options.data, options.me)
  const stop = new StopRequest()
  const stopped = stop.asked()
  let isStopped = false
  void stopped.then(() => {
    isStopped = true
  })
  const log = new NodeLog(directory)
  const hooks = { log: (event: string) => log.write(event), onEvent: report }
  try {
    for (const place of options.alsoIn) info(alsoInLine(options.me, place))
    while (!isStopped) {
      const server = await startNode(start, hooks)
      if (server !== undefined) return await serve(server, start, stopped)
      const face = { client: systemRandom.bytes(CLIENT_BYTES), options: start.options, isBack: false }
      const other = await attach({ me: options.me, directory, start, face, mayStart: false })
      if (await keep(other, stopped)) return DONE
    }
    return DONE
  } finally {
    stop.release()
  }
}

async function serve(
  server: NodeServer,
  { options }: ReturnType<typeof nodeStartOf>,
  stopped: Promise<void>,
): Promise<number> {
  try {
    await server.openOwnRoom(options)
  } catch (error) {
    await server.end('idle')
    throw error
  }
  await Promise.race([stopped, server.ended])
  if ((await within(END_MS_MAX, server.end('stopped'))) !== 'late') return DONE
  warn(`the node does not end within ${END_MS_MAX / 1_000} s`)
  process.exit(FAILED)
}

/**
 * Keeps another process's node running, as a face without output. Resolves with whether the user or `stop` ended that
 * node.
 */
async function keep(other: NodeConnection, stopped: Promise<void>): Promise<boolean> {
  let isStopped = false
  other.on('event', report)
  other.on('end', reason => {
    isStopped = reason === 'stopped'
  })
  const gone = new Promise<boolean>(resolve => void other.once('gone', () => resolve(isStopped)))
  other.start()
  const isOver = await Promise.race([gone, stopped.then(() => true)])
  if (isOver) await other.goodbye()
  return isOver
}

const report = (event: FaceEvent): void => tell(eventText(event))
