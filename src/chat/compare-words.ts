import { wordlist } from '@scure/bip39/wordlists/english.js'
import { hash } from '../base/crypto/hash.js'
import { hexOf, utf8 } from '../base/wire/bytes.js'
import type { AuthorId } from '../log/format/author.js'

const WORDS = 8
/** Bits per word: the list has 2,048 words. */
const WORD_BITS = 11

/**
 * Eight words for two keys, the same for both people. If both screens show the same words, there is no man in the
 * middle. 88 bits of H("persisted-chat/compare/1" ‖ lower key ‖ higher key), in words of the BIP39 list.
 */
export function compareWords(one: AuthorId, other: AuthorId): readonly string[] {
  const [lower, higher] = [one, other].sort()
  const digest = hash(utf8('persisted-chat/compare/1'), keyBytes(lower), keyBytes(higher))
  let bits = BigInt(`0x${hexOf(digest.subarray(0, (WORDS * WORD_BITS) / 8))}`)
  const words: string[] = []
  for (let word = 0; word < WORDS; word++) {
    words.unshift(wordlist[Number(bits % BigInt(wordlist.length))] ?? '')
    bits /= BigInt(wordlist.length)
  }
  return words
}

const keyBytes = (key = ''): Uint8Array => Buffer.from(key, 'hex')
