import { Duplex } from 'node:stream'
import type { RawConnection } from '../../net/peer-source.js'
import type { Content, Receiver, Wire } from './wire.js'

/** A machine on the virtual network. */
export class VirtualHost {
  readonly address: string
  readonly listeners = new Map<number, (connection: RawConnection) => void>()
  readonly connections = new Set<VirtualConnection>()
  isUp = true
  isAsleep = false

  constructor(address: string) {
    this.address = address
  }

  /** Ends the host's process. After a power cut, other hosts are not notified. */
  stop(isPowerCut: boolean): void {
    this.listeners.clear()
    for (const connection of [...this.connections]) connection.abandon(!isPowerCut)
    if (isPowerCut) this.isUp = false
  }
}

/** One end of a virtual connection. */
export class VirtualConnection extends Duplex implements RawConnection, Receiver {
  bytesRead = 0
  readonly host: VirtualHost
  readonly remoteAddress: string
  out: Wire | undefined
  in: Wire | undefined
  /** Whether this end is closed. */
  isGone = false
  readonly #isOpen: () => boolean
  #isReading = true

  /** `isOpen` returns whether packets pass between the two hosts. */
  constructor(host: VirtualHost, remoteAddress: string, isOpen: () => boolean) {
    super({ allowHalfOpen: true })
    this.#isOpen = isOpen
    this.host = host
    this.remoteAddress = remoteAddress
    // An error closes the connection, and has no other effect.
    this.on('error', () => {})
  }

  get isReachable(): boolean {
    return this.#isOpen()
  }

  /** Whether this end accepts a packet. A closed end accepts and drops everything. */
  get isReady(): boolean {
    return this.isGone || this.#isReading || !this.host.isUp
  }

  receive(content: Content): void {
    if (!this.host.isUp) return
    if (this.isGone) {
      // Data to a closed end is answered with a reset, as in TCP.
      if (content.kind === 'data') this.out?.put({ kind: 'reset' })
      return
    }
    switch (content.kind) {
      case 'data':
        this.bytesRead += content.bytes.length
        this.#isReading = this.push(content.bytes)
        return
      case 'end':
        this.push(null)
        return
      case 'reset':
        this.isGone = true
        this.host.connections.delete(this)
        this.destroy(new Error('the peer closed the connection'))
    }
  }

  /** Closes this end as the operating system does when a process ends. After a power cut, `sendsClose` is false. */
  abandon(sendsClose: boolean): void {
    if (this.isGone) return
    this.isGone = true
    if (sendsClose) this.out?.put({ kind: this.readableLength > 0 ? 'reset' : 'end' })
    this.host.connections.delete(this)
  }

  override _read(): void {
    this.#isReading = true
    this.in?.flush()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    if (this.isGone) return
    this.out?.send(chunk, done)
  }

  override _final(done: () => void): void {
    if (!this.isGone) this.out?.put({ kind: 'end' })
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.abandon(!this.writableFinished || this.readableLength > 0)
    this.in?.flush()
    done(error)
  }
}
