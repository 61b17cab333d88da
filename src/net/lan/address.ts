import { ChatError } from '../../base/errors.js'

/** Where a peer listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

const PORT = /^\d{1,5}$/
/** What host names and IP addresses are made of; scope ids of link-local addresses included. */
const HOST = /^[\p{L}\p{N}._-]{1,200}$/u
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?$/

const HINT = 'Write it as host:port, 10.0.0.7:4000 or [fd00::2]:4000.'

/** `host:port` or `[v6]:port` as an address. Throws BAD_ADDRESS. */
export const parseAddress = (text: string): Address => parsePlace(text, 1)

function parsePlace(text: string, portMin: number): Address {
  const bracketed = /^\[(.*)\]:(.*)$/.exec(text)
  const [host = '', port = ''] = bracketed ? bracketed.slice(1) : cut(text)
  if (bracketed ? !IPV6.test(host) : !HOST.test(host)) {
    throw new ChatError('BAD_ADDRESS', `${text} is no address`, { hint: HINT })
  }
  return { host, port: parsePort(port, text, portMin) }
}

/** `port`, `:port`, `host:port` or `[v6]:port`, as --listen takes it; port 0 stands for any free one. Throws BAD_ADDRESS. */
export function parseListen(text: string): { readonly host: string | undefined; readonly port: number } {
  const [, port] = /^:?(\d+)$/.exec(text) ?? []
  return port === undefined ? parsePlace(text, 0) : { host: undefined, port: parsePort(port, text, 0) }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function cut(text: string): [host: string, port: string] {
  const colon = text.lastIndexOf(':')
  return colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
}

function parsePort(port: string, text: string, min: number): number {
  const value = Number(port)
  if (!PORT.test(port) || value < min || value > 65_535) {
    throw new ChatError('BAD_ADDRESS', `${text} has no port from ${min} to 65535`, { hint: HINT })
  }
  return value
}
