import type { Clock } from '../base/clock.js'
import { keyPairOf, SEED_BYTES } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import { Multiplexer } from './channels/multiplexer.js'
import { type DialFailure, dialFailureOf } from './dial-failure.js'
import type { NativeRemote } from './handshake/effects.js'
import { type HandshakeOutcome, HandshakeRun } from './handshake/handshake-run.js'
import { INSTANCE_ID_BYTES, PROTOCOL_VERSION } from './handshake/hello.js'
import type { Address } from './lan/address.js'
import { HANDSHAKE_MS_MAX } from './limits.js'
import type { PeerSource, RawConnection } from './peer-source.js'

/** Sorts before every user name, so that a probed scuttleup peer does not dial back again and again. */
const PROBE_ADDRESS = '!doctor:1'

/** The result of probing an address. */
export type ProbeResult =
  | { readonly kind: 'native'; readonly remote: NativeRemote; readonly isSameRoom: boolean }
  /** A native peer of a version that this program no longer supports. */
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
 * Opens a connection with a throwaway key, offers no room, learns the other side's proven key and whether it has the room, and
 * closes. Neither side counts it as a connection.
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
  const instance = random.bytes(INSTANCE_ID_BYTES)
  const hello = { version: PROTOCOL_VERSION, instance, key: keys.publicKey, nowMs: clock.now() }
  const outcome = await new Promise<HandshakeOutcome>(resolve => {
    const options = { role: 'dialler', me: PROBE_ADDRESS, hello, keys, random } as const
    new HandshakeRun(connection, options, clock, resolve).start()
  })
  const result = outcome.kind === 'sealed' ? await resultOfRooms(outcome, room, { clock, random }) : resultOf(outcome)
  connection.destroy()
  return result
}

/** Waits for the other side's rooms. */
function resultOfRooms(
  { stream, remote, handshakeHash }: Extract<HandshakeOutcome, { readonly kind: 'sealed' }>,
  room: Uint8Array,
  { clock, random }: Pick<ProbeOptions, 'clock' | 'random'>,
): Promise<ProbeResult> {
  return new Promise(resolve => {
    const settle = (isSameRoom: boolean): void => {
      cancel()
      resolve({ kind: 'native', remote, isSameRoom })
    }
    const cancel = clock.after(HANDSHAKE_MS_MAX, () => settle(false))
    const multiplexer = new Multiplexer(stream, { role: 'dialler', handshakeHash, random })
    multiplexer.once('rooms', () => settle(multiplexer.isOfferedByOther(room)))
    multiplexer.once('violation', () => settle(false))
    stream.once('close', () => settle(false))
    multiplexer.offer([])
  })
}

function resultOf(outcome: Exclude<HandshakeOutcome, { readonly kind: 'sealed' }>): ProbeResult {
  if (outcome.kind === 'opened') return { kind: 'scuttleup' }
  if (outcome.reason === 'older-version') return { kind: 'older' }
  if (outcome.hasAnswered) return { kind: 'stranger' }
  return { kind: 'none', reason: outcome.reason === 'no-answer' ? 'silent' : outcome.reason }
}
