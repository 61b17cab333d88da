/** Callbacks for events of a request before its answer. */
export interface Listener {
  readonly onProgress?: ((text: string, done?: number, of?: number) => void) | undefined
  /** The bytes of a file follow. */
  readonly onTransfer?: (bytes: number, name: string) => void
  readonly onBytes?: (bytes: Uint8Array) => void
  /** The total number of bytes that may be sent. */
  readonly onGrant?: (upTo: number) => void
  /** The request was sent with this id. */
  readonly onSent?: (id: number) => void
}
