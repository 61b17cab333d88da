export interface PeerAddress {
  readonly host: string
  readonly port: number
}

const HOST = /^[\p{L}\p{N}._-]{1,200}$/u
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?$/

/** Parses an address and a port, separated by a colon or a space. Undefined if malformed. */
export function peerAddressOf(text: string, portMin = 1): PeerAddress | undefined {
  const [, host = '', digits = ''] = /^(\S+?)(?::|\s+)(\d{1,5})$/.exec(text.trim()) ?? []
  const bracketed = /^\[(.*)\]$/.exec(host)?.[1]
  const port = Number(digits)
  const isHost = bracketed === undefined ? HOST.test(host) : IPV6.test(bracketed)
  return isHost && port >= portMin && port <= 65_535 ? { host: bracketed ?? host, port } : undefined
}

export function formatPeerAddress({ host, port }: PeerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
