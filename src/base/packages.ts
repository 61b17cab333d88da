import { createRequire } from 'node:module'

/** `require`, for packages in CommonJS. Node parses those that are imported for their export names, which delays every start. */
export const requirePackage = createRequire(import.meta.url)
