import { connect, type Socket } from 'node:net'
import type { Cleanup } from '../../helper/child.js'
import { PATIENCE_MS } from '../../helper/patience.js'

// What a scuttleup peer writes, byte by byte and without code of src: the oracle must not share its mistakes.

/** A message with a length prefix, as in the topology handshake and in scuttleup. */
export const framed = (body: string | Uint8Array): Buffer => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return Buffer.concat([varint(bytes.length), bytes])
}

/** scuttleup's Digest. */
export const digest = (peer: string, seq: number): Buffer => Buffer.concat([bytesField(1, peer), numberField(2, seq)])

/** scuttleup's Handshake in a frame. */
export const handshake = (id: string, head: readonly Buffer[] = []): Buffer =>
  framed(Buffer.concat([bytesField(1, id), ...head.map(each => bytesField(2, each)), numberField(3, 1)]))

/** scuttleup's Change in a frame; its entry may be malformed. */
export const change = (peer: string, seq: number, entry: string | Uint8Array): Buffer =>
  framed(Buffer.concat([bytesField(1, peer), numberField(2, seq), bytesField(3, entry)]))

/** The entry of a message. */
export const messageEntry = (username: string, message: string): string => JSON.stringify({ username, message })

/**
 * An HTTP request as a browser writes it. The first byte, G, is read as a length of 71, the one after these as the length
 * of a frame: only a request that contains that whole frame kills a scuttleup peer; after a shorter one (as curl's) it waits.
 */
export const REQUEST = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Connection: keep-alive',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  '\r\n',
].join('\r\n')

/** A socket that sends what a test gives it and keeps what it receives. Closed when the test ends. */
export class Stranger {
  readonly closed: Promise<void>
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)

  /** Dials `address` (`host:port`); what is sent before it answers is queued. */
  constructor(cleanup: Cleanup, address: string) {
    const [host, port] = address.split(':')
    this.#socket = connect({ host: host ?? '', port: Number(port), noDelay: true })
    this.#socket.on('data', data => {
      this.#received = Buffer.concat([this.#received, data])
    })
    this.#socket.on('error', () => {}) // 'close' follows
    this.closed = new Promise(resolve => this.#socket.on('close', () => resolve()))
    cleanup.after(async () => {
      this.#socket.destroy()
    })
  }

  get received(): Uint8Array {
    return this.#received
  }

  send(...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) this.#socket.write(part)
  }

  /** Ends its half of the connection. */
  end(): void {
    this.#socket.end()
  }

  /** Resolves when everything was handed to the system. */
  get sent(): Promise<void> {
    return new Promise(resolve => this.#socket.write('', () => resolve()))
  }

  /**
   * Resolves with the received bytes that match: bytes, or a pattern over them as Latin-1.
   * Rejects with everything received if the connection closes or 5 s pass without a match.
   */
  waitFor(what: Uint8Array | RegExp): Promise<string> {
    const pattern = what instanceof RegExp ? what : new RegExp(escaped(Buffer.from(what).toString('latin1')))
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        this.#socket.off('data', look)
        this.#socket.off('close', onClose)
        act()
      }
      const fail = (why: string) =>
        settle(() => reject(new Error(`${why} without ${pattern}\nreceived: ${JSON.stringify(this.#latin1())}`)))
      const look = () => {
        const match = this.#latin1().match(pattern)
        if (match) settle(() => resolve(match[0]))
      }
      const onClose = () => fail('the connection closed')
      const timer = setTimeout(() => fail(`${PATIENCE_MS} ms passed`), PATIENCE_MS)
      this.#socket.on('data', look)
      this.#socket.on('close', onClose)
      look()
    })
  }

  #latin1(): string {
    return this.#received.toString('latin1')
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function bytesField(number: number, value: string | Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), framed(value)])
}

function numberField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 0x80)) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest % 0x80) | 0x80)
  }
}
