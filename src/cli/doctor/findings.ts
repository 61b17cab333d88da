import { AHEAD_MS_MAX } from '../../log/format/hybrid-clock.js'
import { formatAddress } from '../../net/lan/address.js'
import type { Service } from '../../net/lan/mdns/service-records.js'
import { requestedName } from '../../net/lan/mdns/service-records.js'

/** One thing that was looked at: what is so, and what to do about it where it is wrong. */
export interface Finding {
  readonly check: 'interfaces' | 'multicast' | 'others' | 'port' | 'name' | 'peer'
  readonly ok: boolean
  readonly what: string
  readonly next: string
}

interface Place {
  readonly host: string
  readonly port: number
}

/** What was met at an address. */
export type Meeting =
  | {
      readonly kind: 'native'
      readonly isSameRoom: boolean
      readonly version: number
      readonly key: string
      readonly aheadMs: number
    }
  | { readonly kind: 'scuttleup' }
  /** Something listens there that does not speak this protocol. */
  | { readonly kind: 'stranger' }
  | { readonly kind: 'none'; readonly reason: string }

/** What was seen of an interface. */
export interface SeenInterface {
  readonly name: string
  readonly address: string
  /** Whether a datagram to everyone could be sent, and came back to this machine. */
  readonly isOpen: boolean
  readonly isHeardHere: boolean
  /** How many other addresses on it were heard. */
  readonly others: number
}

/** What became of the own port. */
export interface SeenPort {
  readonly port: number
  /** What listens there already, where it could not be had; `refused` where it may not be had at all. */
  readonly holder: Meeting | { readonly kind: 'refused'; readonly reason: string } | undefined
  /** Own addresses at which it was not reached. */
  readonly unreached: readonly string[]
}

export interface SeenPeer {
  /** As the user wrote it. */
  readonly asked: string
  /** What peers of that name say of themselves; none where an address was given. */
  readonly services: readonly Service[]
  /** Where it may be. */
  readonly meetings: readonly { readonly place: Place; readonly met: Meeting }[]
  readonly isByAddress: boolean
}

export interface Seen {
  readonly me: string | undefined
  /** The own short key; undefined before the first start. */
  readonly key: string | undefined
  readonly version: number
  readonly room: { readonly name: string; readonly tag: string; readonly isLobby: boolean }
  /** Why the port of multicast DNS is not to be had, if so. */
  readonly multicastFault: string | undefined
  readonly interfaces: readonly SeenInterface[]
  readonly services: readonly (Service & { readonly places: readonly Place[] })[]
  readonly port: SeenPort | undefined
  readonly peers: readonly SeenPeer[]
}

/** What all that was seen means, in the order in which to look at it. */
export function findingsOf(seen: Seen): Finding[] {
  return [
    ...interfaceFindings(seen),
    ...otherFindings(seen),
    ...(seen.port === undefined ? [] : portFindings(seen, seen.port)),
    ...nameFindings(seen),
    ...seen.peers.flatMap(peer => peerFindings(seen, peer)),
  ]
}

const good = (check: Finding['check'], what: string): Finding => ({ check, ok: true, what, next: '' })
const bad = (check: Finding['check'], what: string, next: string): Finding => ({ check, ok: false, what, next })

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'

function interfaceFindings({ interfaces, multicastFault }: Seen): Finding[] {
  const outside = interfaces.filter(({ address }) => !isLoopback(address))
  const found: Finding[] = []
  if (interfaces.length === 0) {
    return [
      bad('interfaces', 'no network interface is up, not even loopback', 'Bring one up; until then nobody is reached.'),
    ]
  }
  if (outside.length === 0) {
    found.push(
      bad(
        'interfaces',
        'no network interface is up but loopback: only this machine is reached',
        'Connect to a network.',
      ),
    )
  } else {
    found.push(good('interfaces', outside.map(({ name, address }) => `${name} ${address}`).join(', ')))
  }
  if (multicastFault !== undefined) {
    return [...found, bad('multicast', multicastFault, 'End the program that has it, or name peers by address.')]
  }
  for (const { name, address, isOpen, isHeardHere, others } of interfaces) {
    const where = `${name} (${address})`
    if (isOpen && isHeardHere) {
      const heard = others === 0 ? 'nobody else heard' : `${others} other${others === 1 ? '' : 's'} heard`
      found.push(good('multicast', `${where}: what is sent comes back, ${heard}`))
    } else if (!isLoopback(address) || outside.length === 0) {
      const what = isOpen ? 'what is sent to everyone does not come back' : 'multicast cannot be used'
      const next = isOpen ? 'Let UDP port 5353 through the firewall' : 'Turn multicast on for it'
      found.push(bad('multicast', `${where}: ${what}`, `${next}, or name peers there by address.`))
    }
  }
  return found
}

/** Others whom one line names, and places of each. */
const OTHERS_MAX = 8
const PLACES_MAX = 3

function otherFindings({ services, room, key }: Seen): Finding[] {
  const others = services.filter(service => service.room === room.tag && service.key !== key)
  if (others.length === 0) return [good('others', `nobody else is announced in the room ${room.name}`)]
  const named = others.slice(0, OTHERS_MAX).map(({ instance, places }) => {
    const where = places.slice(0, PLACES_MAX).map(formatAddress).join(' ')
    return `${instance} at ${where}`
  })
  const more = others.length > named.length ? ` and ${others.length - named.length} more` : ''
  return [good('others', `in the room ${room.name}: ${named.join(', ')}${more}`)]
}

