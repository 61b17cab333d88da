import assert from 'node:assert/strict'
import test from 'node:test'
import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { hash } from '../../../src/base/crypto/hash.js'
import { isSignature, keyPairOf } from '../../../src/base/crypto/signing.js'
import { hex, unhex } from '../../helper/signed-oracle.js'
import { withBitFlipped } from '../../helper/signed-world.js'

// Compares base/crypto (libsodium) with noble, an independent implementation. docs/protocol/logs.md §3.4.

const { Point } = ed25519
type Point = InstanceType<typeof Point>
/** The order of the base point, and the prime of the field. */
const L = Point.Fn.ORDER
const P = Point.Fp.ORDER

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })
const message = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(0, 1, 127, 128, 129, 16_384).map(length => new Uint8Array(length)),
)
const strictly = (signature: Uint8Array, words: Uint8Array, key: Uint8Array): boolean =>
  ed25519.verify(signature, words, key, { zip215: false })

test('hashes the concatenation of its parts with BLAKE2b-256', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), parts => {
      assert.equal(hex(hash(...parts)), hex(blake2b(Buffer.concat(parts), { dkLen: 32 })))
    }),
    { numRuns: 300 },
  )
  const long = new Uint8Array(100_000).fill(7)
  assert.equal(hex(hash(long, long)), hex(blake2b(Buffer.concat([long, long]), { dkLen: 32 })))
})

