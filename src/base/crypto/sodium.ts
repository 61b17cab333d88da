import { requirePackage } from '../packages.js'

let loaded: typeof import('sodium-native') | undefined

/** libsodium, loaded on first use: clients of a node never need it. */
export function sodium(): typeof import('sodium-native') {
  loaded ??= requirePackage('sodium-native') as typeof import('sodium-native')
  return loaded
}

/**
 * libsodium's BLAKE2b from one range of a buffer into another, without the checks and views of the package's `crypto_generichash`,
 * which take longer than hashing a chat line: a step of a chain takes 0.63 µs instead of 0.97 µs. This is not a documented interface
 * of the package, so package.json accepts only its patch releases.
 */
export const nativeHash = (): typeof import('sodium-native/binding').crypto_generichash =>
  (requirePackage('sodium-native/binding') as typeof import('sodium-native/binding')).crypto_generichash
