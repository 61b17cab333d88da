import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clock, systemClock } from '../base/clock.js'
import { ChatError } from '../base/errors.js'
import { askNode, type ConnectOptions, connectFace, type FaceHello, OlderNode } from './connect.js'
import { holderOf, lockedError } from './election.js'
import type { NodeConnection } from './node-connection.js'
import { encodeStart, type NodeStart, reportOf, type StartReport } from './node-start.js'
import { hasSocket } from './socket.js'

const NODE_PROGRAM = fileURLToPath(new URL('./node-process.js', import.meta.url))

/** How long a face tries to attach, while other processes start or end. */
const ATTACH_MS_MAX = 10_000
const TRY_MS = 200

export interface AttachOptions extends ConnectOptions {
  readonly start: NodeStart
  readonly face: FaceHello
  /** Whether a node is started where none runs. */
  readonly mayStart: boolean
}

/** Attaches to the node of a home, starting one where none runs. Rejects with a ChatError. */
export async function attach(options: AttachOptions): Promise<NodeConnection> {
  const { directory, face, start, mayStart, clock = systemClock } = options
  const end = clock.now() + ATTACH_MS_MAX
  let starting = mayStart && !(await hasSocket(directory)) ? startProcess(directory, start) : undefined
  for (;;) {
    if (starting !== undefined) throwFailure(await starting)
    starting = undefined
    try {
      const connection = await connectFace(options, face)
      if (connection !== undefined) return connection
    } catch (error) {
      if (!(error instanceof OlderNode)) throw error
      await (await askNode(options, 'replace'))?.closed
    }
    if (clock.now() > end) throw lockedError(directory, await holderOf(directory))
    if (mayStart) starting = startProcess(directory, start)
    else await pause(clock)
  }
}

const pause = (clock: Clock): Promise<void> => {
  const awake = setInterval(() => {}, TRY_MS) // the clock's timers alone keep no process
  return new Promise<void>(resolve => void clock.after(TRY_MS, resolve)).finally(() => clearInterval(awake))
}

function throwFailure(report: StartReport): void {
  if (report.kind === 'failed') throw report.error
}

/** Starts a node in the background. It inherits no descriptor, so that `… | head -1` and `$(…)` do not wait for it. */
function startProcess(directory: string, start: NodeStart): Promise<StartReport> {
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
          hint: `Look into ${path.join(directory, 'node.log')}.`,
        }),
      })
    node.once('message', message => {
      resolve(reportOf(message) ?? { kind: 'failed', error: new Error('it reports nonsense') })
      if (node.connected) node.disconnect()
      node.unref()
    })
    node.once('error', error => failed(error.message))
    node.once('exit', (code, signal) => failed(`its process ended with ${code ?? signal}`))
  })
}
