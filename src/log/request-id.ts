/** Bytes of a client's id: chosen at random, so that no two clients share one. */
export const CLIENT_BYTES = 16

/** Names one request of one client. A request that is asked again has no second effect. */
export interface RequestId {
  readonly client: Uint8Array
  /** Counts the client's requests, from 1. */
  readonly number: number
}
