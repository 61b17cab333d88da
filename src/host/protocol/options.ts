import { ChatError } from '../../base/errors.js'
import { boolean, count, type Members, oneOf, optional, type RecordOf, record, text } from '../../base/shape.js'
import { LOBBY } from '../../log/format/room-id.js'
import { parseListen } from '../../net/lan/address.js'
import { type Fields, textsOf } from './codec.js'

/** Unit of --max-disk. */
const MIB = 1024 * 1024

/** Who may ask to talk: everybody, people whom the user knows, or nobody. */
export const DIRECT_POLICIES = ['anyone', 'known', 'nobody'] as const
export type DirectPolicy = (typeof DIRECT_POLICIES)[number]

/** The options that all rooms of a node share. */
const NODE_MEMBERS = {
  listen: optional(text),
  isDiscovering: boolean,
  /** Whether scuttleup peers, which cannot encrypt, are refused. */
  isEncryptedOnly: boolean,
  /** How much disk space the node may use, in bytes. */
  diskBytesMax: optional(count),
  /** Who may ask to talk. Default: anyone. */
  direct: optional(oneOf(DIRECT_POLICIES)),
} satisfies Members

export type NodeOptions = RecordOf<typeof NODE_MEMBERS>

/** Options that a face requests, or that a node runs a room with. */
export interface RoomOptions extends NodeOptions {
  readonly room?: string | undefined
  /** Names, or addresses as `host:port`. Each face adds its own. */
  readonly peers: readonly string[]
}

/** How an option of the node is written on the command line. */
interface NodeFlag {
  readonly flag: string
  /** The value without the option. Default: undefined. */
  readonly absent?: boolean
  /** The value as the user writes it. */
  readonly shown?: (value: never) => string
  readonly isSame?: (running: never, asked: never) => boolean
}

export const NODE_FLAGS: Readonly<Record<keyof NodeOptions, NodeFlag>> = {
  listen: { flag: 'listen', isSame: isSameAddress },
  isDiscovering: { flag: 'no-discovery', absent: true },
  isEncryptedOnly: { flag: 'encrypted', absent: false },
  diskBytesMax: { flag: 'max-disk', shown: (bytes: number) => String(bytes / MIB) },
  direct: { flag: 'direct' },
}

type NodeOption = keyof NodeOptions
const NODE_OPTIONS = Object.keys(NODE_FLAGS) as NodeOption[]

/** The options of a node from given values; undefined if a value is malformed. */
export function nodeOptionsFrom(given: (option: NodeOption) => unknown): NodeOptions | undefined {
  const options: Fields = Object.fromEntries(
    NODE_OPTIONS.map(option => [option, given(option) ?? NODE_FLAGS[option].absent]).filter(
      ([, value]) => value !== undefined,
    ),
  )
  return isNodeOptions(options) ? options : undefined
}

const isNodeOptions = record<NodeOptions>(NODE_MEMBERS)

export const nodeOptionsOf = (options: RoomOptions): NodeOptions =>
  Object.fromEntries(Object.entries(options).filter(([option]) => option in NODE_FLAGS)) as unknown as NodeOptions

export const roomNameOf = ({ room }: RoomOptions): string => room ?? LOBBY

/** Throws BAD_USAGE if requested options of the node differ from those of the running one. */
export function checkConflict(me: string, running: NodeOptions, asked: NodeOptions): void {
  const how = NODE_OPTIONS.map(option => conflictOf(NODE_FLAGS[option], running[option], asked[option])).find(
    conflict => conflict !== undefined,
  )
  if (how === undefined) return
  throw new ChatError('BAD_USAGE', `${me} already runs ${how}: persisted-chat stop ${me}, or leave the option out`)
}

/**
 * How the running node differs from the requested option; undefined if the option was not requested, or is the same.
 */
function conflictOf(
  { flag, absent, shown = String, isSame = Object.is }: NodeFlag,
  running: unknown,
  asked: unknown,
): string | undefined {
  if (asked === undefined || asked === absent) return undefined
  if (running === undefined || running === absent) return `without --${flag}`
  return isSame(running as never, asked as never) ? undefined : `with --${flag} ${shown(running as never)}`
}

function isSameAddress(running: string, asked: string): boolean {
  const [one, other] = [parseListen(running), parseListen(asked)]
  return one.host === other.host && one.port === other.port
}

/** Decodes options; undefined if they are malformed. */
export function roomOptionsOf(fields: Fields): RoomOptions | undefined {
  const { room } = fields
  const peers = textsOf(fields['peers'])
  const node = nodeOptionsFrom(option => fields[option])
  if (peers === undefined || node === undefined || (room !== undefined && !text(room))) return undefined
  return { ...node, peers, ...(room !== undefined && { room }) }
}
