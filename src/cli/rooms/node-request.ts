import path from 'node:path'
import { ChatError } from '../../base/errors.js'
import { commandNode } from '../../host/client/connect.js'
import type { Fields } from '../../host/protocol/codec.js'
import { startNode } from '../../host/server/start-node.js'
import { homeOf } from '../../node/paths.js'
import { nodeOptionsIn } from '../chat-options.js'
import { dataDirectory } from '../store/data-directory.js'
import { report } from '../store/stored-logs.js'

/** A time after which a command is given up, and the error that then says so. */
interface TimeLimit {
  readonly ms: number
  readonly error: ChatError
}

/**
 * Runs a command on private rooms in the node of a user, or in this process if no node runs. Rejects with a ChatError;
 * with the error of `timeLimit` if the command takes longer.
 */
export async function requestNode(
  me: string,
  dataFlag: string | undefined,
  command: Fields,
  onItem: (item: Fields) => void,
  timeLimit?: TimeLimit,
): Promise<void> {
  const { data } = await dataDirectory(me, dataFlag)
  const { directory } = homeOf(data, me)
  await untilStopped(async signal => {
    for (;;) {
      if (await commandNode({ me, directory }, command, onItem, signal)) return
      const options = { peers: [], ...nodeOptionsIn({}) }
      const start = { me, data: path.resolve(data), stays: false, options }
      const server = await startNode(start, { log: () => {}, onEvent: report })
      // Another process became the node meanwhile.
      if (server === undefined) continue
      try {
        return await server.command(command, onItem, signal)
      } finally {
        await server.end('idle')
      }
    }
  }, timeLimit)
}

/** Runs a command that needs the connections of a running node. Rejects with a ChatError: NODE_UNUSABLE if none runs. */
export async function requestRunningNode(
  me: string,
  dataFlag: string | undefined,
  command: Fields,
  onItem: (item: Fields) => void,
): Promise<void> {
  const { data } = await dataDirectory(me, dataFlag)
  const { directory } = homeOf(data, me)
  const isRunning = await untilStopped(signal => commandNode({ me, directory }, command, onItem, signal))
  if (!isRunning)
    throw new ChatError('NODE_UNUSABLE', `${me} is not running, so there is no connection to anybody`, {
      hint: `Open the room first: persisted-chat ${me} --room <room>.`,
    })
}

/** Runs work; SIGINT, SIGTERM or the time limit aborts it. */
async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>, timeLimit?: TimeLimit): Promise<T> {
  const stopped = new AbortController()
  const stop = (): void => stopped.abort(new ChatError('LOG_CLOSED', 'stopped'))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const timer = timeLimit && setTimeout(() => stopped.abort(timeLimit.error), timeLimit.ms)
  try {
    return await work(stopped.signal)
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
