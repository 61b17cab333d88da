import { ChatError } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import { isFields } from '../../base/shape.js'
import { hexOf } from '../../base/wire/bytes.js'
import { CLIENT_BYTES } from '../../log/request-id.js'
import type { PeopleRequest } from '../../node/people/people-request.js'
import { type CodecVersion, type Fields, versionOf } from './codec.js'
import { type RoomOptions, roomOptionsOf } from './options.js'
import { NONCE_BYTES, type Secret } from './secret.js'

// The start of a connection to a node. These frames are the same in every major version of the codec: node: challenge {
// version, nonce } · face: hello { version, nonce, proof, purpose, … } · node: welcome { proof, … } or refused.

/**
 * Why a process connects. `replace` asks an older node to end; `pause` asks the node to close its rooms until the connection
 * closes; `command` runs a command on private rooms, `people` lists or changes whom the user knows.
 */
export type Purpose = 'face' | 'status' | 'stop' | 'replace' | 'pause' | 'command' | 'people'

const PURPOSES: readonly unknown[] = [
  'face',
  'status',
  'stop',
  'replace',
  'pause',
  'command',
  'people',
] satisfies Purpose[]
const NONCE = new RegExp(`^[0-9a-f]{${2 * NONCE_BYTES}}$`)
const CLIENT = new RegExp(`^[0-9a-f]{${2 * CLIENT_BYTES}}$`)

export interface Challenge {
  readonly version: CodecVersion
  readonly nonce: string
}

export interface Hello {
  readonly version: CodecVersion
  readonly purpose: Purpose
  readonly pid: number
  /** Set for faces only. */
  readonly client: Uint8Array | undefined
  readonly options: RoomOptions | undefined
  /** Set for commands only. */
  readonly command?: Fields | undefined
  /** Whether the face was attached before and lost its node. */
  readonly isBack: boolean
  /** What a `people` connection asks for. */
  readonly people?: PeopleRequest | undefined
}

export const nonceOf = (random: Random): string => hexOf(random.bytes(NONCE_BYTES))

export const challengeFields = ({ major, minor }: CodecVersion, nonce: string): Fields => ({
  is: 'challenge',
  version: [major, minor],
  nonce,
})

/** Decodes a challenge; undefined for anything else. */
export function challengeOf({ is, version, nonce }: Fields): Challenge | undefined {
  const known = versionOf(version)
  const isNonce = typeof nonce === 'string' && NONCE.test(nonce)
  return is === 'challenge' && known !== undefined && isNonce ? { version: known, nonce } : undefined
}

export function helloFields(hello: Hello, secret: Secret, nodeNonce: string, nonce: string): Fields {
  const { version, purpose, pid, client, options, command, isBack, people } = hello
  return {
    do: 'hello',
    version: [version.major, version.minor],
    nonce,
    proof: secret.proof('face', nodeNonce, nonce),
    purpose,
    pid,
    isBack,
    ...(client !== undefined && { client: hexOf(client) }),
    ...(options !== undefined && { options }),
    ...(command !== undefined && { command }),
    ...(people !== undefined && { people }),
  }
}

/** Decodes and verifies a hello; undefined if it is malformed or its sender does not know the secret. */
export function helloOf(
  value: Fields,
  secret: Secret,
  nodeNonce: string,
): { readonly hello: Hello; readonly nonce: string } | undefined {
  const { nonce, proof, purpose, pid, client, options, command } = value
  const version = versionOf(value['version'])
  if (value['do'] !== 'hello' || version === undefined || !PURPOSES.includes(purpose)) return undefined
  if (typeof nonce !== 'string' || !NONCE.test(nonce)) return undefined
  if (!secret.isProof(proof, 'face', nodeNonce, nonce)) return undefined
  const hello: Hello = {
    version,
    purpose: purpose as Purpose,
    pid: typeof pid === 'number' && Number.isSafeInteger(pid) ? pid : 0,
    client: clientOf(client),
    options: typeof options === 'object' && options !== null ? roomOptionsOf(options as Fields) : undefined,
    command: isFields(command) ? command : undefined,
    isBack: value['isBack'] === true,
    people: peopleRequestOf(value['people']),
  }
  const isFace = hello.client !== undefined && hello.options !== undefined
  const isWhole = purpose === 'face' ? isFace : purpose === 'people' ? hello.people !== undefined : true
  return isWhole ? { hello, nonce } : undefined
}

/** Decodes the id of a client, whose requests are idempotent. */
export const clientOf = (value: unknown): Uint8Array | undefined =>
  typeof value === 'string' && CLIENT.test(value) ? Buffer.from(value, 'hex') : undefined

/** Decodes a request about people; undefined for anything else. */
function peopleRequestOf(value: unknown): PeopleRequest | undefined {
  if (!isFields(value)) return undefined
  const { act, name, key } = value
  if (act === 'list') return { act }
  if (typeof name !== 'string') return undefined
  if (act === 'forget') return { act, name }
  return act === 'accept' ? { act, name, key: typeof key === 'string' ? key : undefined } : undefined
}

/** Compares a node's version with ours: only a node of a lower major version is replaced. */
export function checkVersion(me: string, node: CodecVersion, ours: CodecVersion): 'same' | 'older' {
  if (node.major < ours.major) return 'older'
  if (node.major === ours.major) return 'same'
  throw new ChatError('NODE_UNUSABLE', `${me} runs in a newer version of persisted-chat than this one`, {
    hint: 'Use that version, or stop its node with it.',
  })
}
