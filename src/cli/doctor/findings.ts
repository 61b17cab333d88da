import { AHEAD_MS_MAX } from '../../log/format/hybrid-clock.js'
import { type Address, formatAddress } from '../../net/lan/address.js'
import { requestedName, type Service } from '../../net/lan/mdns/service-records.js'
import type { ProbeResult } from '../../net/probe.js'
import { dialFailureText } from '../../ui/text/net-text.js'

/** The result of one check: an observation and, if something is wrong, what to do about it. */
export interface Finding {
  readonly check: 'interfaces' | 'multicast' | 'others' | 'port' | 'name' | 'peer'
  readonly ok: boolean
  readonly what: string
  readonly next: string
}

interface NativeAnswer {
  readonly kind: 'native'
  readonly isSameRoom: boolean
  readonly version: number
  readonly key: string
  readonly aheadMs: number
}

/** What answers at an address. */
export type Answer = NativeAnswer | Exclude<ProbeResult, { readonly kind: 'native' }>

export interface ObservedInterface {
  readonly name: string
  readonly address: string
  /** Whether multicast packets could be sent on the interface, and came back to this machine. */
  readonly isOpen: boolean
  readonly isHeardHere: boolean
  /** Number of other hosts heard on the interface. */
  readonly otherHosts: number
}

export interface ObservedPort {
  readonly port: number
  /** The program that uses the port if we could not listen on it; `refused` if the system does not permit listening. */
  readonly holder: Answer | { readonly kind: 'refused'; readonly reason: string } | undefined
  /** Our addresses at which the port could not be reached. */
  readonly unreachable: readonly string[]
}

export interface ObservedPeer {
  /** The peer as the user wrote it. */
  readonly given: string
  /** Announcements of that name; none for an address. */
  readonly services: readonly Service[]
  /** What answers at each of its addresses. */
  readonly answers: readonly { readonly address: Address; readonly answer: Answer }[]
  readonly isByAddress: boolean
}

export interface Observations {
  readonly me: string | undefined
  /** Our short key; undefined before the first start. */
  readonly key: string | undefined
  readonly version: number
  readonly room: { readonly name: string; readonly tag: string; readonly isLobby: boolean }
  /** Why the port of multicast DNS is unavailable, if it is. */
  readonly multicastFault: string | undefined
  readonly interfaces: readonly ObservedInterface[]
  readonly services: readonly (Service & { readonly addresses: readonly Address[] })[]
  readonly port: ObservedPort | undefined
  readonly peers: readonly ObservedPeer[]
}

/** Interprets the observations, in the order in which the user should check them. */
export function findingsOf(observed: Observations): Finding[] {
  return [
    ...interfaceFindings(observed),
    ...otherFindings(observed),
    ...(observed.port === undefined ? [] : portFindings(observed, observed.port)),
    ...nameFindings(observed),
    ...observed.peers.map(peer => peerFinding(observed, peer)),
  ]
}

const good = (check: Finding['check'], what: string): Finding => ({ check, ok: true, what, next: '' })
const bad = (check: Finding['check'], what: string, next: string): Finding => ({ check, ok: false, what, next })

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'

function interfaceFindings({ interfaces, multicastFault }: Observations): Finding[] {
  const external = interfaces.filter(({ address }) => !isLoopback(address))
  if (interfaces.length === 0)
    return [bad('interfaces', 'no network interface is up, not even loopback', 'Enable one to reach anyone.')]
  const first =
    external.length === 0
      ? bad(
          'interfaces',
          'no network interface is up except loopback: only this machine can be reached',
          'Connect to a network.',
        )
      : good('interfaces', external.map(({ name, address }) => `${name} ${address}`).join(', '))
  if (multicastFault !== undefined)
    return [first, bad('multicast', multicastFault, 'Stop the program that uses it, or name peers by address.')]
  return [first, ...interfaces.flatMap(each => multicastFindings(each, external.length === 0))]
}

