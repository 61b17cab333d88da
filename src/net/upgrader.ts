import type { Clock } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import { AdmissionControl } from './admission/unproven.js'
import { Multiplexer } from './channels/multiplexer.js'
import type { DialFailureReason } from './dial-failure.js'
import type { NativeRemote, ScuttleupRemote } from './handshake/effects.js'
import { type HandshakeOutcome, HandshakeRun } from './handshake/handshake-run.js'
import { INSTANCE_ID_BYTES, PROTOCOL_VERSION } from './handshake/hello.js'
import { type Address, formatAddress } from './lan/address.js'
import { HANDSHAKE_MS_MAX, ROOMLESS_MS_MAX } from './limits.js'
import type { RawConnection } from './peer-source.js'
import type { SealedConnection } from './sealed/sealed-connection.js'

/** Addresses of peers of an older version that are remembered as reported. */
const REPORTED_MAX = 64

/** A peer that was dialled: the user's or its announced name for it, and its address. */
export interface Dialled {
  readonly name: string
  readonly address: Address
  /** Whether it is dialled once, to find out whether it answers. */
  readonly isProbe: boolean
}

/** Which peers may connect without encryption. */
export interface PlainPolicy {
  /** The room of scuttleup peers, which know no rooms: they may connect while it is open. Default: none. */
  readonly room?: Uint8Array
  /** Whether only encrypted connections are allowed. */
  readonly encryptedOnly?: boolean
  /** Whether a native peer is announced at this address. */
  readonly isAnnouncedNative?: (address: string) => boolean
}

/** The other end of a sealed connection. */
export interface ProvenPeer {
  readonly remote: NativeRemote
  readonly multiplexer: Multiplexer
}

/** A connection whose other end is known and has a room in common with us. */
export type Opened =
  | { readonly kind: 'plain'; readonly remote: ScuttleupRemote; readonly stream: RawConnection }
  | {
      readonly kind: 'sealed'
      readonly remote: NativeRemote
      readonly stream: SealedConnection
      readonly multiplexer: Multiplexer
    }

interface UpgraderPolicy extends PlainPolicy {
  /** Whether a scuttleup peer, dialled by this name or inbound, may connect now. */
  readonly admits: (dialled: string | undefined) => boolean
}

export interface UpgraderOptions {
  /** Ids of the rooms that are offered at first to the peer with a key. */
  readonly rooms: (key: string) => readonly Uint8Array[]
  /** A peer has proven its key; there may be no room in common. */
  readonly onProven: (peer: ProvenPeer) => void
  /** The key that is proven to every native peer. */
  readonly keys: KeyPair
  readonly plain: UpgraderPolicy
  readonly clock: Clock
  readonly random: Random
  readonly onOpened: (opened: Opened, dialled: Dialled | undefined) => void
  readonly onDialFailed: (dialled: Dialled, reason: DialFailureReason, remoteAddress: string) => void
  /** A peer named its rooms, for the first time or again. */
  readonly onRooms: (multiplexer: Multiplexer) => void
  /** A dialled peer has none of our rooms; the connection waits for one. */
  readonly onRoomless: (dialled: Dialled) => void
  /** A peer of an older version dialled us from this address. */
  readonly onOlderVersion: (address: string) => void
}

/**
 * Upgrades raw connections to proven ones: applies the gates from *unproven* to *rooms* of README.md, in that order. `Topology` and
 * the channels apply the other gates.
 */
export class Upgrader {
  readonly instance: Uint8Array
  readonly #options: UpgraderOptions
  readonly #admission = new AdmissionControl<RawConnection>()
  readonly #pending = new Set<RawConnection>()
  /** Connections without a room in common, and the callback to call once there is a common room. */
  readonly #roomless = new Map<ProvenPeer, () => void>()
  readonly #reported = new Set<string>()

  constructor(options: UpgraderOptions) {
    this.#options = options
    this.instance = options.random.bytes(INSTANCE_ID_BYTES)
  }

  /** Upgrades an inbound connection. `me` is our address, as announced to peers. */
  accept(raw: RawConnection, me: string): void {
    this.#admission.admit(raw, raw.remoteAddress)?.destroy()
    if (!raw.destroyed) this.upgrade(raw, me, undefined)
  }

