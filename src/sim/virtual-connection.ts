import { Duplex } from 'node:stream'
import type { RawConnection } from '../net/peer-source.js'
import type { Content, Terminal, Wire } from './wire.js'

/** A machine on the network. */
export class VirtualHost {
  readonly address: string
  readonly listeners = new Map<number, (connection: RawConnection) => void>()
  readonly connections = new Set<VirtualConnection>()
  isUp = true
  isAsleep = false

  constructor(address: string) {
    this.address = address
  }

  /** Its process ends. With the power everything goes, and nobody is told. */
  stop(isPowerCut: boolean): void {
    this.listeners.clear()
    for (const connection of [...this.connections]) connection.abandon(!isPowerCut)
    if (isPowerCut) this.isUp = false
  }
}

/** One end of a virtual connection. */
export class VirtualConnection extends Duplex implements RawConnection, Terminal {
  bytesRead = 0
  readonly host: VirtualHost
  readonly remoteAddress: string
  out: Wire | undefined
  in: Wire | undefined
  /** Whether there is nobody here any more. */
  isGone = false
  readonly #isOpen: () => boolean
  #wants = true

  /** `isOpen` says whether the way between the two machines is free. */
  constructor(host: VirtualHost, remoteAddress: string, isOpen: () => boolean) {
    super({ allowHalfOpen: true })
    this.#isOpen = isOpen
    this.host = host
    this.remoteAddress = remoteAddress
    // What matters of an error is that the connection closes.
    this.on('error', () => {})
  }

  get isReachable(): boolean {
    return this.#isOpen()
  }

  /** Whether a packet can be taken in. Who is gone takes everything. */
  get isReady(): boolean {
    return this.isGone || this.#wants || !this.host.isUp
  }

  receive(content: Content): void {
    if (!this.host.isUp) return
    if (this.isGone) {
      // Nobody is here: whoever still says something is told so, but a farewell needs no answer.
      if (content.kind === 'data') this.out?.put({ kind: 'reset' })
      return
    }
    switch (content.kind) {
      case 'data':
        this.bytesRead += content.bytes.length
        this.#wants = this.push(content.bytes)
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

  /** The process ends: its system says goodbye for it, unless the power is gone too. */
  abandon(isSayingGoodbye: boolean): void {
    if (this.isGone) return
    this.isGone = true
    if (isSayingGoodbye) this.out?.put({ kind: this.readableLength > 0 ? 'reset' : 'end' })
    this.host.connections.delete(this)
  }

  override _read(): void {
    this.#wants = true
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