function multicastFindings(
  { name, address, isOpen, isHeardHere, otherHosts }: ObservedInterface,
  isOnlyLoopback: boolean,
): Finding[] {
  const where = `${name} (${address})`
  if (isOpen && isHeardHere) {
    const heard =
      otherHosts === 0 ? 'no other hosts heard' : `${otherHosts} other host${otherHosts === 1 ? '' : 's'} heard`
    return [good('multicast', `${where}: multicast works, ${heard}`)]
  }
  if (isLoopback(address) && !isOnlyLoopback) return []
  const what = isOpen ? 'multicast packets do not come back' : 'multicast is unavailable'
  const next = isOpen ? 'Allow UDP port 5353 in the firewall' : 'Enable multicast on it'
  return [bad('multicast', `${where}: ${what}`, `${next}, or name peers there by address.`)]
}

const HOLDERS = {
  scuttleup: 'a scuttleup peer',
  older: 'an older version of this program',
  stranger: 'another program',
  none: 'another program',
} as const

/** Largest number of other peers in one line, and of addresses of each. */
const OTHERS_MAX = 8
const ADDRESSES_MAX = 3

function otherFindings({ services, room, key }: Observations): Finding[] {
  const others = services.filter(service => service.rooms.includes(room.tag) && service.key !== key)
  if (others.length === 0) return [good('others', `no other peer is announced in the room ${room.name}`)]
  const named = others.slice(0, OTHERS_MAX).map(({ instance, addresses }) => {
    const where = addresses.slice(0, ADDRESSES_MAX).map(formatAddress).join(' ')
    return `${instance} at ${where}`
  })
  const more = others.length > named.length ? ` and ${others.length - named.length} more` : ''
  return [good('others', `in the room ${room.name}: ${named.join(', ')}${more}`)]
}

function portFindings({ me, key, services }: Observations, { port, holder, unreachable }: ObservedPort): Finding[] {
  const ours = `port ${port}, which belongs to the name ${me},`
  const free =
    'Your chat will use a free port, which only peers on this network learn; or stop that program, or use --listen.'
  if (holder?.kind === 'refused')
    return [bad('port', `${ours} is unavailable: ${holder.reason}`, 'Choose another port with --listen.')]
  if (holder?.kind === 'native' && holder.key !== key)
    return [bad('port', `${ours} is in use by a chat with another key (${shortOf(holder.key)})`, free)]
  if (holder !== undefined && holder.kind !== 'native') {
    const program = HOLDERS[holder.kind]
    return [bad('port', `${ours} is in use by ${program}`, free)]
  }
  if (unreachable.length > 0) {
    const next = `Allow TCP port ${port} in the firewall of this machine.`
    return [bad('port', `${ours} is unreachable at ${unreachable.join(', ')}`, next)]
  }
  if (holder === undefined) return [good('port', `${ours} is free and reachable`)]
  if (services.some(service => service.key === key))
    return [good('port', `${me} is running on port ${port}, and announced`)]
  const next = 'Was it started with --no-discovery? Otherwise see the multicast findings.'
  return [bad('port', `${me} is running on port ${port}, but not announced`, next)]
}

function nameFindings({ me, key, services }: Observations): Finding[] {
  if (me === undefined) return []
  const others = services.filter(({ instance, key: theirs }) => requestedName(instance) === me && theirs !== key)
  if (others.length === 0) return [good('name', `no other peer is announced as ${me}`)]
  const keys = [...new Set(others.map(each => shortOf(each.key)))].slice(0, 4).join(', ')
  const next = 'Nothing is lost: keys tell you apart. Choose another name to be found by name alone.'
  return [bad('name', `another peer is named ${me} here too, with the key ${keys}`, next)]
}

/** Programs of earlier versions cannot connect. */
const OLDEST_VERSION = 2

const SAME_ROOM = 'Start both with the same --room.'