  /** Upgrades a connection to a peer that was dialled. */
  upgrade(raw: RawConnection, me: string, dialled: Dialled | undefined): void {
    const { keys, clock, random } = this.#options
    const { instance } = this
    const role = dialled === undefined ? 'listener' : 'dialler'
    const hello = { version: PROTOCOL_VERSION, instance, key: keys.publicKey, nowMs: clock.now() }
    const refusesPlain = (address: string): DialFailureReason | undefined => this.#refusesPlain(address, dialled)
    this.#pending.add(raw)
    const options = { role, me, hello, keys, random, refusesPlain } as const
    new HandshakeRun(raw, options, clock, outcome => this.#finished(raw, dialled, outcome)).start()
  }

  /** If a room admits their peers, offers it on the connections that wait for a room in common. */
  offer(room: Uint8Array, admits: (key: string) => boolean): void {
    for (const [{ remote, multiplexer }, succeed] of [...this.#roomless]) {
      if (admits(remote.key)) multiplexer.offer([room])
      else multiplexer.withdraw(room)
      if (multiplexer.size > 0) succeed()
    }
  }

  /** Removes a closed room from the connections that wait for a room in common. */
  withdraw(room: Uint8Array): void {
    for (const { multiplexer } of this.#roomless.keys()) multiplexer.withdraw(room)
  }

  /** Closes all connections whose handshake is not complete. */
  close(): void {
    for (const raw of this.#pending) raw.destroy()
  }

  #finished(raw: RawConnection, dialled: Dialled | undefined, outcome: HandshakeOutcome): void {
    this.#pending.delete(raw)
    // Anyone can create a key at no cost, so a sealed connection counts as unproven until there is a room in common.
    if (outcome.kind !== 'sealed') this.#admission.release(raw)
    switch (outcome.kind) {
      case 'opened':
        this.#options.onOpened({ ...outcome, kind: 'plain' }, dialled)
        break
      case 'sealed':
        this.#exchangeRooms(raw, outcome, dialled)
        break
      case 'failed':
        this.#failed(outcome.reason, raw.remoteAddress, dialled)
    }
  }

  /** Exchanges Rooms frames. Without a room in common, the connection stays open for ROOMLESS_MS_MAX, in case a common room is opened. */
  #exchangeRooms(
    raw: RawConnection,
    { remote, stream, handshakeHash }: Extract<HandshakeOutcome, { readonly kind: 'sealed' }>,
    dialled: Dialled | undefined,
  ): void {
    const { clock, random, rooms, onOpened, onRoomless, onProven, onRooms } = this.#options
    let settle = (reason?: DialFailureReason): void => {
      settle = () => {}
      cancel()
      this.#pending.delete(stream)
      this.#roomless.delete(peer)
      this.#admission.release(raw)
      if (reason === undefined) {
        onOpened({ kind: 'sealed', remote, stream, multiplexer }, dialled)
        return
      }
      this.#failed(reason, stream.remoteAddress, dialled)
      stream.destroy()
    }
    let cancel = clock.after(HANDSHAKE_MS_MAX, () => settle('no-answer'))
    const multiplexer = new Multiplexer(stream, {
      role: dialled === undefined ? 'listener' : 'dialler',
      handshakeHash,
      random,
    })
    const peer = { remote, multiplexer }
    let hasRooms = false
    multiplexer.on('rooms', () => {
      onRooms(multiplexer)
      if (multiplexer.size > 0) return settle()
      if (dialled?.isProbe) return settle('other-room')
      if (hasRooms) return
      hasRooms = true
      cancel()
      cancel = clock.after(ROOMLESS_MS_MAX, () => settle('other-room'))
      if (dialled !== undefined) onRoomless(dialled)
    })
    multiplexer.once('violation', () => settle('malformed-handshake'))
    // A side that has ended its half cannot name rooms any more.
    stream.once('end', () => settle('closed'))
    stream.once('close', () => settle('closed'))
    this.#pending.add(stream)
    this.#roomless.set(peer, () => settle())
    onProven(peer)
    multiplexer.offer(rooms(remote.key))
  }

  #failed(reason: DialFailureReason, remoteAddress: string, dialled: Dialled | undefined): void {
    if (dialled !== undefined) this.#options.onDialFailed(dialled, reason, remoteAddress)
    else if (reason === 'older-version') this.#reportOlder(remoteAddress)
  }

  #refusesPlain(claimed: string, dialled: Dialled | undefined): DialFailureReason | undefined {
    const { admits, encryptedOnly, isAnnouncedNative } = this.#options.plain
    if (!admits(dialled?.name)) return 'lobby-only'
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
