import { type KeyPair, keyPairOf } from '../../src/base/crypto/signing.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { frame } from '../../src/base/wire/frames.js'
import type { HandshakeEffect, Remote } from '../../src/net/handshake/effects.js'
import { Handshake, type HandshakeOptions } from '../../src/net/handshake/handshake.js'
import type { Records } from '../../src/net/sealed/records.js'
import { roomsFrame } from './channel-frames.js'
import type { ScuttleupTopology } from './scuttleup-topology.js'

export const ROOM = Buffer.alloc(32, 7)

/** The key pair of test peer number `peer`. */
export const keysOf = (peer: number): KeyPair => keyPairOf(Buffer.alloc(32, peer))

type OurHello = HandshakeOptions['hello']

/** The Hello of test peer number `peer`, which determines its key and its instance id. */
export const helloOf = (peer: number, members: Partial<OurHello> = {}): OurHello => ({
  version: 2,
  instance: Buffer.alloc(16, peer),
  key: keysOf(peer).publicKey,
  nowMs: 1_800_000_000_000,
  ...members,
})

/** The remote that a handshake between peer 1 and another peer reports. */
export const remoteOf = (address: string, peer: number): Remote => ({
  kind: 'native',
  version: 2,
  address,
  instance: Buffer.alloc(16, peer).toString('hex'),
  key: Buffer.from(keysOf(peer).publicKey).toString('hex'),
  aheadMs: 0,
})

/** The first frame of scuttleup. */
export const SCUTTLEUP_HANDSHAKE = frame(
  Buffer.concat([Buffer.from([0x0a, 3]), Buffer.from('cid'), Buffer.from([0x18, 1])]),
)

/** One end of a handshake: what it sends, and its outcome. */
export interface End {
  start(): Uint8Array
  receive(bytes: Uint8Array): Uint8Array
  /** 'scuttleup' if this end is a scuttleup peer that is ready: it learns no key. */
  readonly outcome: Remote | 'scuttleup' | string | undefined
  /** Bytes that arrived after the handshake. */
  readonly rest: Uint8Array
}

interface NativeEndOptions {
  readonly peer?: number
  /** Differences from the peer's usual Hello. */
  readonly hello?: Partial<OurHello>
  readonly says?: Uint8Array
  /** Whether that is all that it sends. */
  readonly ends?: boolean
  /** Named to the other side once its key is proven. Default: none are, as if the connection went no further. */
  readonly rooms?: readonly Uint8Array[]
  /** Determines the ephemeral key. */
  readonly seed?: number
  readonly refusesPlain?: HandshakeOptions['refusesPlain']
}

/** A native peer's end. Once open, it sends `says`. */
export function nativeEnd(
  role: 'dialler' | 'listener',
  me: string,
  {
    peer = 1,
    hello = {},
    says = new Uint8Array(0),
    ends = false,
    rooms,
    seed = 1,
    refusesPlain,
  }: NativeEndOptions = {},
): End {
  const handshake = new Handshake({
    role,
    me,
    hello: helloOf(peer, hello),
    keys: keysOf(peer),
    random: new SeededRandom(seed, `${role} ${peer}`),
    ...(refusesPlain && { refusesPlain }),
  })
  let outcome: Remote | string | undefined
  let records: Records | undefined
  let rest: Uint8Array = new Uint8Array(0)
  const read = (bytes: Uint8Array): void => {
    if (records === undefined) rest = Buffer.concat([rest, bytes])
    records?.opener.push(bytes)
    for (let next = records?.opener.next(); next?.kind === 'record'; next = records?.opener.next())
      rest = Buffer.concat([rest, next.text])
  }
  const perform = (effects: readonly HandshakeEffect[]): Uint8Array => {
    const written: Uint8Array[] = []
    for (const effect of effects) {
      if (effect.kind === 'send') written.push(effect.bytes)
      if (effect.kind === 'failed') outcome = effect.reason
      if (effect.kind === 'opened' || effect.kind === 'sealed') {
        outcome = effect.remote
        if (effect.kind === 'sealed') records = effect.records
        read(effect.kind === 'sealed' ? new Uint8Array(0) : effect.rest)
        if (effect.kind === 'sealed' && rooms !== undefined)
          written.push(effect.records.sealer.seal(roomsFrame(rooms, effect.handshakeHash, role)))
        const isSealed = records !== undefined && (says.length > 0 || ends)
        written.push(isSealed ? (records?.sealer.seal(says, ends) ?? says) : says)
      }
    }
    return Buffer.concat(written)
  }
  return {
    start: () => perform(handshake.start()),
    receive: bytes => {
      if (outcome === undefined) return perform(handshake.receive(bytes))
      if (typeof outcome !== 'string') read(bytes)
      return new Uint8Array(0)
    },
    get outcome() {
      return outcome
    },
    get rest() {
      return rest
    },
  }
}

/** An end whose bytes pass through someone between. */
export const through = (end: End, change: (bytes: Uint8Array) => Uint8Array): End => ({
  start: () => change(end.start()),
  receive: bytes => change(end.receive(bytes)),
  get outcome() {
    return end.outcome
  },
  get rest() {
    return end.rest
  },
})

/** A scuttleup peer's end. Once ready, it sends its first frame. */
export function scuttleupEnd(topology: ScuttleupTopology): End {
  return {
    start: () => topology.start(),
    receive: bytes => {
      const wasReady = topology.isReady
      const written = topology.receive(bytes)
      return topology.isReady && !wasReady ? Buffer.concat([written, SCUTTLEUP_HANDSHAKE]) : written
    },
    get outcome() {
      return topology.isReady ? 'scuttleup' : undefined
    },
    get rest() {
      return topology.rest
    },
  }
}

/** Exchanges bytes between two ends until nothing is in flight. `sizes` are those of the delivered pieces, in turn. */
export function exchange(a: End, b: End, sizes: readonly number[] = [Number.MAX_SAFE_INTEGER]): void {
  let toB = a.start()
  let toA = b.start()
  for (let turn = 0; toA.length + toB.length > 0; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    // Deliver to either end in turn.
    if (toB.length > 0 && (turn % 2 === 0 || toA.length === 0)) {
      toA = Buffer.concat([toA, b.receive(toB.subarray(0, size))])
      toB = toB.subarray(size)
    } else {
      toB = Buffer.concat([toB, a.receive(toA.subarray(0, size))])
      toA = toA.subarray(size)
    }
  }
}

/** Delivers a stranger's bytes in pieces. Returns the answer, the outcome and the remaining bytes. */
export function receive(
  end: End,
  pieces: readonly Uint8Array[],
): { written: Uint8Array; outcome: End['outcome']; rest: Uint8Array } {
  const written = Buffer.concat([end.start(), ...pieces.map(piece => end.receive(piece))])
  return { written, outcome: end.outcome, rest: end.rest }
}
