// Limits of channels, specified for other implementations in docs/protocol/wire.md.

/**
 * Flow-control window of one channel, and of the long frames of all channels together: unacknowledged bytes that may be in flight.
 * Bounds what a slow room buffers at the other side, and how much backlog can be ahead of a new line in another room. Four chunks of
 * a file fit, with their frames.
 */
export const CHANNEL_WINDOW_BYTES = 260 * 1024

/** Longest frame that does not wait for other channels: one entry fits. */
export const LIVE_FRAME_BYTES_MAX = 20 * 1024

/** Bytes that a reader reads before it acknowledges them. It acknowledges fewer once it has read everything. */
export const ACK_BYTES = 128 * 1024
export const IDLE_ACK_BYTES = 16 * 1024

/** Rooms that one side may name on a connection. */
export const ROOMS_MAX = 256

/** Rooms that one side may name while the two sides have no room in common. */
export const STRANGER_ROOMS_MAX = 64

/** Frames of this type and above belong to the side channel, which has no flow control. */
export const SIDE_CHANNEL_TYPES_FROM = 8
