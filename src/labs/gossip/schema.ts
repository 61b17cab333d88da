import { BOOK_LENGTH_MAX, GOSSIP_BATCH_MAX, GOSSIP_ORIGINS_MAX, GOSSIP_TTL_MAX, GOSSIP_VERSION_MAX } from './limits.js'
import type { Known, Port, Rumour } from './rumour.js'

// JSON schemas of `POST /gossip/` and of the answers. docs/labs/gossip.md.

const PORT = { type: 'integer', minimum: 1, maximum: 65_535 }

const RUMOUR = {
  type: 'object',
  additionalProperties: false,
  required: ['uuid', 'origin', 'version', 'ttl', 'payload'],
  properties: {
    uuid: { type: 'string', pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' },
    origin: PORT,
    version: { type: 'integer', minimum: 1, maximum: GOSSIP_VERSION_MAX },
    ttl: { type: 'integer', minimum: 0, maximum: GOSSIP_TTL_MAX },
    hops: { type: 'integer', minimum: 0, maximum: GOSSIP_TTL_MAX, default: 0 },
    payload: {
      type: 'object',
      additionalProperties: false,
      required: ['book'],
      properties: { book: { type: 'string', minLength: 1, maxLength: BOOK_LENGTH_MAX } },
    },
  },
} as const

const KNOWN = {
  type: 'array',
  minItems: 2,
  maxItems: 2,
  items: [PORT, { type: 'integer', minimum: 1, maximum: GOSSIP_VERSION_MAX }],
}

const BATCH = {
  type: 'object',
  additionalProperties: false,
  properties: {
    from: PORT,
    messages: { type: 'array', maxItems: GOSSIP_BATCH_MAX, items: RUMOUR },
    known: { type: 'array', maxItems: GOSSIP_ORIGINS_MAX, items: KNOWN },
  },
} as const

/** Body of `POST /gossip/`: a message or a batch. */
export const GOSSIP_BODY = {
  type: 'object',
  if: { anyOf: [{ required: ['messages'] }, { required: ['known'] }] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: BATCH,
  else: RUMOUR,
} as const

/** Rumours, and the versions that the sender knows if it pulls. */
export interface Batch {
  readonly from?: Port
  readonly messages?: readonly Rumour[]
  readonly known?: readonly Known[]
}

export type GossipBody = Rumour | Batch

/** Answer to `POST /gossip/`: the number of new messages, and those that the sender lacks. */
export interface GossipAnswer {
  readonly accepted: number
  readonly messages: readonly Rumour[]
}

/** Answer to `GET /peers/`. */
export interface PeersAnswer {
  readonly port: Port
  readonly peers: readonly Port[]
}

/** The batch of a body. */
export const batchOf = (body: GossipBody): Batch => ('uuid' in body ? { messages: [body] } : body)

/** Validates an answer to `GET /peers/`. */
export function readPeers(value: unknown): PeersAnswer | undefined {
  if (!isRecord(value) || !isPort(value['port']) || !Array.isArray(value['peers'])) return undefined
  const peers = value['peers'].slice(0, GOSSIP_ORIGINS_MAX)
  return peers.every(isPort) ? { port: value['port'], peers } : undefined
}

/** Validates an answer to `POST /gossip/`. */
export function readAnswer(value: unknown): readonly Rumour[] | undefined {
  if (!isRecord(value) || !Array.isArray(value['messages'])) return undefined
  const rumours = value['messages'].map(readRumour)
  return rumours.every(rumour => rumour !== undefined) ? rumours : undefined
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function readRumour(value: unknown): Rumour | undefined {
  if (!isRecord(value)) return undefined
  const { uuid, origin, version, ttl, hops = 0, payload } = value
  if (typeof uuid !== 'string' || !UUID.test(uuid) || !isPort(origin)) return undefined
  if (!isWhole(version, 1, GOSSIP_VERSION_MAX) || !isWhole(ttl, 0, GOSSIP_TTL_MAX)) return undefined
  if (!isWhole(hops, 0, GOSSIP_TTL_MAX) || !isRecord(payload)) return undefined
  const book = payload['book']
  if (typeof book !== 'string' || book.length < 1 || book.length > 2 * BOOK_LENGTH_MAX) return undefined
  return { uuid, origin, version, ttl, hops, payload: { book } }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const isPort = (value: unknown): value is Port => isWhole(value, 1, 65_535)

const isWhole = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
