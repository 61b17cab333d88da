/** Requests of one client that wait for an answer, or whose answers wait for its acknowledgement. */
export const UNACKNOWLEDGED_MAX = 64
