import type { Violation } from './violation.js'

/** Traffic on a connection besides logs: receives the frames that replication does not handle. */
export interface SideChannel {
  /** A frame arrived, without its length. Returns a reason to close the connection, if any. */
  receive(body: Uint8Array): Violation | undefined
  close(): void
}

/** `send` writes whole frames and returns whether it did: it drops them while too much is waiting to be sent. */
export type OpenSideChannel = (send: (frames: Uint8Array) => boolean) => SideChannel
