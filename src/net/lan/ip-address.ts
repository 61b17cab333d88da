// IP addresses as text, parsed without node:net, because modules without IO must not import it.

const IPV4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i

/** Longest IPv6 address, `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
const IPV6_LENGTH_MAX = 45

/** An IPv4 address as a number below 2³²; undefined for anything else. Leading zeros, which some parse as octal, are not allowed. */
export function ipv4Number(text: unknown): number | undefined {
  if (typeof text !== 'string' || !IPV4.test(text)) return undefined
  let number = 0
  for (const part of text.split('.')) {
    const byte = Number(part)
    if (byte > 255) return undefined
    number = number * 256 + byte
  }
  return number
}

/** The eight groups of an IPv6 address without a zone; undefined for anything else. */
export function ipv6Groups(text: unknown): number[] | undefined {
  if (typeof text !== 'string' || text.length > IPV6_LENGTH_MAX) return undefined
  const [front = '', back, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const head = groupsOf(front, back === undefined)
  if (head === undefined) return undefined
  if (back === undefined) return head.length === 8 ? head : undefined
  const tail = groupsOf(back, true)
  if (tail === undefined || head.length + tail.length > 7) return undefined
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const ipv4 = mayEndInIpv4 && i === parts.length - 1 ? ipv4Number(part) : undefined
    if (ipv4 !== undefined) groups.push(Math.floor(ipv4 / 0x10000), ipv4 % 0x10000)
    else if (IPV6_GROUP.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/**
 * Whether a text is an IPv4 address that a peer can have. False for 0.0.0.0 (dialling it reaches this machine), for multicast and broadcast addresses, and for
 * 127.0.0.0/8 unless this machine itself sent it: otherwise a stranger could point us at our own services.
 */
export function isPeerIpv4(text: unknown, isFromLoopback: boolean): text is string {
  const number = ipv4Number(text)
  if (number === undefined) return false
  const first = Math.floor(number / 0x1000000)
  return first === 127 ? isFromLoopback : first > 0 && first < 224
}

/** Whether the text is a link-local IPv6 address, which is valid on one network only. */
export const isLinkLocal = (text: unknown): text is string => ((ipv6Groups(text)?.[0] ?? 0) & 0xffc0) === 0xfe80

/** Whether a text is an IPv6 address that a peer can have: not one that embeds IPv4, nor a link-local one, which needs a zone to be dialled. */
export function isPeerIpv6(text: unknown, isFromLoopback: boolean): text is string {
  const groups = ipv6Groups(text)
  const first = groups?.[0]
  if (groups === undefined || first === undefined) return false
  if (groups.slice(0, 5).every(group => group === 0)) {
    return isFromLoopback && groups.slice(5, 7).every(group => group === 0) && groups[7] === 1
  }
  return (first & 0xffc0) !== 0xfe80 && (first & 0xff00) !== 0xff00
}
