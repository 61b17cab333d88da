import { pause, systemClock } from '../../base/clock.js'
import { holderOf, lockedError } from '../holder.js'
import type { NodeStart, StartReport } from '../protocol/node-start.js'
import { hasSocket } from '../protocol/socket.js'
import { askNode, type ConnectOptions, connectFace, type FaceHello, OlderNode } from './connect.js'
import type { NodeConnection } from './node-connection.js'
import { spawnNode } from './spawn-node.js'

/** How long a face tries to attach, while other processes start or end. */
const ATTACH_MS_MAX = 10_000
const TRY_MS = 200

export interface AttachOptions extends ConnectOptions {
  readonly start: NodeStart
  readonly face: FaceHello
  /** The report of a node that is already being started. */
  readonly starting?: Promise<StartReport> | undefined
  /** Whether to start a node if none runs. */
  readonly mayStart: boolean
}

/** Attaches to the node of a home; starts one if none runs. Rejects with a ChatError. */
export async function attach(options: AttachOptions): Promise<NodeConnection> {
  const { directory, face, start, mayStart, clock = systemClock } = options
  const end = clock.now() + ATTACH_MS_MAX
  let starting = options.starting
  if (starting === undefined && mayStart && !(await hasSocket(directory))) starting = spawnNode(directory, start)
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
    if (mayStart) starting = spawnNode(directory, start)
    else await pause(clock, TRY_MS)
  }
}

function throwFailure(report: StartReport): void {
  if (report.kind === 'failed') throw report.error
}
