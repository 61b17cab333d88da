import { createRequire } from 'node:module'

/** libsodium. Required and not imported: an import would parse the package once more for its names, 15 ms of each start. */
export const sodium: typeof import('sodium-native') = createRequire(import.meta.url)('sodium-native')
