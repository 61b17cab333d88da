import toPort from 'hash-to-port'

/**
 * Where a peer of this name is expected: `<name>.local`, at the port that its name hashes to; in another room than the
 * lobby at the port that `<name>/<room>` hashes to.
 */
export const addressOfName = (name: string, room?: string): { readonly host: string; readonly port: number } => ({
  host: `${name}.local`,
  port: toPort(room === undefined ? name : `${name}/${room}`),
})
