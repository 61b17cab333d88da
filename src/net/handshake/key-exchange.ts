import { EPHEMERAL_BYTES, NoiseHandshake, type NoiseKeys } from '../../base/crypto/noise.js'
import { STREAM_HEADER_BYTES } from '../../base/crypto/secret-stream.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import type { Random } from '../../base/random.js'
import { concat, EMPTY, hexOf, readVarint, utf8 } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import type { DialFailureReason } from '../dial-failure.js'
import { AUTH_BYTES_MAX, HANDSHAKE_BYTES_MAX } from '../limits.js'
import { RecordOpener, RecordSealer, type Records } from '../sealed/records.js'
import type { HandshakeEffect, NativeRemote } from './effects.js'
import { decodeAuth, encodeAuth, type Hello, otherRole, prologueOf, type Role } from './hello.js'

/** First byte of the first message of this version. */
const VERSION_2 = 0x02
/** First byte of a Hello of version 1. */
const VERSION_1_HELLO = 0x08
const FIRST_MESSAGE_BYTES = 1 + EPHEMERAL_BYTES
/** An ephemeral key and the tag of an empty payload. */
const SECOND_MESSAGE_BYTES = EPHEMERAL_BYTES + 16

export interface KeyExchangeOptions {
  readonly role: Role
  readonly hello: Hello
  /** The key pair of the key in `hello`. */
  readonly keys: KeyPair
  readonly random: Pick<Random, 'bytes'>
}

type State =
  | { readonly kind: 'exchanging'; readonly buffered: Uint8Array }
  | { readonly kind: 'proving'; readonly hash: Uint8Array; readonly records: Records }
  | { readonly kind: 'done' }

/**
 * The handshake between two native peers, without IO: Noise NN, then each side proves its key inside the sealed connection, the
 * listener first. So a dialler reveals its key only to a peer that has proven its own. docs/protocol/wire.md §2.3.
 *
 *     dialler                          listener
 *     0x02 ‖ e                  ──▶
 *                               ◀──    e ‖ tag
 *                               ◀──    sealed: Hello ‖ signature
 *     sealed: Hello ‖ signature ──▶
 */
export class KeyExchange {
  readonly #options: KeyExchangeOptions
  readonly #address: string
  readonly #noise: NoiseHandshake
  #state: State = { kind: 'exchanging', buffered: EMPTY }

  /** `me` is the address that this side sent; `address` is the one that the other side sent. */
  constructor(me: string, address: string, options: KeyExchangeOptions) {
    const isDialler = options.role === 'dialler'
    const [dialler, listener] = isDialler ? [me, address] : [address, me]
    const prologue = prologueOf(frame(utf8(dialler)), frame(utf8(listener)))
    this.#options = options
    this.#address = address
    this.#noise = new NoiseHandshake(isDialler, prologue, options.random.bytes(EPHEMERAL_BYTES))
  }

  start(): HandshakeEffect[] {
    if (this.#options.role === 'listener') return []
    const message = this.#noise.write()
    return message === undefined ? [] : [sending(frame(concat([Uint8Array.of(VERSION_2), message])))]
  }

  receive(bytes: Uint8Array): HandshakeEffect[] {
    switch (this.#state.kind) {
      case 'exchanging':
        return this.#exchange(concat([this.#state.buffered, bytes]))
      case 'proving':
        this.#state.records.opener.push(bytes)
        return this.#readProof(this.#state.hash, this.#state.records)
      case 'done':
        return []
    }
  }

  #exchange(buffered: Uint8Array): HandshakeEffect[] {
    this.#state = { kind: 'exchanging', buffered }
    const bytes = this.#options.role === 'listener' ? FIRST_MESSAGE_BYTES : SECOND_MESSAGE_BYTES
    const length = readVarint(buffered, 0, HANDSHAKE_BYTES_MAX)
    if (length.kind === 'more') return []
    if (length.kind === 'bad') return this.#fail('malformed-handshake')
    const first = buffered[length.next]
    if (first === undefined) return length.value === 0 ? this.#fail('malformed-handshake') : []
    if (length.value !== bytes) return this.#fail(first === VERSION_1_HELLO ? 'older-version' : 'malformed-handshake')
    const end = length.next + bytes
    if (buffered.length < end) return []
    const message = buffered.subarray(length.next, end)
    const rest = buffered.subarray(end)
    return this.#options.role === 'listener' ? this.#readFirst(message, rest) : this.#readSecond(message, rest)
  }

  #readFirst(message: Uint8Array, rest: Uint8Array): HandshakeEffect[] {
    if (message[0] !== VERSION_2 || this.#noise.read(message.subarray(1)) === undefined)
      return this.#fail('malformed-handshake')
    const answer = this.#noise.write()
    const { keys } = this.#noise
    if (answer === undefined || keys === undefined) return this.#fail('malformed-handshake')
    const records = this.#agreed(keys)
    return [sending(concat([frame(answer), this.#proof(keys.hash, records)])), ...this.receive(rest)]
  }

  #readSecond(message: Uint8Array, rest: Uint8Array): HandshakeEffect[] {
    const payload = this.#noise.read(message)
    const { keys } = this.#noise
    if (payload?.length !== 0 || keys === undefined) return this.#fail('altered')
    this.#agreed(keys)
    return this.receive(rest)
  }

  #agreed({ hash, sendKey, receiveKey }: NoiseKeys): Records {
    const sealer = new RecordSealer(sendKey, this.#options.random.bytes(STREAM_HEADER_BYTES))
    const records = { sealer, opener: new RecordOpener(receiveKey) }
    this.#state = { kind: 'proving', hash, records }
    return records
  }

  #readProof(handshakeHash: Uint8Array, records: Records): HandshakeEffect[] {
    const { role } = this.#options
    const read = records.opener.next(AUTH_BYTES_MAX)
    if (read.kind === 'more') return []
    if (read.kind === 'bad') return this.#fail('altered')
    if (read.isFinal) return this.#fail('closed')
    const theirRole = otherRole(role)
    const hello = decodeAuth(read.text, handshakeHash, theirRole)
    if (typeof hello === 'string') return this.#fail(hello)
    this.#state = { kind: 'done' }
    const proof = role === 'dialler' ? [sending(this.#proof(handshakeHash, records))] : []
    return [...proof, { kind: 'sealed', remote: this.#remoteOf(hello), records, handshakeHash }]
  }

  #proof(handshakeHash: Uint8Array, { sealer }: Records): Uint8Array {
    const { role, hello, keys } = this.#options
    return sealer.seal(encodeAuth(hello, keys, handshakeHash, role))
  }

  #remoteOf({ version, instance, key, nowMs }: Hello): NativeRemote {
    return {
      kind: 'native',
      address: this.#address,
      version,
      instance: hexOf(instance),
      key: hexOf(key),
      aheadMs: nowMs - this.#options.hello.nowMs,
    }
  }

  #fail(reason: DialFailureReason): HandshakeEffect[] {
    this.#state = { kind: 'done' }
    return [{ kind: 'failed', reason }]
  }
}

const sending = (bytes: Uint8Array): HandshakeEffect => ({ kind: 'send', bytes })
