import { createRequire } from 'node:module'

/** libsodium. `require` instead of `import` saves 15 ms per start: Node parses the package for its export names on import. */
export const sodium: typeof import('sodium-native') = createRequire(import.meta.url)('sodium-native')
