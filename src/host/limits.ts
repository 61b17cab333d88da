/** Requests of one client that may be unanswered or unacknowledged. */
export const UNACKNOWLEDGED_MAX = 64
