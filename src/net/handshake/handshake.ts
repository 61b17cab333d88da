import type { KeyPair } from '../../base/crypto/signing.js'
import { concat, hexOf, readVarint, sameBytes, textOf, utf8 } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import { HANDSHAKE_BYTES_MAX } from '../limits.js'
import { decodeHello, encodeHello, type Hello, isValidProof, proofOf, type Role } from './hello.js'

/** Sent by ours before anything else of a link: an empty frame, which the original program passes over. */
const OURS = 0x00

/** Who is at the other end, as far as it is known when the link opens. */
export type Remote =
  | {
      readonly kind: 'native'
      readonly address: string
      readonly instance: string
      /** The author's public key, proven, as hex. */
      readonly key: string
      /** Whether it has been running for longer than this process. */
      readonly isOlder: boolean
      /** How far its clock is ahead of the own one, in milliseconds. */
      readonly aheadMs: number
    }
  | { readonly kind: 'scuttleup'; readonly address: string }

export type HandshakeEffect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** The link is open; `rest` are the first bytes of what runs on it. */
  | { readonly kind: 'opened'; readonly remote: Remote; readonly rest: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: string }

export interface HandshakeOptions {
  readonly role: Role
  /** The own address, as peers know it. */
  readonly me: string
  readonly hello: Hello
  /** The key pair whose public half stands in `hello`. */
  readonly keys: KeyPair
}

type State = 'address' | 'second-address' | 'who' | 'hello' | 'proof' | 'done'

/**
 * The opening of a link, without IO: the handshake of fully-connected-topology, then the first-byte rule, then, between
 * ours, a Hello and the proof of its key each way. PROTOCOL.md §2.
 *
 * The tie is decided by the address that the other side says, not by the one that was dialled. A listener says nothing
 * after its address before the dialler has spoken: so an original that knows us by another name is understood too.
 */
export class Handshake {
  readonly #options: HandshakeOptions
  #state: State = 'address'
  #held: Uint8Array = new Uint8Array(0)
  #address = ''
  #theirs: Hello | undefined
  #hasRepeated = false

  constructor(options: HandshakeOptions) {
    this.#options = options
  }

  /** What is sent before anything is heard. */
  start(): HandshakeEffect[] {
    return this.#options.role === 'dialler' ? [this.#ownAddress()] : []
  }

  /** What one of ours has said of itself, proven or not, as soon as it has. */
  get remoteHello(): Hello | undefined {
    return this.#theirs
  }

