import { existsSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '../base/clock.js'
import { loadKey } from '../base/crypto/key-file.js'
import { systemRandom } from '../base/random.js'
import { authorOfKey } from '../log/format/author.js'
import { NodeNetwork } from './connections/node-network.js'
import type { NodeEvent } from './events.js'
import { checkKeyIsThere, secureHome } from './home-guard.js'
import { Node, type OpenRoom } from './node.js'
import { openRoom } from './open-room.js'
import { homeOf, NODE_DATABASE } from './paths.js'
import { HomePins } from './people/home-pins.js'
import { Pins } from './people/pins.js'

export interface NodeOptions {
  /** The name that others see. */
  readonly name: string
  /** Directory for the key and the logs, created if needed. One process at a time can open a room in it. */
  readonly data: string
  /** Whether to announce the name and look for peers on the local network. Default: true. */
  readonly discovery?: boolean | undefined
  /** How much disk space the node may use, in bytes; a quarter of it is for strangers, in each room. Default: no bound. */
  readonly diskBytesMax?: number | undefined
  /** Called for problems with the data directory that occur before the node exists. */
  readonly onEvent?: ((event: NodeEvent) => void) | undefined
}

/** Opens the identity `name` in `data`, with a new key if it has none. Rejects with BAD_NAME, DATA_UNUSABLE or LOG_CORRUPT. */
export async function openNode({
  name,
  data,
  discovery = true,
  diskBytesMax,
  onEvent = () => {},
}: NodeOptions): Promise<Node> {
  const home = homeOf(data, name)
  await secureHome(home, onEvent)
  await checkKeyIsThere(home)
  const { publicKey, isNew } = await loadKey(home.keyFile, systemRandom, onEvent)
  let isNewKey = isNew
  const network = new NodeNetwork(home.me)
  const database = path.join(home.directory, NODE_DATABASE)
  const pins = await Pins.open(new HomePins(database, () => existsSync(database), systemClock))
  const open: OpenRoom = (room, { peers = [], listen }, onRoomEvent) => {
    const own = { me: name, network, pins, data, room, peers, listen, isDiscovering: discovery, isNewKey, diskBytesMax }
    // The key is new for the first room only: in later rooms, our log begins in a new run.
    isNewKey = false
    return openRoom({ ...own, onEvent: onRoomEvent })
  }
  return new Node(home.me, authorOfKey(publicKey), open, () => pins.saved())
}
