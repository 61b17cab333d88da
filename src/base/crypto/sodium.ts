import { createRequire } from 'node:module'

let loaded: typeof import('sodium-native') | undefined

/**
 * libsodium, loaded on first use: a face never needs it. `require` instead of `import` saves 15 ms per start: Node parses the package
 * for its export names on import.
 */
export function sodium(): typeof import('sodium-native') {
  loaded ??= createRequire(import.meta.url)('sodium-native') as typeof import('sodium-native')
  return loaded
}
