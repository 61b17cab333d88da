import type { Clock } from '../base/clock.js'
import { keyPairOf, SEED_BYTES } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import { type DialFailure, dialFailureOf } from './dial-failure.js'
import { type HandshakeOutcome, HandshakeRun } from './handshake/handshake-run.js'
import { type Hello, INSTANCE_ID_BYTES, PROTOCOL_VERSION } from './handshake/hello.js'
import type { Address } from './lan/address.js'
import type { PeerSource, RawConnection } from './peer-source.js'

/** Sorts before every user name, so that a probed scuttleup peer does not dial back again and again. */
const PROBE_ADDRESS = '!doctor:1'

/** What answers at an address. */
export type ProbeResult =
  | { readonly kind: 'native'; readonly hello: Hello; readonly isSameRoom: boolean; readonly aheadMs: number }
  /** A native peer of a version that this one no longer speaks. */
  | { readonly kind: 'older' }
  | { readonly kind: 'scuttleup' }
  /** A program that does not speak this protocol. */
  | { readonly kind: 'stranger' }
  | ({ readonly kind: 'none' } & Omit<DialFailure, 'reason'> & { readonly reason: DialFailure['reason'] | 'silent' })

export interface ProbeOptions {
  readonly source: PeerSource
  readonly room: Uint8Array
  readonly clock: Clock
  readonly random: Random
}

/**
 * Opens a connection with a key of its own, shakes hands until the other side has identified itself, and closes it. Neither side
 * counts it as a connection. The key that the other side names is proven.
 */
export async function probe(
  address: Address,
  { source, room, clock, random }: ProbeOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<ProbeResult> {
  let connection: RawConnection
  try {
    connection = await source.dial(address, signal)
  } catch (error) {
    return { kind: 'none', ...dialFailureOf(error) }
  }
  const keys = keyPairOf(random.bytes(SEED_BYTES))
  const nowMs = clock.now()
  const instance = random.bytes(INSTANCE_ID_BYTES)
  const hello = { version: PROTOCOL_VERSION, instance, key: keys.publicKey, ageMs: 0, nowMs }
  const outcome = await new Promise<HandshakeOutcome>(resolve => {
    const options = { role: 'dialler', me: PROBE_ADDRESS, hello, keys, room, random, isProbe: true } as const
    new HandshakeRun(connection, options, clock, resolve).start()
  })
  connection.destroy()
  return resultOf(outcome, nowMs)
}

function resultOf(outcome: HandshakeOutcome, nowMs: number): ProbeResult {
  switch (outcome.kind) {
    case 'identified':
      return { ...outcome, kind: 'native', aheadMs: outcome.hello.nowMs - nowMs }
    case 'opened':
      return { kind: 'scuttleup' }
    case 'failed': {
      if (outcome.reason === 'older-version') return { kind: 'older' }
      if (outcome.hasAnswered) return { kind: 'stranger' }
      return { kind: 'none', reason: outcome.reason === 'no-answer' ? 'silent' : outcome.reason }
    }
  }
}
