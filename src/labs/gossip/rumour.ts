/** Where a node listens; as all nodes are on one machine, who it is. In the simulator any number. */
export type Port = number

/** What nodes tell each other: the favourite book of one of them. Members as in the JSON of `POST /gossip/`. */
export interface Rumour {
  readonly uuid: string
  /** Whose book it is. */
  readonly origin: Port
  /** 1, 2, 3, … for each origin. */
  readonly version: number
  /** How many times it may still be sent, this time included. */
  readonly ttl: number
  /** How many times it was sent already, this time included. */
  readonly hops: number
  readonly payload: { readonly book: string }
}

/** A UUID, version 4, made of 16 random bytes. */
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

/** How far somebody knows an origin. */
export type Known = readonly [origin: Port, version: number]

/** Whether `a` replaces `b` of the same origin: by the version; where two runs of an origin used the same, by the UUID. */
export const isNewer = (a: Rumour, b: Rumour): boolean =>
  a.version > b.version || (a.version === b.version && a.uuid > b.uuid)
