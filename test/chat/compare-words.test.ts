import assert from 'node:assert/strict'
import test from 'node:test'
import { blake2b } from '@noble/hashes/blake2.js'
import { compareWords } from '../../src/chat/compare-words.js'
import type { AuthorId } from '../../src/log/format/author.js'

const ALICE = 'a1'.repeat(32) as AuthorId
const BOB = 'b2'.repeat(32) as AuthorId

test('shows both people the same eight words, and others for any other key', () => {
  const words = compareWords(ALICE, BOB)
  assert.equal(words.length, 8)
  assert.deepEqual(words, compareWords(BOB, ALICE))
  assert.notDeepEqual(words, compareWords(ALICE, 'b3'.repeat(32) as AuthorId))
})

test('encodes the first 88 bits of the hash of both keys, the lower one first', async () => {
  const { wordlist } = await import('@scure/bip39/wordlists/english.js')
  const text = Buffer.from('persisted-chat/compare/1')
  const digest = blake2b(Buffer.concat([text, Buffer.from(ALICE, 'hex'), Buffer.from(BOB, 'hex')]), { dkLen: 32 })
  const bits = [...digest.subarray(0, 11)].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const expected = Array.from(
    { length: 8 },
    (_, word) => wordlist[Number.parseInt(bits.slice(11 * word, 11 * word + 11), 2)],
  )
  assert.deepEqual(compareWords(ALICE, BOB), expected)
})