function peerFinding(observed: Observations, peer: ObservedPeer): Finding {
  const { given, services, answers, isByAddress } = peer
  const inRoom = services.filter(({ rooms }) => rooms.includes(observed.room.tag))
  if (services.length > 0 && inRoom.length === 0)
    return bad('peer', `${given} is here, but not in the room ${observed.room.name}`, SAME_ROOM)
  const best = [...answers].sort((a, b) => rankOf(observed, a.answer) - rankOf(observed, b.answer))[0]
  if (best === undefined) {
    const next = isByAddress
      ? 'Is it spelled correctly? Try its IP address.'
      : `Is persisted-chat ${given} running, on this network, without --no-discovery? Otherwise name its address, such as 10.0.0.7:4000.`
    return bad('peer', `${given}: no one on this network answers to that name`, next)
  }
  const { address, answer } = best
  const where = formatAddress(address) === given ? given : `${given} (${formatAddress(address)})`
  switch (answer.kind) {
    case 'none':
      return bad('peer', `${where}: ${reasonText(answer)}`, nextStepAfter(answer.reason, given, address.port))
    case 'stranger':
      return bad('peer', `${where}: another program is listening there`, 'Check the port that the peer printed.')
    case 'scuttleup':
      return observed.room.isLobby
        ? good('peer', `${where}: a scuttleup peer; its connection is plain, and its messages are unsigned`)
        : bad('peer', `${where}: a scuttleup peer, which supports no rooms`, 'Meet it in the lobby, without --room.')
    case 'older':
      return bad('peer', `${where}: speaks an older version of the protocol`, 'Update that program.')
    case 'native': {
      const announced = services.find(({ version }) => version !== observed.version)
      return nativeFinding(observed, where, answer, announced?.version ?? answer.version)
    }
  }
}

function nativeFinding(observed: Observations, where: string, answer: NativeAnswer, version: number): Finding {
  const { isSameRoom, key, aheadMs } = answer
  if (!isSameRoom) return bad('peer', `${where}: not in the room ${observed.room.name}`, SAME_ROOM)
  if (version !== observed.version) {
    const what = `${where}: speaks version ${version} of the protocol, this program version ${observed.version}`
    const isTooOld = version < OLDEST_VERSION
    return bad(
      'peer',
      what,
      isTooOld ? 'Update that program.' : 'Both use the older version; update the other program.',
    )
  }
  if (key === observed.key) {
    const next = 'Of two devices with one key only the first can write. Is it this device? Otherwise run renew on one.'
    return bad('peer', `${where}: has your key`, next)
  }
  if (Math.abs(aheadMs) > AHEAD_MS_MAX) {
    const hours = Math.round(Math.abs(aheadMs) / 3_600_000)
    const what = `${where}: its clock is ${hours} hours ${aheadMs > 0 ? 'ahead of' : 'behind'} yours`
    return bad('peer', what, 'Correct the wrong clock.')
  }
  return good('peer', `${where}: answers, encrypted, with the key ${shortOf(key)}`)
}

/** Rank of an answer. The best answer of a peer is reported: a peer is reachable if one of its addresses is. */
function rankOf({ key, version }: Observations, answer: Answer): number {
  if (answer.kind === 'native') return answer.isSameRoom && answer.version === version && answer.key !== key ? 0 : 1
  return answer.kind === 'scuttleup' ? 2 : answer.kind === 'stranger' ? 3 : 4
}

type Unreachable = Extract<Answer, { readonly kind: 'none' }>

const reasonText = ({ reason, detail }: Unreachable): string =>
  reason === 'silent' ? 'accepts connections but sends nothing' : dialFailureText({ reason, detail })

function nextStepAfter(reason: Unreachable['reason'], given: string, port: number): string {
  if (reason === 'refused') return 'Is it running? If it uses another port, name it as host:port.'
  if (reason === 'no-answer') return `Allow TCP port ${port} in its firewall; or is the address outdated?`
  if (reason === 'closed') return 'It may have too many pending connections: try again in a minute.'
  return `Are you on the same network as ${given}? Guest networks often isolate their machines.`
}

const shortOf = (key: string): string => `${key.slice(0, 8)}…`
