import { requirePackage } from '../../base/packages.js'

const toPort: typeof import('hash-to-port') = requirePackage('hash-to-port')

/**
 * The address at which a name is expected: host `<name>.local`, port hashed from the name; in a room other than the lobby, from
 * `<name>/<room>`. docs/protocol/wire.md §2.
 */
export const addressOfName = (name: string, room?: string): { readonly host: string; readonly port: number } => ({
  host: `${name}.local`,
  port: toPort(room === undefined ? name : `${name}/${room}`),
})
