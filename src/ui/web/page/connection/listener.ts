/** What is heard of a request before its answer. */
export interface Listener {
  readonly onProgress?: ((text: string, done?: number, of?: number) => void) | undefined
  /** The bytes of a file follow. */
  readonly onTransfer?: (bytes: number, name: string) => void
  readonly onBytes?: (bytes: Uint8Array) => void
  /** The sum of the bytes that may be sent. */
  readonly onGrant?: (upTo: number) => void
  /** Called with the id of the request, when it was sent. */
  readonly onSent?: (id: number) => void
}