  receive(bytes: Uint8Array): HandshakeEffect[] {
    this.#held = concat([this.#held, bytes])
    const effects: HandshakeEffect[] = []
    for (;;) {
      const before = this.#state
      const heldBefore = this.#held.length
      effects.push(...this.#step())
      if (this.#state === 'done' || (this.#state === before && this.#held.length === heldBefore)) return effects
    }
  }

  #step(): HandshakeEffect[] {
    switch (this.#state) {
      case 'address':
        return this.#readAddress()
      case 'second-address':
        return this.#readSecondAddress()
      case 'who':
        return this.#readWho()
      case 'hello':
        return this.#readHello()
      case 'proof':
        return this.#readProof()
      case 'done':
        return []
    }
  }

  #readAddress(): HandshakeEffect[] {
    const body = this.#takeFrame(HANDSHAKE_BYTES_MAX)
    if (body === 'more') return []
    const address = body === 'bad' ? undefined : textOf(body)
    if (address === undefined) return this.#fail('it does not speak this protocol')
    this.#address = address
    const { role, me } = this.#options
    if (role === 'dialler') {
      this.#state = 'who'
      const hello: HandshakeEffect = { kind: 'send', bytes: Uint8Array.of(OURS) }
      return me > address ? [this.#ownAddress(), hello] : [hello]
    }
    this.#state = address >= me ? 'second-address' : 'who'
    return [this.#ownAddress()]
  }

  /** The dialler's address comes again, unless it decided the tie otherwise: then this is the next step already. */
  #readSecondAddress(): HandshakeEffect[] {
    const repeated = this.#takeRepeatedAddress()
    if (repeated !== 'more') this.#state = 'who'
    return []
  }

  #readWho(): HandshakeEffect[] {
    const first = this.#held[0]
    if (first === undefined) return []
    if (first === OURS) {
      this.#held = this.#held.subarray(1)
      this.#state = 'hello'
      const hello = frame(encodeHello(this.#options.hello))
      const bytes = this.#options.role === 'dialler' ? hello : concat([Uint8Array.of(OURS), hello])
      return [{ kind: 'send', bytes }]
    }
    if (this.#options.role === 'listener' && !this.#hasRepeated) {
      // An original that decided the tie by another name of ours waits for our address a second time.
      const repeated = this.#takeRepeatedAddress()
      if (repeated === 'more') return []
      this.#hasRepeated = true
      if (repeated === 'taken') return [this.#ownAddress()]
    }
    return this.#open({ kind: 'scuttleup', address: this.#address })
  }

  #readHello(): HandshakeEffect[] {
    const body = this.#takeFrame(HANDSHAKE_BYTES_MAX)
    if (body === 'more') return []
    const hello = body === 'bad' ? undefined : decodeHello(body)
    if (hello === undefined) return this.#fail('its hello cannot be understood')
    this.#theirs = hello
    if (!sameBytes(hello.room, this.#options.hello.room)) return this.#fail('it is in another room')
    this.#state = 'proof'
    const { keys, role } = this.#options
    return [{ kind: 'send', bytes: frame(proofOf(keys, role, this.#options.hello, hello)) }]
  }

  #readProof(): HandshakeEffect[] {
    const body = this.#takeFrame(HANDSHAKE_BYTES_MAX)
    const theirs = this.#theirs
    if (body === 'more' || theirs === undefined) return []
    const role = this.#options.role === 'dialler' ? 'listener' : 'dialler'
    if (body === 'bad' || !isValidProof(body, role, theirs, this.#options.hello))
      return this.#fail('it does not hold the key that it says')
    const { instance, key, ageMs, nowMs } = theirs
    const own = this.#options.hello
    // Of two that started at once the higher id passes for the elder: else both would write under one key.
    const isOlder = ageMs === own.ageMs ? Buffer.compare(instance, own.instance) > 0 : ageMs > own.ageMs
    const aheadMs = nowMs - own.nowMs
    return this.#open({
      kind: 'native',
      address: this.#address,
      instance: hexOf(instance),
      key: hexOf(key),
      isOlder,
      aheadMs,
    })
  }

  /** The next frame, which must not be empty: so no more is held than one may be long. */
  #takeFrame(bodyBytesMax: number): Uint8Array | 'more' | 'bad' {
    const length = readVarint(this.#held, 0, bodyBytesMax)
    if (length.kind !== 'value') return length.kind
    if (length.value === 0) return 'bad'
    const end = length.next + length.value
    if (this.#held.length < end) return 'more'
    const body = this.#held.subarray(length.next, end)
    this.#held = this.#held.subarray(end)
    return body
  }

  #takeRepeatedAddress(): 'taken' | 'other' | 'more' {
    const expected = frame(utf8(this.#address))
    const common = Math.min(expected.length, this.#held.length)
    if (!sameBytes(this.#held.subarray(0, common), expected.subarray(0, common))) return 'other'
    if (this.#held.length < expected.length) return 'more'
    this.#held = this.#held.subarray(expected.length)
    return 'taken'
  }

  #ownAddress(): HandshakeEffect {
    return { kind: 'send', bytes: frame(utf8(this.#options.me)) }
  }

  #open(remote: Remote): HandshakeEffect[] {
    this.#state = 'done'
    const rest = this.#held
    this.#held = new Uint8Array(0)
    return [{ kind: 'opened', remote, rest }]
  }

  #fail(reason: string): HandshakeEffect[] {
    this.#state = 'done'
    return [{ kind: 'failed', reason }]
  }
}