test('computes the known BLAKE2b-256 of the empty string and of abc', () => {
  assert.equal(hex(hash()), '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8')
  assert.equal(hex(hash(Buffer.from('abc'))), 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319')
})

test('computes the same keys and signatures as noble', () => {
  fc.assert(
    fc.property(seed, message, (seed, words) => {
      const keys = keyPairOf(seed)
      assert.equal(hex(keys.publicKey), hex(ed25519.getPublicKey(seed)))
      assert.equal(hex(keys.sign(words)), hex(ed25519.sign(words, seed)))
    }),
    { numRuns: 200 },
  )
})

test('reproduces the first three test vectors of RFC 8032 §7.1', () => {
  const vectors = [
    {
      seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      message: '',
      signature:
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    },
    {
      seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      message: '72',
      signature:
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    },
    {
      seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      message: 'af82',
      signature:
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    },
  ]
  for (const vector of vectors) {
    const keys = keyPairOf(unhex(vector.seed))
    assert.equal(hex(keys.publicKey), vector.key)
    assert.equal(hex(keys.sign(unhex(vector.message))), vector.signature)
    assert.ok(isSignature(unhex(vector.signature), unhex(vector.message), keys.publicKey))
  }
})

test('rejects a signature with any bit of it, of the message or of the key flipped, as noble does', () => {
  fc.assert(
    fc.property(
      seed,
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.nat(511),
      fc.constantFrom(0, 1, 2),
      (seed, words, bit, which) => {
        const keys = keyPairOf(seed)
        const parts: [Uint8Array, Uint8Array, Uint8Array] = [keys.sign(words), words, keys.publicKey]
        assert.ok(isSignature(...parts) && strictly(...parts))
        parts[which] = withBitFlipped(parts[which] as Uint8Array, bit)
        assert.deepEqual([isSignature(...parts), strictly(...parts)], [false, false])
      },
    ),
    { numRuns: 250 },
  )
})

test('rejects signatures and keys of other lengths', () => {
  const keys = keyPairOf(new Uint8Array(32).fill(9))
  const words = Buffer.from('hello')
  const signature = keys.sign(words)
  for (const length of [0, 1, 63, 65, 128]) {
    assert.ok(
      !isSignature(Buffer.concat([signature, signature]).subarray(0, length), words, keys.publicKey),
      `${length}`,
    )
  }
  for (const length of [0, 31, 33]) {
    assert.ok(
      !isSignature(signature, words, Buffer.concat([keys.publicKey, keys.publicKey]).subarray(0, length)),
      `${length}`,
    )
  }
})

// Cases in which implementations of Ed25519 are known to differ (Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020).

const WORDS = Buffer.from('whatever is said')

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`)
}

function bytesOf(value: bigint): Uint8Array {
  return unhex(value.toString(16).padStart(64, '0')).reverse()
}

/** The points of small order. As keys, they verify whole classes of signatures. */
const SMALL: readonly Point[] = (() => {
  // Multiplying a point outside the prime-order group by the group's order gives a point of order eight.
  for (let y = 2n; ; y++) {
    try {
      const eighth = Point.fromBytes(bytesOf(y))
        .multiplyUnsafe(L - 1n)
        .add(Point.fromBytes(bytesOf(y)))
      if (eighth.double().double().equals(Point.ZERO)) continue
      const turns = [Point.ZERO]
      while (turns.length < 8) turns.push((turns.at(-1) as Point).add(eighth))
      return turns
    } catch {
      // no point has this y
    }
  }
})()

const challenge = (r: Uint8Array, key: Uint8Array, words: Uint8Array): bigint =>
  numberOf(sha512(Buffer.concat([r, key, words]))) % L

/** A signature by the secret `a` for the public key `key`, with the nonce `k` and the commitment `r`. */
function forge(a: bigint, key: Uint8Array, r: Uint8Array, k: bigint, words: Uint8Array): Uint8Array {
  return Buffer.concat([r, bytesOf((k + challenge(r, key, words) * a) % L)])
}

test('finds the eight points of small order', () => {
  assert.equal(new Set(SMALL.map(point => hex(point.toBytes()))).size, 8)
  for (const point of SMALL) assert.ok(point.multiplyUnsafe(8n).equals(Point.ZERO))
})

test('rejects keys of small order even if the equation holds', () => {
  let wouldHold = 0
  for (const key of SMALL) {
    for (const r of SMALL) {
      for (let word = 0; word < 8; word++) {
        const words = Buffer.of(word)
        const signature = Buffer.concat([r.toBytes(), bytesOf(0n)])
        if (ed25519.verify(signature, words, key.toBytes(), { zip215: true })) wouldHold++
        assert.ok(!isSignature(signature, words, key.toBytes()))
        assert.ok(!strictly(signature, words, key.toBytes()))
      }
    }
  }
  assert.ok(wouldHold > 400, `only ${wouldHold} of them hold by the loosest rule`)
})

test('rejects a commitment of small order, which noble accepts', () => {
  const a = 1234567n
  const key = Point.BASE.multiply(a).toBytes()
  for (const point of SMALL) {
    const r = point.toBytes()
    const signature = forge(a, key, r, 0n, WORDS)
    assert.ok(!isSignature(signature, WORDS, key))
    assert.ok(strictly(signature, WORDS, key), 'the difference is gone: docs/protocol/logs.md §3.4 says otherwise')
  }
})

test('rejects S + L, which satisfies the same equation, as noble does', () => {
  const keys = keyPairOf(new Uint8Array(32).fill(3))
  const signature = keys.sign(WORDS)
  const s = numberOf(signature.subarray(32))
  for (let times = 1n; times < 16n && s + times * L < 1n << 256n; times++) {
    const other = Buffer.concat([signature.subarray(0, 32), bytesOf(s + times * L)])
    assert.deepEqual(
      [isSignature(other, WORDS, keys.publicKey), strictly(other, WORDS, keys.publicKey)],
      [false, false],
    )
  }
})

test('rejects a key that is not encoded canonically, as noble does', () => {
  // y and y + p are the same point; only 19 values of y are small enough for both to fit.
  for (let y = 0n; y < 19n; y++) {
    for (const sign of [0n, 1n << 255n]) {
      const key = bytesOf((y + P) | sign)
      for (const r of SMALL) {
        const signature = Buffer.concat([r.toBytes(), bytesOf(0n)])
        assert.deepEqual([isSignature(signature, WORDS, key), strictly(signature, WORDS, key)], [false, false])
      }
    }
  }
})

test('rejects a commitment that is not encoded canonically, as noble does', () => {
  const a = 7654321n
  const key = Point.BASE.multiply(a).toBytes()
  for (let y = 0n; y < 19n; y++) {
    for (const sign of [0n, 1n << 255n]) {
      const signature = forge(a, key, bytesOf((y + P) | sign), 0n, WORDS)
      assert.deepEqual([isSignature(signature, WORDS, key), strictly(signature, WORDS, key)], [false, false])
    }
  }
})

test('rejects a signature for which only the cofactored equation holds, which noble accepts', () => {
  const a = 99_991n
  const k = 424_242n
  const twist = SMALL[1] as Point
  const r = Point.BASE.multiply(k).add(twist).toBytes()
  const key = Point.BASE.multiply(a).toBytes()
  // A commitment with a component of small order.
  const signature = forge(a, key, r, k, WORDS)
  assert.deepEqual([isSignature(signature, WORDS, key), strictly(signature, WORDS, key)], [false, true])
  // A key with such a component is rejected unless the challenge cancels it.
  const mixed = Point.BASE.multiply(a).add(twist).toBytes()
  const plain = Point.BASE.multiply(k).toBytes()
  let accepted = 0
  for (let word = 0; word < 64; word++) {
    const words = Buffer.of(word)
    const forged = forge(a, mixed, plain, k, words)
    const isOut = challenge(plain, mixed, words) % 8n === 0n
    assert.deepEqual([isSignature(forged, words, mixed), strictly(forged, words, mixed)], [isOut, true])
    if (isOut) accepted++
  }
  assert.ok(accepted > 0 && accepted < 32, String(accepted))
})