function portFindings({ me, key, services }: Seen, { port, holder, unreached }: SeenPort): Finding[] {
  const own = `port ${port}, which is ${me}'s,`
  const free =
    'Your chat takes a free one, which only peers on this network learn of; or end that one, or use --listen.'
  if (holder?.kind === 'refused')
    return [bad('port', `${own} cannot be listened on: ${holder.reason}`, 'Choose another with --listen.')]
  if (holder?.kind === 'native' && holder.key !== key)
    return [bad('port', `${own} is held by a chat with another key (${shortOf(holder.key)})`, free)]
  if (holder !== undefined && holder.kind !== 'native')
    return [
      bad(
        'port',
        `${own} is held by ${holder.kind === 'scuttleup' ? 'the original program' : 'another program'}`,
        free,
      ),
    ]
  if (unreached.length > 0) {
    const next = `Let TCP port ${port} through the firewall of this machine.`
    return [bad('port', `${own} is not reached at ${unreached.join(', ')}`, next)]
  }
  if (holder === undefined) return [good('port', `${own} is free and can be reached`)]
  if (services.some(service => service.key === key))
    return [good('port', `${me} is running, at port ${port}, and announced`)]
  const next = 'Was it started with --no-discovery? Else see what is said of multicast.'
  return [bad('port', `${me} is running, at port ${port}, but not announced`, next)]
}

function nameFindings({ me, key, services }: Seen): Finding[] {
  if (me === undefined) return []
  const others = services.filter(({ instance, key: theirs }) => requestedName(instance) === me && theirs !== key)
  if (others.length === 0) return [good('name', `nobody else is announced as ${me}`)]
  const keys = [...new Set(others.map(each => shortOf(each.key)))].slice(0, 4).join(', ')
  const next = 'Nothing is lost: you are told apart by your keys. To be found by name alone, take another.'
  return [bad('name', `${me} is the name of somebody else here too, with the key ${keys}`, next)]
}

function peerFindings(seen: Seen, peer: SeenPeer): Finding[] {
  const { asked, services, meetings, isByAddress } = peer
  const inRoom = services.filter(({ room }) => room === seen.room.tag)
  const other = services.find(({ version }) => version !== seen.version)
  const best = [...meetings].sort((a, b) => rankOf(seen, a.met) - rankOf(seen, b.met))[0]
  if (services.length > 0 && inRoom.length === 0) {
    return [bad('peer', `${asked} is here, but in another room than ${seen.room.name}`, ROOM)]
  }
  if (best === undefined) {
    const next = isByAddress
      ? 'Is it spelt right? Try the number instead of the name.'
      : `Is persisted-chat ${asked} running, on this network, without --no-discovery? Else name its address, as 10.0.0.7:4000.`
    return [bad('peer', `${asked}: nobody on this network answers to that name`, next)]
  }
  const { place, met } = best
  const where = formatAddress(place) === asked ? asked : `${asked} (${formatAddress(place)})`
  switch (met.kind) {
    case 'none':
      return [bad('peer', `${where}: ${met.reason}`, nextFor(met.reason, asked, place.port))]
    case 'stranger':
      return [
        bad('peer', `${where}: another program listens there`, 'Is the port right? Ask which one its chat printed.'),
      ]
    case 'scuttleup':
      return seen.room.isLobby
        ? [good('peer', `${where}: the original program; its lines are unsigned`)]
        : [bad('peer', `${where}: the original program, which knows no rooms`, 'Meet it in the lobby, without --room.')]
    case 'native':
      return [oursFinding(seen, where, met, other?.version ?? met.version)]
  }
}

const ROOM = 'Start both with the same --room.'

function oursFinding(seen: Seen, where: string, met: Extract<Meeting, { kind: 'native' }>, version: number): Finding {
  const { isSameRoom, key, aheadMs } = met
  if (!isSameRoom) return bad('peer', `${where}: in another room than ${seen.room.name}`, ROOM)
  if (version !== seen.version) {
    const next = 'Both still speak the older one; update the other.'
    return bad(
      'peer',
      `${where}: speaks version ${version} of the protocol, this program version ${seen.version}`,
      next,
    )
  }
  if (key === seen.key) {
    const next = 'Of two devices with one key only the first writes. Is it yourself? Else make another key with renew.'
    return bad('peer', `${where}: has your own key`, next)
  }
  if (Math.abs(aheadMs) > AHEAD_MS_MAX) {
    const hours = Math.round(Math.abs(aheadMs) / 3_600_000)
    return bad(
      'peer',
      `${where}: its clock is ${hours} hours ${aheadMs > 0 ? 'ahead of' : 'behind'} yours`,
      'Set the wrong one right.',
    )
  }
  return good('peer', `${where}: answers, with the key ${shortOf(key)}`)
}

/** Of several answers the best counts: a peer that is reached anywhere is reached. */
function rankOf({ key, version }: Seen, met: Meeting): number {
  if (met.kind === 'native') return met.isSameRoom && met.version === version && met.key !== key ? 0 : 1
  return met.kind === 'scuttleup' ? 2 : met.kind === 'stranger' ? 3 : 4
}

function nextFor(reason: string, asked: string, port: number): string {
  if (reason === 'nobody listens there') return `Is it running? If it listens elsewhere, name that as host:port.`
  if (reason === 'it does not answer')
    return `Let TCP port ${port} through the firewall there; or is the address an old one?`
  if (reason === 'it closed the connection') return 'It may have too many links waiting: try again in a minute.'
  return `Are you on the same network as ${asked}? A guest network often keeps its machines apart.`
}

const shortOf = (key: string): string => `${key.slice(0, 8)}…`
