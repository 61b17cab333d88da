import type { Clock, Millis } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import { AdmissionControl } from './admission.js'
import type { DialFailureReason } from './dial-failure.js'
import type { Remote } from './handshake/effects.js'
import { type HandshakeOutcome, HandshakeRun } from './handshake/handshake-run.js'
import { INSTANCE_ID_BYTES, PROTOCOL_VERSION } from './handshake/hello.js'
import { type Address, formatAddress } from './lan/address.js'
import type { RawConnection } from './peer-source.js'
import type { SealedConnection } from './sealed/sealed-connection.js'

/** Addresses of peers of an older version that are remembered as reported. */
const REPORTED_MAX = 64

/** The stream of a connection: sealed to a native peer, plain to a scuttleup peer. */
export type ConnectionStream = RawConnection | SealedConnection

/** A peer that was dialled: the user's or its announced name for it, and its address. */
export interface Dialled {
  readonly name: string
  readonly address: Address
}

/** Who may be talked to without encryption. */
export interface PlainPolicy {
  /** Whether scuttleup peers may connect. They know no rooms, so they may in one room only. */
  readonly acceptsScuttleup: boolean
  /** Whether the user wants encrypted connections only. */
  readonly encryptedOnly?: boolean
  /** Whether a native peer is announced at this address. */
  readonly isAnnouncedNative?: (address: string) => boolean
}

export interface UpgraderOptions {
  readonly room: Uint8Array
  /** The key that is proven to every native peer. */
  readonly keys: KeyPair
  readonly plain: PlainPolicy
  readonly clock: Clock
  readonly random: Random
  readonly onOpened: (stream: ConnectionStream, remote: Remote, dialled: Dialled | undefined) => void
  readonly onDialFailed: (dialled: Dialled, reason: DialFailureReason, remoteAddress: string) => void
  /** A peer of an older version dialled us from this address. */
  readonly onOlderVersion: (address: string) => void
}

/**
 * Upgrades raw connections to proven ones. Every byte of a stranger passes these gates, in this order:
 *
 *  1. admission control: UNPROVEN_MAX inbound connections at a time, UNPROVEN_PER_ADDRESS_MAX of one address;
 *  2. the deadline: HANDSHAKE_MS_MAX for the whole handshake (`HandshakeRun`);
 *  3. the addresses: frames of HANDSHAKE_BYTES_MAX (`Handshake`);
 *  4. protocol detection by one byte; a scuttleup peer is subject to `PlainPolicy`, and passes here or never;
 *  5. the key exchange: one frame of one length; anything of version 1 ends as `older-version` (`KeyExchange`);
 *  6. the first record, of AUTH_BYTES_MAX: it opens only with the agreed keys (`RecordOpener`);
 *  7. its Hello, signed by the key that it names, for this handshake and role; the same room;
 *  8. the topology: not this process itself, one connection per peer, CONNECTIONS_MAX (`Topology`, called by `Connections`);
 *  9. from then on every record opens as the next one of that peer, or the connection ends (`SealedConnection`).
 */
export class Upgrader {
  readonly instance: Uint8Array
  readonly #options: UpgraderOptions
  readonly #startedAt: Millis
  readonly #admission = new AdmissionControl<RawConnection>()
  readonly #pending = new Set<RawConnection>()
  readonly #reported = new Set<string>()

  constructor(options: UpgraderOptions) {
    this.#options = options
    this.instance = options.random.bytes(INSTANCE_ID_BYTES)
    this.#startedAt = options.clock.now()
  }

  /** How long this process has been running. */
  get ageMs(): Millis {
    return this.#options.clock.now() - this.#startedAt
  }

  /** Upgrades an inbound connection. `me` is our address, as announced to peers. */
  accept(raw: RawConnection, me: string): void {
    this.#admission.admit(raw, raw.remoteAddress)?.destroy()
    if (!raw.destroyed) this.upgrade(raw, me, undefined)
  }

  /** Upgrades a connection to a peer that was dialled. */
  upgrade(raw: RawConnection, me: string, dialled: Dialled | undefined): void {
    const { room, keys, clock, random } = this.#options
    const { instance, ageMs } = this
    const role = dialled === undefined ? 'listener' : 'dialler'
    const hello = { version: PROTOCOL_VERSION, instance, key: keys.publicKey, ageMs, nowMs: clock.now() }
    const refusesPlain = (address: string): DialFailureReason | undefined => this.#refusesPlain(address, dialled)
    this.#pending.add(raw)
    const options = { role, me, hello, keys, room, random, refusesPlain } as const
    new HandshakeRun(raw, options, clock, outcome => this.#finished(raw, dialled, outcome)).start()
  }

  /** Closes all connections whose handshake is not complete. */
  close(): void {
    for (const raw of this.#pending) raw.destroy()
  }

  #finished(raw: RawConnection, dialled: Dialled | undefined, outcome: HandshakeOutcome): void {
    const { onOpened, onDialFailed } = this.#options
    this.#admission.release(raw)
    this.#pending.delete(raw)
    if (outcome.kind === 'opened') onOpened(outcome.stream, outcome.remote, dialled)
    if (outcome.kind !== 'failed') return
    if (dialled !== undefined) onDialFailed(dialled, outcome.reason, raw.remoteAddress)
    else if (outcome.reason === 'older-version') this.#reportOlder(raw.remoteAddress)
  }

  #refusesPlain(claimed: string, dialled: Dialled | undefined): DialFailureReason | undefined {
    const { acceptsScuttleup, encryptedOnly, isAnnouncedNative } = this.#options.plain
    if (!acceptsScuttleup) return 'lobby-only'
    if (encryptedOnly) return 'encrypted-only'
    const addresses = [claimed, ...(dialled === undefined ? [] : [formatAddress(dialled.address)])]
    return addresses.some(address => isAnnouncedNative?.(address)) ? 'announced-native' : undefined
  }

  #reportOlder(address: string): void {
    if (this.#reported.has(address) || this.#reported.size >= REPORTED_MAX) return
    this.#reported.add(address)
    this.#options.onOlderVersion(address)
  }
}
