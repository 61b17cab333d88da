/** Length of a client's id, which is random, so that no two clients share one. */
export const CLIENT_BYTES = 16

/** Identifies one request of one client, so that repeating it is idempotent. */
export interface RequestId {
  readonly client: Uint8Array
  /** Counts the client's requests, from 1. */
  readonly number: number
}
