import { systemClock } from '../base/clock.js'
import { systemRandom } from '../base/random.js'
import { attach } from '../host/client/attach.js'
import { Face } from '../host/client/face.js'
import { holderOf } from '../host/holder.js'
import type { FaceEvent } from '../host/protocol/events.js'
import { CLIENT_BYTES } from '../log/request-id.js'
import { type EventText, eventText } from '../ui/text/event-text.js'
import type { PreparedNode } from './prepared-node.js'

/**
 * Attaches to the user's node, and starts one if none runs. If a running node does not answer, calls `onSilent` once
 * and keeps waiting. Rejects with a ChatError.
 */
export async function attachFace(
  { start, dataAsGiven, directory, events, starting }: PreparedNode,
  onNotice: (notice: EventText) => void,
  onSilent: (notice: EventText) => void,
): Promise<Face> {
  const { me, options } = start
  const client = systemRandom.bytes(CLIENT_BYTES)
  // The node has another working directory: paths are shown as the user gave them.
  const context = { shownPath: (path: string) => path.replaceAll(start.data, dataAsGiven) }
  for (const event of events) onNotice(eventText(event))
  let tellSilent = onSilent
  let first = starting
  const onEvent = (event: FaceEvent): void => onNotice(eventText(event, context))
  const face = await Face.open({
    onEvent,
    connect: (before, mayStart) => {
      const now = before ?? options
      const sinceMs = systemClock.now()
      const report = first
      first = undefined
      return attach({
        me,
        directory,
        start: { ...start, options: now },
        mayStart,
        starting: report,
        onEvent,
        face: { client, options: now, isBack: before !== undefined },
        onSilent: () =>
          void holderOf(directory).then(pid => tellSilent(eventText({ kind: 'node-silent', name: me, pid, sinceMs }))),
      })
    },
  })
  tellSilent = () => {} // from now on, the face detects a silent node itself
  return face
}
