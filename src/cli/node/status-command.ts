import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../../base/clock.js'
import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { askNode, statusIn } from '../../host/client/connect.js'
import { holderOf } from '../../host/holder.js'
import type { NodeStatus } from '../../host/server/server.js'
import { homeOf } from '../../node/paths.js'
import { info, tell, writeLinesIfOpen } from '../../ui/lines/output.js'
import { eventText } from '../../ui/text/event-text.js'
import { encryptionText } from '../../ui/text/net-text.js'
import { DONE, FAILED } from '../exit-code.js'
import { within } from './within.js'

/** Longest wait for the answer of a node. */
export const ANSWER_MS_MAX = 3_000

export interface StatusOptions {
  readonly me: string | undefined
  readonly data: string
  readonly isJson: boolean
}

/**
 * `persisted-chat status [me]`: shows the running node of a user, or of all users in the data directory. Exit code 1 if
 * none runs.
 */
export async function showStatus({ me, data, isJson }: StatusOptions): Promise<number> {
  const directories = me === undefined ? await homesIn(data) : [homeOf(data, me).directory]
  const found: NodeStatus[] = []
  for (const directory of directories) {
    const status = await statusOf(me ?? path.basename(directory), directory)
    if (status !== undefined) found.push(status)
  }
  if (found.length === 0 && !isJson) info(me === undefined ? `no node runs in ${data}` : `${me} is not running`)
  await writeLinesIfOpen(process.stdout, isJson ? found.map(status => sanitisedJson(status)) : found.flatMap(linesOf))
  return found.length > 0 ? DONE : FAILED
}

async function homesIn(data: string): Promise<string[]> {
  const names = await readdir(data, { withFileTypes: true }).catch(() => [])
  return names.filter(entry => entry.isDirectory()).map(({ name }) => path.join(data, name))
}

async function statusOf(me: string, directory: string): Promise<NodeStatus | undefined> {
  const askedAt = systemClock.now()
  const answer = await within(ANSWER_MS_MAX, askNode({ me, directory }, 'status'))
  if (answer === 'late') {
    tell(eventText({ kind: 'node-silent', name: me, pid: await holderOf(directory), sinceMs: askedAt }))
    return undefined
  }
  const status = answer && statusIn(answer.value)
  return status as NodeStatus | undefined // trusted: the node has proven that it belongs to the user
}

function linesOf({ me, pid, since, version, filesReplaced, stays, rooms }: NodeStatus): string[] {
  const replaced = filesReplaced ? '; its files were replaced: it uses the new ones after `persisted-chat stop`' : ''
  const kind = stays ? 'runs until it is stopped' : 'ends with its last face'
  return [
    `${me}  pid ${pid}, since ${since}, version ${version}, ${kind}${replaced}`,
    ...rooms.map(({ room, open = true, faces, connections, plain, listen }) => {
      if (!open) return `  ${room}  ${faces} ${faces === 1 ? 'face' : 'faces'}, closed until somebody shows it`
      const peers = connections.length === 0 ? 'no connections' : `connected to ${encryptionText(connections, plain)}`
      return `  ${room}  ${faces} ${faces === 1 ? 'face' : 'faces'}, listening on ${listen}, ${peers}`
    }),
  ].map(sanitise)
}
