import { systemClock } from '../base/clock.js'
import { systemRandom } from '../base/random.js'
import { attach } from '../host/attach.js'
import { Face } from '../host/face.js'
import type { Notice } from '../host/face-session.js'
import { holderOf } from '../host/holder.js'
import { silentLine } from '../host/silence.js'
import { CLIENT_BYTES } from '../log/request-id.js'
import type { PreparedNode } from './prepared-node.js'

/**
 * Attaches to the user's node, and starts one if none runs. Calls `onSilent` as soon as a running node turns out not to
 * answer, and keeps waiting for it. Rejects with a ChatError.
 */
export async function attachFace(
  { start, dataAsGiven, directory, notices, starting }: PreparedNode,
  onNotice: (notice: Notice) => void,
  onSilent: (line: string) => void,
): Promise<Face> {
  const { me, options } = start
  for (const notice of notices) onNotice(notice)
  const client = systemRandom.bytes(CLIENT_BYTES)
  // The node runs in another directory: paths are shown as the user gave them.
  const asGiven = (notice: Notice): Notice => ({ ...notice, line: notice.line.replaceAll(start.data, dataAsGiven) })
  let tellSilent = onSilent
  let first = starting
  const face = await Face.open({
    onNotice: notice => onNotice(asGiven(notice)),
    connect: (before, mayStart) => {
      const now = before ?? options
      const since = systemClock.now()
      const report = first
      first = undefined
      return attach({
        me,
        directory,
        start: { ...start, options: now },
        mayStart,
        starting: report,
        face: { client, options: now, isBack: before !== undefined },
        onSilent: () => void holderOf(directory).then(pid => tellSilent(silentLine(me, pid, since))),
      })
    },
  })
  tellSilent = () => {} // from now on the face itself detects a silent node
  return face
}
