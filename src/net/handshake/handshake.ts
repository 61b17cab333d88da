import { concat, EMPTY, readVarint, sameBytes, textOf, utf8 } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import type { DialFailureReason } from '../dial-failure.js'
import { HANDSHAKE_BYTES_MAX } from '../limits.js'
import type { HandshakeEffect } from './effects.js'
import { KeyExchange, type KeyExchangeOptions } from './key-exchange.js'

/** First byte that a native peer sends after the addresses: an empty frame, which scuttleup peers skip. */
const NATIVE = 0x00

export interface HandshakeOptions extends KeyExchangeOptions {
  /** Our address, as announced to peers. */
  readonly me: string
  /** Why a scuttleup peer that sent this address may not connect without encryption. Default: it may connect. */
  readonly refusesPlain?: (address: string) => DialFailureReason | undefined
}

type State = 'address' | 'repeated-address' | 'protocol' | 'keys' | 'done'

/**
 * The handshake of a connection, without IO: the addresses of fully-connected-topology, then protocol detection by the first byte, then,
 * between native peers, a key exchange. docs/protocol/wire.md §2.
 *
 * The dialler sends its address again if it is higher than the address that the listener sends, which may differ from the dialled address.
 * A scuttleup peer compares its address with the dialled address, so it may decide differently if it dialled another address of ours. The
 * listener therefore sends nothing after its address until the dialler has sent more.
 */
export class Handshake {
  readonly #options: HandshakeOptions
  #state: State = 'address'
  #buffered: Uint8Array = EMPTY
  #address = ''
  #keyExchange: KeyExchange | undefined
  #hasRepeated = false

  constructor(options: HandshakeOptions) {
    this.#options = options
  }

  /** Sends the first bytes, before anything is received. */
  start(): HandshakeEffect[] {
    return this.#options.role === 'dialler' ? [this.#sendAddress()] : []
  }

  receive(bytes: Uint8Array): HandshakeEffect[] {
    this.#buffered = concat([this.#buffered, bytes])
    const effects: HandshakeEffect[] = []
    for (;;) {
      const stateBefore = this.#state
      const bufferedBefore = this.#buffered.length
      effects.push(...this.#step())
      if (this.#state === 'done' || (this.#state === stateBefore && this.#buffered.length === bufferedBefore))
        return effects
    }
  }

  #step(): HandshakeEffect[] {
    switch (this.#state) {
      case 'address':
        return this.#readAddress()
      case 'repeated-address':
        return this.#readRepeatedAddress()
      case 'protocol':
        return this.#detectProtocol()
      case 'keys':
        return this.#exchangeKeys()
      case 'done':
        return []
    }
  }

  #readAddress(): HandshakeEffect[] {
    const body = this.#takeFrame()
    if (body === 'more') return []
    const address = body === 'bad' ? undefined : textOf(body)
    if (address === undefined) return this.#fail('other-protocol')
    this.#address = address
    const { role, me } = this.#options
    if (role === 'dialler') {
      this.#state = 'protocol'
      const native: HandshakeEffect = { kind: 'send', bytes: Uint8Array.of(NATIVE) }
      return me > address ? [this.#sendAddress(), native] : [native]
    }
    this.#state = address >= me ? 'repeated-address' : 'protocol'
    return [this.#sendAddress()]
  }

  /** A dialler that compared its address with another one of ours does not repeat it, but continues with protocol detection. */
  #readRepeatedAddress(): HandshakeEffect[] {
    if (this.#takeRepeatedAddress() !== 'more') this.#state = 'protocol'
    return []
  }

  #detectProtocol(): HandshakeEffect[] {
    const first = this.#buffered[0]
    if (first === undefined) return []
    if (first === NATIVE) {
      this.#buffered = this.#buffered.subarray(1)
      this.#state = 'keys'
      this.#keyExchange = new KeyExchange(this.#options.me, this.#address, this.#options)
      // A dialler writes its key only now: a scuttleup peer crashes on anything but an empty frame.
      return this.#options.role === 'dialler'
        ? this.#keyExchange.start()
        : [{ kind: 'send', bytes: Uint8Array.of(NATIVE) }]
    }
    if (this.#options.role === 'listener' && !this.#hasRepeated) {
      // A scuttleup peer that dialled another address of ours waits for our address a second time.
      const repeated = this.#takeRepeatedAddress()
      if (repeated === 'more') return []
      this.#hasRepeated = true
      if (repeated === 'taken') return [this.#sendAddress()]
    }
    const refusal = this.#options.refusesPlain?.(this.#address)
    if (refusal !== undefined) return this.#fail(refusal)
    this.#state = 'done'
    const rest = this.#buffered
    this.#buffered = EMPTY
    return [{ kind: 'opened', remote: { kind: 'scuttleup', address: this.#address }, rest }]
  }

  #exchangeKeys(): HandshakeEffect[] {
    const bytes = this.#buffered
    this.#buffered = EMPTY
    return this.#keyExchange?.receive(bytes) ?? []
  }

  /** Takes the next frame, which must not be empty. At most one frame of HANDSHAKE_BYTES_MAX is buffered. */
  #takeFrame(): Uint8Array | 'more' | 'bad' {
    const length = readVarint(this.#buffered, 0, HANDSHAKE_BYTES_MAX)
    if (length.kind !== 'value') return length.kind
    if (length.value === 0) return 'bad'
    const end = length.next + length.value
    if (this.#buffered.length < end) return 'more'
    const body = this.#buffered.subarray(length.next, end)
    this.#buffered = this.#buffered.subarray(end)
    return body
  }

  #takeRepeatedAddress(): 'taken' | 'other' | 'more' {
    const expected = frame(utf8(this.#address))
    const common = Math.min(expected.length, this.#buffered.length)
    if (!sameBytes(this.#buffered.subarray(0, common), expected.subarray(0, common))) return 'other'
    if (this.#buffered.length < expected.length) return 'more'
    this.#buffered = this.#buffered.subarray(expected.length)
    return 'taken'
  }

  #sendAddress(): HandshakeEffect {
    return { kind: 'send', bytes: frame(utf8(this.#options.me)) }
  }

  #fail(reason: DialFailureReason): HandshakeEffect[] {
    this.#state = 'done'
    return [{ kind: 'failed', reason }]
  }
}
