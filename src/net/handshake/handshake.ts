import type { KeyPair } from '../../base/crypto/signing.js'
import { concat, EMPTY, hexOf, readVarint, sameBytes, textOf, utf8 } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import type { DialFailureReason } from '../dial-failure.js'
import { HANDSHAKE_BYTES_MAX } from '../limits.js'
import { decodeHello, encodeHello, type Hello, isValidProof, proofOf, type Role } from './hello.js'

/** First byte that a native peer sends after the addresses: an empty frame, which scuttleup peers skip. */
const NATIVE = 0x00

/** What the handshake shows of the other end. */
export type Remote =
  | {
      readonly kind: 'native'
      readonly address: string
      readonly instance: string
      /** The author's public key, proven, as hex. */
      readonly key: string
      /** Whether it has been running for longer than this process. */
      readonly isOlder: boolean
      /** How far its clock is ahead of ours, in milliseconds. */
      readonly aheadMs: number
    }
  | { readonly kind: 'scuttleup'; readonly address: string }

export type HandshakeEffect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** The handshake is complete; `rest` are the first bytes behind it. */
  | { readonly kind: 'opened'; readonly remote: Remote; readonly rest: Uint8Array }
  /** Only with `isProbe`: a native peer sent this Hello, and the handshake ends before our proof. */
  | { readonly kind: 'identified'; readonly hello: Hello }
  | { readonly kind: 'failed'; readonly reason: DialFailureReason }

export interface HandshakeOptions {
  readonly role: Role
  /** Our address, as announced to peers. */
  readonly me: string
  readonly hello: Hello
  /** The key pair of the key in `hello`. */
  readonly keys: KeyPair
  /** Whether scuttleup peers may connect. They know no rooms, so they may in one room only. Default: true. */
  readonly acceptsScuttleup?: boolean
  /** Ends when the other side has identified itself: no connection opens at either side. */
  readonly isProbe?: boolean
}

type State = 'address' | 'repeated-address' | 'protocol' | 'hello' | 'proof' | 'done'

/**
 * The handshake of a connection, without IO: the addresses of fully-connected-topology, then protocol detection by the first
 * byte, then, between native peers, a Hello and a proof of its key in each direction. docs/protocol/wire.md §2.
 *
 * The address that the other side sends decides who repeats its address, not the address that was dialled. A listener sends
 * nothing after its address before the dialler did, so scuttleup peers that dialled another name of ours are understood too.
 */
export class Handshake {
  readonly #options: HandshakeOptions
  #state: State = 'address'
  #buffered: Uint8Array = EMPTY
  #address = ''
  #remoteHello: Hello | undefined
  #hasRepeated = false

  constructor(options: HandshakeOptions) {
    this.#options = options
  }

  /** Sends what comes before any answer. */
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
      case 'hello':
        return this.#readHello()
      case 'proof':
        return this.#readProof()
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

  /** The dialler repeats its address, unless it compared other addresses than we did: then the next step follows already. */
  #readRepeatedAddress(): HandshakeEffect[] {
    if (this.#takeRepeatedAddress() !== 'more') this.#state = 'protocol'
    return []
  }

  #detectProtocol(): HandshakeEffect[] {
    const first = this.#buffered[0]
    if (first === undefined) return []
    if (first === NATIVE) {
      this.#buffered = this.#buffered.subarray(1)
      this.#state = 'hello'
      const hello = frame(encodeHello(this.#options.hello))
      const bytes = this.#options.role === 'dialler' ? hello : concat([Uint8Array.of(NATIVE), hello])
      return [{ kind: 'send', bytes }]
    }
    if (this.#options.role === 'listener' && !this.#hasRepeated) {
      // A scuttleup peer that compared another address of ours waits for our address a second time.
      const repeated = this.#takeRepeatedAddress()
      if (repeated === 'more') return []
      this.#hasRepeated = true
      if (repeated === 'taken') return [this.#sendAddress()]
    }
    if (this.#options.acceptsScuttleup === false) return this.#fail('lobby-only')
    return this.#open({ kind: 'scuttleup', address: this.#address })
  }

  #readHello(): HandshakeEffect[] {
    const body = this.#takeFrame()
    if (body === 'more') return []
    const hello = body === 'bad' ? undefined : decodeHello(body)
    if (hello === undefined) return this.#fail('malformed-hello')
    const { keys, role, hello: ours, isProbe } = this.#options
    if (isProbe) {
      this.#state = 'done'
      return [{ kind: 'identified', hello }]
    }
    if (!sameBytes(hello.room, ours.room)) return this.#fail('other-room')
    this.#remoteHello = hello
    this.#state = 'proof'
    return [{ kind: 'send', bytes: frame(proofOf(keys, role, ours, hello)) }]
  }

  #readProof(): HandshakeEffect[] {
    const body = this.#takeFrame()
    const theirs = this.#remoteHello
    if (body === 'more' || theirs === undefined) return []
    const role = this.#options.role === 'dialler' ? 'listener' : 'dialler'
    const ours = this.#options.hello
    if (body === 'bad' || !isValidProof(body, role, theirs, ours)) return this.#fail('unproven-key')
    const { instance, key, ageMs, nowMs } = theirs
    // Of two processes that started together, the higher instance id counts as older: otherwise both would write with one key.
    const isOlder = ageMs === ours.ageMs ? Buffer.compare(instance, ours.instance) > 0 : ageMs > ours.ageMs
    return this.#open({
      kind: 'native',
      address: this.#address,
      instance: hexOf(instance),
      key: hexOf(key),
      isOlder,
      aheadMs: nowMs - ours.nowMs,
    })
  }

  /** The next frame. It must not be empty, so that at most one frame of HANDSHAKE_BYTES_MAX is buffered. */
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

  #open(remote: Remote): HandshakeEffect[] {
    this.#state = 'done'
    const rest = this.#buffered
    this.#buffered = EMPTY
    return [{ kind: 'opened', remote, rest }]
  }

  #fail(reason: DialFailureReason): HandshakeEffect[] {
    this.#state = 'done'
    return [{ kind: 'failed', reason }]
  }
}
