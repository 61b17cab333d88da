import { Duplex } from 'node:stream'
import { EMPTY } from '../../base/wire/bytes.js'
import type { RawConnection } from '../peer-source.js'
import { RECORD_OVERHEAD_BYTES, type Records } from './records.js'

/** Largest number of bytes that are sealed at once, and largest number that wait to be read. */
const BUFFER_BYTES = 64 * 1024

/** Why a connection ended although neither side ended it. */
export type SealedFault =
  /** It broke before the other side ended its direction. */
  | 'cut'
  /** Something arrived that is not the next record of the other side. */
  | 'altered'

/**
 * The sealed bytes of a connection to a native peer, over a raw connection that it owns. Everything written in one turn of the event
 * loop becomes one record: sealing each small frame alone would take seven times as long.
 */
export class SealedConnection extends Duplex implements RawConnection {
  readonly #raw: RawConnection
  readonly #records: Records
  /** Written in this turn. */
  #written: Uint8Array[] = []
  #writtenBytes = 0
  #isFlushDue = false
  /** Resumes the writer that waits for the raw connection. */
  #onFlushed: (() => void) | undefined
  #hasEnded = false
  #fault: SealedFault | undefined
  #bytesRead = 0

  constructor(raw: RawConnection, records: Records) {
    super({ allowHalfOpen: true, readableHighWaterMark: BUFFER_BYTES, writableHighWaterMark: BUFFER_BYTES })
    this.#raw = raw
    this.#records = records
    // Errors close the connection; its reader finds the reason in `fault`.
    this.on('error', () => {})
    raw.on('data', (bytes: Uint8Array) => this.#receive(bytes))
    raw.once('end', () => this.#rawEnded())
    raw.once('close', () => this.#rawClosed())
    raw.on('drain', () => this.#continue())
    if (raw.destroyed) queueMicrotask(() => this.#rawClosed())
  }

  /** Bytes received in whole records. Incomplete records are not included: anyone on the path can send those forever. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  get remoteAddress(): string {
    return this.#raw.remoteAddress
  }

  /** Why the connection broke; undefined if it has not. */
  get fault(): SealedFault | undefined {
    return this.#fault
  }

  override _read(): void {
    // Bytes that arrived with the handshake are buffered already.
    this.#receive(EMPTY)
    this.#raw.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#write([chunk], done)
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: () => void): void {
    this.#write(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: () => void): void {
    this.#flush(true)
    this.#raw.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // After a fault no final record is sent: it would tell the other side that the end is intended.
    if (error === null) this.#flush(true)
    this.#written = []
    this.#continue()
    this.#raw.destroy()
    done(error)
  }

  #write(chunks: readonly Uint8Array[], done: () => void): void {
    this.#written.push(...chunks)
    for (const { length } of chunks) this.#writtenBytes += length
    if (!this.#isFlushDue) {
      this.#isFlushDue = true
      queueMicrotask(() => this.#flush(false))
    }
    if (this.#writtenBytes < BUFFER_BYTES && !this.#raw.writableNeedDrain) done()
    else this.#onFlushed = done
  }

  #flush(isFinal: boolean): void {
    this.#isFlushDue = false
    const written = this.#written
    this.#written = []
    this.#writtenBytes = 0
    if (this.#hasEnded || !this.#raw.writable || (written.length === 0 && !isFinal)) return
    this.#hasEnded = isFinal
    const records = this.#records.sealer.sealAll(written, isFinal)
    if (this.#raw.write(records)) this.#continue()
  }

  #continue(): void {
    const onFlushed = this.#onFlushed
    this.#onFlushed = undefined
    onFlushed?.()
  }

  #receive(bytes: Uint8Array): void {
    const { opener } = this.#records
    opener.push(bytes)
    for (let read = opener.next(); read.kind !== 'more' && !this.destroyed; read = opener.next()) {
      if (read.kind === 'bad') {
        this.#fail('altered')
        return
      }
      this.#bytesRead += read.text.length + RECORD_OVERHEAD_BYTES
      if (read.text.length > 0 && !this.push(read.text)) this.#raw.pause()
      if (read.isFinal) this.push(null)
    }
  }

  #rawEnded(): void {
    if (this.#records.opener.isOver || this.#fault !== undefined || this.destroyed) return
    this.#fault = 'cut'
    this.push(null)
    this.#destroyWhenRead(new Error('cut'))
  }

  #rawClosed(): void {
    this.#rawEnded()
    if (this.#fault === undefined && !this.#hasEnded) this.#destroyWhenRead()
    // The raw connection emits no further `drain`: resume the writer.
    this.#continue()
  }

  /** Destroys the connection once its reader has read the bytes that arrived before: they are genuine. */
  #destroyWhenRead(error?: Error): void {
    if (this.readableEnded) this.destroy(error)
    else this.once('end', () => this.destroy(error))
  }

  #fail(fault: SealedFault): void {
    if (this.destroyed) return
    this.#fault = fault
    this.destroy(new Error(fault))
  }
}
