import { ChatError } from '../../base/errors.js'
import { count, record, text } from '../../base/shape.js'

/** The address that a peer listens on. */
export interface Address {
  readonly host: string
  readonly port: number
}

export const ADDRESS = record<Address>({ host: text, port: count })

const PORT = /^\d{1,5}$/
/** Characters of host names and IPv4 addresses. */
const HOST = /^[\p{L}\p{N}._-]{1,200}$/u
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?$/

const HINT = 'Write it as host:port, 10.0.0.7:4000 or [fd00::2]:4000.'

/** Parses `host:port` or `[v6]:port`. Throws BAD_ADDRESS. */
export const parseAddress = (text: string): Address => parse(text, 1)

function parse(text: string, portMin: number): Address {
  const bracketed = /^\[(.*)\]:(.*)$/.exec(text)
  const [host = '', port = ''] = bracketed ? bracketed.slice(1) : cut(text)
  if (bracketed ? !IPV6.test(host) : !HOST.test(host)) {
    throw new ChatError('BAD_ADDRESS', `${text} is not an address`, { hint: HINT })
  }
  return { host, port: parsePort(port, text, portMin) }
}

/** Parses the value of --listen: `port`, `:port`, `host:port` or `[v6]:port`. Port 0 is any free one. Throws BAD_ADDRESS. */
export function parseListen(text: string): { readonly host: string | undefined; readonly port: number } {
  const [, port] = /^:?(\d+)$/.exec(text) ?? []
  return port === undefined ? parse(text, 0) : { host: undefined, port: parsePort(port, text, 0) }
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
