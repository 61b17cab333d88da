import { ChatError } from '../../base/errors.js'
import { isCount } from '../../base/shape.js'
import { LOBBY } from '../../log/format/room-id.js'
import { parseListen } from '../../net/lan/address.js'
import { type Fields, textsOf } from './codec.js'

/** Unit of --max-disk. */
const MIB = 1024 * 1024

/** Scope of a command-line option: one value per face, per room (shared by its faces), or per node (shared by all faces). */
type Scope = 'face' | 'room' | 'node'

/** Every option of the chat, by its long name. */
export const OPTION_SCOPES: Readonly<Record<string, Scope>> = {
  listen: 'node',
  discovery: 'node',
  encrypted: 'node',
  'max-disk': 'node',
  direct: 'node',
  data: 'node',
  room: 'room',
  last: 'face',
  all: 'face',
  json: 'face',
  plain: 'face',
  time: 'face',
  presence: 'face',
  bell: 'face',
  message: 'face',
  to: 'face',
  timeout: 'face',
  seed: 'node',
}

/** Who may ask to talk: everybody, people whom the user knows, or nobody. */
export const DIRECT_POLICIES = ['anyone', 'known', 'nobody'] as const
export type DirectPolicy = (typeof DIRECT_POLICIES)[number]

export const isDirectPolicy = (value: unknown): value is DirectPolicy =>
  (DIRECT_POLICIES as readonly unknown[]).includes(value)

/** Options that a face requests, or that a node runs a room with. */
export interface RoomOptions {
  readonly room: string | undefined
  /** Names, or addresses as `host:port`. Each face adds its own. */
  readonly peers: readonly string[]
  readonly listen: string | undefined
  readonly isDiscovering: boolean
  /** Whether scuttleup peers, which cannot encrypt, are refused. */
  readonly isEncryptedOnly: boolean
  /** What the node may use of the disk, in bytes. */
  readonly diskBytesMax?: number | undefined
  /** Who may ask to talk. Default: anyone. */
  readonly direct?: DirectPolicy | undefined
}

/** The options that all rooms of a node share. */
export type NodeOptions = Pick<RoomOptions, 'listen' | 'isDiscovering' | 'isEncryptedOnly' | 'diskBytesMax' | 'direct'>

export const nodeOptionsOf = ({
  listen,
  isDiscovering,
  isEncryptedOnly,
  diskBytesMax,
  direct,
}: RoomOptions): NodeOptions => ({
  listen,
  isDiscovering,
  isEncryptedOnly,
  ...(diskBytesMax !== undefined && { diskBytesMax }),
  ...(direct !== undefined && { direct }),
})

export const roomNameOf = ({ room }: RoomOptions): string => room ?? LOBBY

/** Throws BAD_USAGE if requested options of the node differ from those of the running one. */
export function checkConflict(me: string, running: NodeOptions, asked: NodeOptions): void {
  const how = conflictOf(running, asked)
  if (how === undefined) return
  throw new ChatError('BAD_USAGE', `${me} already runs ${how}: persisted-chat stop ${me}, or leave the option out`)
}

function conflictOf(running: NodeOptions, asked: NodeOptions): string | undefined {
  if (asked.listen !== undefined && !isSameAddress(running.listen, asked.listen))
    return running.listen === undefined ? 'without --listen' : `with --listen ${running.listen}`
  if (!asked.isDiscovering && running.isDiscovering) return 'without --no-discovery'
  if (asked.isEncryptedOnly && !running.isEncryptedOnly) return 'without --encrypted'
  if (asked.diskBytesMax !== undefined && asked.diskBytesMax !== running.diskBytesMax)
    return running.diskBytesMax === undefined ? 'without --max-disk' : `with --max-disk ${running.diskBytesMax / MIB}`
  if (asked.direct !== undefined && asked.direct !== running.direct)
    return running.direct === undefined ? 'without --direct' : `with --direct ${running.direct}`
  return undefined
}

function isSameAddress(running: string | undefined, asked: string): boolean {
  if (running === undefined) return false
  const [one, other] = [parseListen(running), parseListen(asked)]
  return one.host === other.host && one.port === other.port
}

/** Decodes options; undefined if they are malformed. */
export function roomOptionsOf({
  room,
  peers,
  listen,
  isDiscovering,
  isEncryptedOnly = false,
  diskBytesMax,
  direct,
}: Fields): RoomOptions | undefined {
  const names = textsOf(peers)
  if (names === undefined || !isTextOrNone(room) || !isTextOrNone(listen)) return undefined
  if (typeof isDiscovering !== 'boolean' || typeof isEncryptedOnly !== 'boolean') return undefined
  if (diskBytesMax !== undefined && !isCount(diskBytesMax)) return undefined
  if (direct !== undefined && !isDirectPolicy(direct)) return undefined
  return {
    room,
    peers: names,
    listen,
    isDiscovering,
    isEncryptedOnly,
    ...(diskBytesMax !== undefined && { diskBytesMax }),
    ...(direct !== undefined && { direct }),
  }
}

const isTextOrNone = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string'
