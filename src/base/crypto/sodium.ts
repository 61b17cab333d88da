import { createRequire } from 'node:module'

let loaded: typeof import('sodium-native') | undefined

/**
 * libsodium, loaded on first use: clients of a node never need it. `require` saves 15 ms per start compared to `import`, for which
 * Node parses the package to find its export names.
 */
export function sodium(): typeof import('sodium-native') {
  loaded ??= createRequire(import.meta.url)('sodium-native') as typeof import('sodium-native')
  return loaded
}
