import { requirePackage } from '../../base/packages.js'

const toPort: typeof import('hash-to-port') = requirePackage('hash-to-port')

/** The address at which a name is expected: host `<name>.local`, port hashed from the name. docs/protocol/wire.md §2. */
export const addressOfName = (name: string): { readonly host: string; readonly port: number } => ({
  host: `${name}.local`,
  port: toPort(name),
})
