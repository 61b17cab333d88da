import { spawn } from 'node:child_process'
import path from 'node:path'
import { ChatError } from '../../base/errors.js'
import { encodeStart, NODE_PROGRAM, type NodeStart, reportOf, type StartReport } from '../protocol/node-start.js'

/**
 * Starts a node in the background, and resolves with its report. The node inherits no descriptor, so `… | head -1` and
 * `$(…)` do not wait for it to end.
 */
export function spawnNode(directory: string, start: NodeStart): Promise<StartReport> {
  const node = spawn(process.execPath, [NODE_PROGRAM, encodeStart(start)], {
    cwd: path.resolve(directory),
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  return new Promise<StartReport>(resolve => {
    const failed = (reason: string): void =>
      resolve({
        kind: 'failed',
        error: new ChatError('NODE_UNUSABLE', `the node of ${start.me} cannot be started: ${reason}`, {
          hint: `See ${path.join(directory, 'node.log')}.`,
        }),
      })
    node.once('message', message => {
      resolve(reportOf(message) ?? { kind: 'failed', error: new Error('its report is malformed') })
      if (node.connected) node.disconnect()
      node.unref()
    })
    node.once('error', error => failed(error.message))
    node.once('exit', (code, signal) => failed(`its process ended with ${code ?? signal}`))
  })
}
