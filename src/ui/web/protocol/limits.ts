/** Version of this protocol. The page and the server come from one package, so other versions are refused. */
export const WEB_PROTOCOL_VERSION = 1

/** Largest message from the page, text or binary. */
export const PAGE_MESSAGE_BYTES_MAX = 512 * 1024
/** Bytes of a file in one binary message. */
export const CHUNK_BYTES_MAX = 256 * 1024
/** Flow-control window: bytes of one transfer that the receiver buffers. */
export const TRANSFER_WINDOW_BYTES = 1024 * 1024

/** Rows in one answer to `page`. */
export const PAGE_ROWS_MAX = 200
/** Unanswered requests of one page; the server closes the connection of a page with more. */
export const REQUESTS_MAX = 64
/** Longest typed text, in UTF-16 code units. Longer lines than one entry holds are sent in pieces, as in the terminal. */
export const TYPED_LENGTH_MAX = 128 * 1024

/** Largest side of a picture, in pixels. */
export const PICTURE_SIDE_MAX = 2048

/** Time between the opening of a connection and its token. */
export const TOKEN_MS_MAX = 5_000

/** Close codes of the WebSocket, from the range for applications. */
export const CLOSE = {
  /** The first message was not a hello with the right token, or came too late. The page asks the user for the address with the token. */
  refused: 4401,
  /** A message was malformed or too long, or there were too many requests. */
  malformed: 4400,
  /** Too many pages are open. */
  tooMany: 4429,
  /** The page and the server have different versions. The page reloads. */
  otherVersion: 4426,
  /** `persisted-chat web` was ended. */
  ended: 4410,
} as const
