import path from 'node:path'
import { ChatError } from '../../base/errors.js'
import { commandNode } from '../../host/client/connect.js'
import type { Fields } from '../../host/protocol/codec.js'
import { startNode } from '../../host/server/start-node.js'
import { homeOf } from '../../node/paths.js'
import { nodeOptionsIn } from '../chat-options.js'
import { dataDirectory } from '../store/data-directory.js'
import { report } from '../store/stored-logs.js'

/**
 * Runs a command on private rooms in the node of a user, or in this process if no node runs. Rejects with a ChatError;
 * with the error of `timeLimit` if the command takes longer.
 */
export async function requestNode(
  me: string,
  dataFlag: string | undefined,
  command: Fields,
  onItem: (item: Fields) => void,
  timeLimit?: { readonly ms: number; readonly error: ChatError },
): Promise<void> {
  const { data } = await dataDirectory(me, dataFlag)
  const { directory } = homeOf(data, me)
  const stopped = new AbortController()
  const stop = (): void => stopped.abort(new ChatError('LOG_CLOSED', 'stopped'))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const timer = timeLimit && setTimeout(() => stopped.abort(timeLimit.error), timeLimit.ms)
  try {
    for (;;) {
      if (await commandNode({ me, directory }, command, onItem, stopped.signal)) return
      const options = { peers: [], ...nodeOptionsIn({}) }
      const start = { me, data: path.resolve(data), stays: false, options }
      const server = await startNode(start, { log: () => {}, onEvent: report })
      // Another process became the node meanwhile.
      if (server === undefined) continue
      try {
        return await server.command(command, onItem, stopped.signal)
      } finally {
        await server.end('idle')
      }
    }
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
