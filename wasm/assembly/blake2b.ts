// BLAKE2b with an output of 32 bytes and without a key. RFC 7693.

const BLOCK_BYTES: usize = 128

const IV0: u64 = 0x6a09e667f3bcc908
const IV1: u64 = 0xbb67ae8584caa73b
const IV2: u64 = 0x3c6ef372fe94f82b
const IV3: u64 = 0xa54ff53a5f1d36f1
const IV4: u64 = 0x510e527fade682d1
const IV5: u64 = 0x9b05688c2b3e6c1f
const IV6: u64 = 0x1f83d9abfb41bd6b
const IV7: u64 = 0x5be0cd19137e2179

/** Length of the output, no key, fanout and depth 1. */
const PARAMETERS: u64 = 0x01010020

/** The message schedule of the 12 rounds, as byte offsets of words in a block. */
// biome-ignore format: one round a line
const SIGMA = memory.data<u8>([
  0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120,
  112, 80, 32, 64, 72, 120, 104, 48, 8, 96, 0, 16, 88, 56, 40, 24,
  88, 64, 96, 0, 40, 16, 120, 104, 80, 112, 24, 48, 56, 8, 72, 32,
  56, 72, 24, 8, 104, 96, 88, 112, 16, 48, 40, 80, 32, 0, 120, 64,
  72, 0, 40, 56, 16, 32, 80, 120, 112, 8, 88, 96, 48, 64, 24, 104,
  16, 96, 48, 80, 0, 88, 64, 24, 32, 104, 56, 40, 120, 112, 8, 72,
  96, 40, 8, 120, 112, 104, 32, 80, 0, 56, 48, 24, 72, 16, 64, 88,
  104, 88, 56, 112, 96, 8, 24, 72, 40, 0, 120, 32, 64, 48, 16, 80,
  48, 120, 112, 72, 88, 24, 0, 64, 96, 16, 104, 56, 8, 32, 80, 40,
  80, 16, 64, 32, 56, 48, 8, 40, 120, 88, 72, 112, 24, 96, 104, 0,
  0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120,
  112, 80, 32, 64, 72, 120, 104, 48, 8, 96, 0, 16, 88, 56, 40, 24,
])
const ROUND_BYTES: usize = 16
const ROUNDS: usize = 12

/** The state; its first 32 bytes are the hash of the last `hash`. */
export const DIGEST: usize = memory.data(64, 16)
/** The last block of a message, padded with zeros. */
const LAST_BLOCK: usize = memory.data(128, 16)

/** Hashes the bytes from `start`. The memory must reach 128 bytes further than they do. */
export function hash(start: usize, length: usize): void {
  initialise()
  let done: usize = 0
  for (; length - done > BLOCK_BYTES; done += BLOCK_BYTES) compress(start + done, done + BLOCK_BYTES, false)
  const from = start + done
  for (let i: usize = 0; i < BLOCK_BYTES; i += 16) v128.store(LAST_BLOCK + i, v128.load(from + i))
  let end = length - done
  for (; (end & 7) !== 0; end++) store<u8>(LAST_BLOCK + end, 0)
  for (; end < BLOCK_BYTES; end += 8) store<u64>(LAST_BLOCK + end, 0)
  compress(LAST_BLOCK, length, true)
}

function initialise(): void {
  store<u64>(DIGEST, IV0 ^ PARAMETERS)
  store<u64>(DIGEST, IV1, 8)
  store<u64>(DIGEST, IV2, 16)
  store<u64>(DIGEST, IV3, 24)
  store<u64>(DIGEST, IV4, 32)
  store<u64>(DIGEST, IV5, 40)
  store<u64>(DIGEST, IV6, 48)
  store<u64>(DIGEST, IV7, 56)
}

/**
 * Mixes a block into the state. `count`: bytes of the message up to the end of the block. The mixing function G is written out
 * eight times, because a function cannot change the locals of its caller, and the state would not be in registers elsewhere.
 */
