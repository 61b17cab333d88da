/** The port of a node, which identifies it because all nodes share a machine. Any number in the simulator. */
export type Port = number

/** The favourite book of a node, as in the JSON of `POST /gossip/`. */
export interface Rumour {
  readonly uuid: string
  /** The node whose book it is. */
  readonly origin: Port
  /** 1, 2, 3, … for each origin. */
  readonly version: number
  /** Hops that it may still take, this one included. */
  readonly ttl: number
  /** Hops that it has taken, this one included. */
  readonly hops: number
  readonly payload: { readonly book: string }
}

/** A version 4 UUID from 16 random bytes. */
export function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  const variant = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    variant.toString(16) + hex.slice(18, 20),
    hex.slice(20),
  ].join('-')
}

/** The version of an origin that a node knows. */
export type Known = readonly [origin: Port, version: number]

/** Whether `a` replaces `b` of the same origin: by version, then by UUID if two runs used the same version. */
export const isNewer = (a: Rumour, b: Rumour): boolean =>
  a.version > b.version || (a.version === b.version && a.uuid > b.uuid)
