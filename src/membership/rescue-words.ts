import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { keyPairOf, SEED_BYTES } from '../base/crypto/signing.js'
import { ChatError } from '../base/errors.js'
import type { Random } from '../base/random.js'

export interface RescueWords {
  /** 24 words of BIP-39, which are stored nowhere. */
  readonly words: readonly string[]
  /** The public key that an opening names, which may remove the founder. */
  readonly key: Uint8Array
}

export function newRescueWords(random: Random): RescueWords {
  const seed = random.bytes(SEED_BYTES)
  return { words: entropyToMnemonic(Uint8Array.from(seed), wordlist).split(' '), key: keyPairOf(seed).publicKey }
}

/** The seed of the rescue key (32 bytes) that the typed words encode. Throws BAD_USAGE. */
export function rescueSeedOf(typed: string): Uint8Array {
  try {
    return mnemonicToEntropy(typed.trim().toLowerCase().split(/\s+/).join(' '), wordlist)
  } catch {
    throw new ChatError('BAD_USAGE', 'these are not 24 rescue words', {
      hint: 'Type them in the order in which they were printed.',
    })
  }
}

/** Lines that show rescue words, six to a line. */
export function rescueWordLines({ words }: RescueWords): readonly string[] {
  const lines: string[] = []
  for (let at = 0; at < words.length; at += 6) lines.push(words.slice(at, at + 6).join(' '))
  return lines
}