function compress(block: usize, count: u64, isLast: bool): void {
  let v0 = load<u64>(DIGEST)
  let v1 = load<u64>(DIGEST, 8)
  let v2 = load<u64>(DIGEST, 16)
  let v3 = load<u64>(DIGEST, 24)
  let v4 = load<u64>(DIGEST, 32)
  let v5 = load<u64>(DIGEST, 40)
  let v6 = load<u64>(DIGEST, 48)
  let v7 = load<u64>(DIGEST, 56)
  let v8 = IV0
  let v9 = IV1
  let v10 = IV2
  let v11 = IV3
  let v12 = IV4 ^ count
  let v13 = IV5
  let v14 = isLast ? ~IV6 : IV6
  let v15 = IV7
  const end = SIGMA + ROUNDS * ROUND_BYTES
  for (let round: usize = SIGMA; round < end; round += ROUND_BYTES) {
    v0 += v4 + word(block, round, 0)
    v12 = rotr(v12 ^ v0, 32)
    v8 += v12
    v4 = rotr(v4 ^ v8, 24)
    v0 += v4 + word(block, round, 1)
    v12 = rotr(v12 ^ v0, 16)
    v8 += v12
    v4 = rotr(v4 ^ v8, 63)

    v1 += v5 + word(block, round, 2)
    v13 = rotr(v13 ^ v1, 32)
    v9 += v13
    v5 = rotr(v5 ^ v9, 24)
    v1 += v5 + word(block, round, 3)
    v13 = rotr(v13 ^ v1, 16)
    v9 += v13
    v5 = rotr(v5 ^ v9, 63)

    v2 += v6 + word(block, round, 4)
    v14 = rotr(v14 ^ v2, 32)
    v10 += v14
    v6 = rotr(v6 ^ v10, 24)
    v2 += v6 + word(block, round, 5)
    v14 = rotr(v14 ^ v2, 16)
    v10 += v14
    v6 = rotr(v6 ^ v10, 63)

    v3 += v7 + word(block, round, 6)
    v15 = rotr(v15 ^ v3, 32)
    v11 += v15
    v7 = rotr(v7 ^ v11, 24)
    v3 += v7 + word(block, round, 7)
    v15 = rotr(v15 ^ v3, 16)
    v11 += v15
    v7 = rotr(v7 ^ v11, 63)

    v0 += v5 + word(block, round, 8)
    v15 = rotr(v15 ^ v0, 32)
    v10 += v15
    v5 = rotr(v5 ^ v10, 24)
    v0 += v5 + word(block, round, 9)
    v15 = rotr(v15 ^ v0, 16)
    v10 += v15
    v5 = rotr(v5 ^ v10, 63)

    v1 += v6 + word(block, round, 10)
    v12 = rotr(v12 ^ v1, 32)
    v11 += v12
    v6 = rotr(v6 ^ v11, 24)
    v1 += v6 + word(block, round, 11)
    v12 = rotr(v12 ^ v1, 16)
    v11 += v12
    v6 = rotr(v6 ^ v11, 63)

    v2 += v7 + word(block, round, 12)
    v13 = rotr(v13 ^ v2, 32)
    v8 += v13
    v7 = rotr(v7 ^ v8, 24)
    v2 += v7 + word(block, round, 13)
    v13 = rotr(v13 ^ v2, 16)
    v8 += v13
    v7 = rotr(v7 ^ v8, 63)

    v3 += v4 + word(block, round, 14)
    v14 = rotr(v14 ^ v3, 32)
    v9 += v14
    v4 = rotr(v4 ^ v9, 24)
    v3 += v4 + word(block, round, 15)
    v14 = rotr(v14 ^ v3, 16)
    v9 += v14
    v4 = rotr(v4 ^ v9, 63)
  }
  store<u64>(DIGEST, load<u64>(DIGEST) ^ v0 ^ v8)
  store<u64>(DIGEST, load<u64>(DIGEST, 8) ^ v1 ^ v9, 8)
  store<u64>(DIGEST, load<u64>(DIGEST, 16) ^ v2 ^ v10, 16)
  store<u64>(DIGEST, load<u64>(DIGEST, 24) ^ v3 ^ v11, 24)
  store<u64>(DIGEST, load<u64>(DIGEST, 32) ^ v4 ^ v12, 32)
  store<u64>(DIGEST, load<u64>(DIGEST, 40) ^ v5 ^ v13, 40)
  store<u64>(DIGEST, load<u64>(DIGEST, 48) ^ v6 ^ v14, 48)
  store<u64>(DIGEST, load<u64>(DIGEST, 56) ^ v7 ^ v15, 56)
}

/** A word of the block, by its place in the round. */
function word(block: usize, round: usize, place: usize): u64 {
  return load<u64>(block + load<u8>(round + place))
}
