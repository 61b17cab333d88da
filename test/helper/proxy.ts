import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Address } from '../../src/net/lan/address.js'
import type { Cleanup } from './child.js'

export type Direction = 'to-target' | 'to-dialler'

/** One connection through a proxy. */
export interface Passage {
  /** Ends both directions as the network would: nobody says goodbye. */
  cut(): void
}

export interface Proxy {
  readonly address: Address
  /** Everything that passed, in both directions. */
  readonly captured: () => Buffer
  readonly passages: readonly Passage[]
}

/** What becomes of bytes on their way. */
export type Tamper = (bytes: Buffer, direction: Direction, passage: Passage) => readonly Uint8Array[]

/** Someone between two peers: passes and records their bytes, or changes them. */
export async function openProxy(cleanup: Cleanup, target: Address, tamper: Tamper = bytes => [bytes]): Promise<Proxy> {
  const captured: Buffer[] = []
  const passages: Passage[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, near => {
    const far = connect({ ...target, noDelay: true, allowHalfOpen: true })
    const passage: Passage = {
      cut: () => {
        near.end()
        far.end()
      },
    }
    passages.push(passage)
    for (const [from, to, direction] of [
      [near, far, 'to-target'],
      [far, near, 'to-dialler'],
    ] as const) {
      sockets.add(from)
      from.on('error', () => from.destroy())
      from.on('data', bytes => {
        captured.push(bytes)
        for (const passed of tamper(bytes, direction, passage)) to.write(passed)
      })
      from.on('end', () => to.end())
      from.on('close', () => to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.after(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { address: { host: '127.0.0.1', port }, captured: () => Buffer.concat(captured), passages }
}

/** Splits a direction of a sealed connection into its handshake and its records. */
export class RecordSplitter {
  #buffered = Buffer.alloc(0)
  #plainBytes: number

  /** `plainBytes`: length of what this direction sends before its first record. */
  constructor(plainBytes: number) {
    this.#plainBytes = plainBytes
  }

  split(bytes: Uint8Array): { readonly plain: Uint8Array; readonly records: readonly Uint8Array[] } {
    const plain = bytes.subarray(0, this.#plainBytes)
    this.#plainBytes -= plain.length
    this.#buffered = Buffer.concat([this.#buffered, bytes.subarray(plain.length)])
    const records: Uint8Array[] = []
    while (this.#buffered.length >= 2 && this.#buffered.length >= 2 + this.#buffered.readUInt16BE()) {
      const end = 2 + this.#buffered.readUInt16BE()
      records.push(Uint8Array.from(this.#buffered.subarray(0, end)))
      this.#buffered = this.#buffered.subarray(end)
    }
    return { plain, records }
  }
}
