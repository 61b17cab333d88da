import path from 'node:path'
import { spawnNode } from '../host/client/spawn-node.js'
import type { NodeStart, StartReport } from '../host/protocol/node-start.js'
import { nodeOptionsOf, type RoomOptions } from '../host/protocol/options.js'
import { hasSocket } from '../host/protocol/socket.js'
import { listeningPlace, namedPeer } from '../node/connections/peer-name.js'
import type { NodeEvent } from '../node/events.js'
import { secureHome } from '../node/home-guard.js'
import { homeOf } from '../node/paths.js'

export interface FaceOptions extends RoomOptions {
  readonly me: string
  readonly data: string
}

/** A node to attach to. This module imports little: the modules that a face needs are loaded while the node starts. */
export interface PreparedNode {
  readonly start: NodeStart
  /** The data directory as the user gave it. */
  readonly dataAsGiven: string
  /** The home's directory. */
  readonly directory: string
  /** Events that occurred before the face attached. */
  readonly events: readonly NodeEvent[]
  /** The report of the spawned node; undefined if a node may be running already. */
  readonly starting: Promise<StartReport> | undefined
}

/** The parameters with which to start a node for these options. Throws BAD_NAME, BAD_ADDRESS or BAD_USAGE. */
export function nodeStartOf(options: FaceOptions, stays: boolean): NodeStart {
  const { me, peers, data, room } = options
  const home = homeOf(data, me, room)
  const { address } = listeningPlace(home.me, options.listen)
  for (const peer of peers) namedPeer(peer, home.me, address)
  const asked = { room, peers, ...nodeOptionsOf(options) }
  return { me, data: path.resolve(data), stays, options: asked }
}

/**
 * Checks the options and the home, and spawns a node unless a socket shows that one is running. Rejects with a
 * ChatError.
 */
export async function prepareNode(options: FaceOptions): Promise<PreparedNode> {
  const start = nodeStartOf(options, false)
  const events: NodeEvent[] = []
  const home = homeOf(options.data, options.me, options.room)
  await secureHome(home, event => void events.push(event))
  const { directory } = home
  const starting = (await hasSocket(directory)) ? undefined : spawnNode(directory, start)
  return { start, dataAsGiven: options.data, directory, events, starting }
}

/** The parameters for another room. It dials only the peers given by name: those given by address belong to the first room. */
export function inRoom({ start, ...prepared }: PreparedNode, room: string): PreparedNode {
  const { peers, isDiscovering, isEncryptedOnly } = start.options
  const named = peers.filter(peer => !peer.includes(':'))
  const options = { room, peers: named, isDiscovering, isEncryptedOnly }
  return { ...prepared, start: { ...start, options }, events: [], starting: undefined }
}
