import { requirePackage } from '../packages.js'

let loaded: typeof import('sodium-native') | undefined

/** libsodium, loaded on first use: clients of a node never need it. */
export function sodium(): typeof import('sodium-native') {
  loaded ??= requirePackage('sodium-native') as typeof import('sodium-native')
  return loaded
}
