import { exchange, nativeEnd, through } from './handshake-world.js'

const ALICE = 'alice.local:1001'
const BOB = 'bob.local:1002'

/** Bits that both sides of a handshake send. */
export const HANDSHAKE_BITS = handshakeBytes() * 8

/** Runs a handshake with one changed bit, of both directions together. Gives how each side's outcome is called. */
export function flippedHandshake(seed: number, bit: number | undefined): string[] {
  const alice = nativeEnd('dialler', ALICE, { peer: 1, seed })
  const bob = nativeEnd('listener', BOB, { peer: 2, seed })
  let sent = 0
  const flip = (bytes: Uint8Array): Uint8Array => {
    const copy = Uint8Array.from(bytes)
    const at = bit === undefined ? -1 : (bit >> 3) - sent
    if (at >= 0 && at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << ((bit ?? 0) & 7))
    sent += copy.length
    return copy
  }
  exchange(through(alice, flip), through(bob, flip))
  return [alice, bob].map(({ outcome }) => (typeof outcome === 'object' ? outcome.kind : String(outcome)))
}

function handshakeBytes(): number {
  let sent = 0
  const count = (bytes: Uint8Array): Uint8Array => {
    sent += bytes.length
    return bytes
  }
  exchange(through(nativeEnd('dialler', ALICE), count), through(nativeEnd('listener', BOB, { peer: 2 }), count))
  return sent
}
