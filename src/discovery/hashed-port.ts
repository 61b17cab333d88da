import toPort from 'hash-to-port'

/** Where a peer of this name is expected: `<name>.local`, at the port that its name hashes to. */
export const addressOfName = (name: string): { readonly host: string; readonly port: number } => ({
  host: `${name}.local`,
  port: toPort(name),
})
