import { createRequire } from 'node:module'

/** `require` for CommonJS packages: when one is imported instead, Node.js parses it for export names, which delays every start. */
export const requirePackage = createRequire(import.meta.url)
