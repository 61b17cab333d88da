// Limits of channels. docs/protocol/wire.md gives them to other programs.

/**
 * Bytes of one channel, and of the long frames of all, that may be sent beyond what the other side has said it read: what a slow
 * room can make the other hold, and what a line in another room may have before it.
 */
export const CHANNEL_WINDOW_BYTES = 256 * 1024

/** Longest frame that does not wait for other channels: one entry fits. */
export const LIVE_FRAME_BYTES_MAX = 20 * 1024

/** Bytes read after which they are acknowledged; also when everything is read. */
export const ACK_BYTES = 128 * 1024
export const IDLE_ACK_BYTES = 16 * 1024

/** Rooms that one side names on a connection. */
export const ROOMS_MAX = 256

/** Of these, rooms that a side may name before there is a room in common. */
export const STRANGER_ROOMS_MAX = 64

/** Frames of this type and above belong to the side channel, which is not under the window. */
export const SIDE_CHANNEL_TYPES_FROM = 8
