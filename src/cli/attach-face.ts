import path from 'node:path'
import { systemRandom } from '../base/random.js'
import { attach } from '../host/attach.js'
import { holderOf } from '../host/election.js'
import { Face } from '../host/face.js'
import type { Notice } from '../host/face-session.js'
import type { NodeStart } from '../host/node-start.js'
import { silentLine } from '../host/silence.js'
import { CLIENT_BYTES } from '../log/requests.js'
import { formatAddress, parseListen } from '../net/lan/address.js'
import { secureHome } from '../node/home-guard.js'
import { homeOf } from '../node/paths.js'
import { addressIn, namedPeer } from '../node/peer-name.js'

export interface FaceOptions {
  readonly me: string
  readonly peers: readonly string[]
  readonly listen: string | undefined
  readonly data: string
  readonly room: string | undefined
  readonly isDiscovering: boolean
}

/** What the node of these options is started with. Throws BAD_NAME, BAD_ADDRESS or BAD_USAGE. */
export function nodeStartOf(options: FaceOptions, stays: boolean): NodeStart {
  const { me, peers, listen, data, room, isDiscovering } = options
  const home = homeOf(data, me, room)
  const usual = addressIn(home.me, home.room)
  const place = listen === undefined ? { host: undefined, port: usual.port } : parseListen(listen)
  const own = formatAddress({ host: place.host ?? usual.host, port: place.port })
  for (const peer of peers) namedPeer(peer, home, own)
  return { me, data: path.resolve(data), stays, options: { room, peers, listen, isDiscovering } }
}

/**
 * Attaches to the node of the user, and starts one where none runs. `onSilent` is told at once where the node does not answer,
 * for then this waits. Rejects with a ChatError.
 */
export async function attachFace(
  options: FaceOptions,
  onNotice: (notice: Notice) => void,
  onSilent: (line: string) => void,
): Promise<Face> {
  const start = nodeStartOf(options, false)
  const { directory } = homeOf(options.data, options.me)
  await secureHome(homeOf(options.data, options.me, options.room), line => onNotice({ kind: 'alarm', line }))
  const client = systemRandom.bytes(CLIENT_BYTES)
  // The node runs in another directory: paths are shown as the user gave them.
  const asGiven = (notice: Notice): Notice => ({ ...notice, line: notice.line.replaceAll(start.data, options.data) })
  let tellSilent = onSilent
  const face = await Face.open({
    onNotice: notice => onNotice(asGiven(notice)),
    connect: (isBack, mayStart) => {
      const since = Date.now()
      return attach({
        me: options.me,
        directory,
        start,
        mayStart,
        face: { client, options: start.options, isBack },
        onSilent: () => void holderOf(directory).then(pid => tellSilent(silentLine(options.me, pid, since))),
      })
    },
  })
  tellSilent = () => {} // the face watches its node
  return face
}
