import { pause, systemClock } from '../../base/clock.js'
import { ChatError, reasonOf } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { Address } from '../../net/lan/address.js'
import type { LocalInterface } from '../../net/lan/mdns/interfaces.js'
import { fieldsOf, itemsOf } from '../../net/lan/mdns/packets.js'
import { labelPattern } from '../../net/lan/mdns/prefilter.js'
import { ALL_SERVICES, SERVICE, shortKeyIn } from '../../net/lan/mdns/service-records.js'
import { MulticastSockets } from '../../net/lan/mdns/sockets.js'
import { TcpSource } from '../../net/lan/tcp.js'
import { probe } from '../../net/probe.js'
import { listeningPlace } from '../../node/connections/peer-name.js'
import type { Home } from '../../node/paths.js'
import type { Answer, ObservedInterface, ObservedPort } from './findings.js'

/** How long to listen for packets of other hosts, and how many queries to send meanwhile. */
const OBSERVED_MS = 2_500
const QUERIES = 3

/** Largest number of other hosts that are counted on one interface. */
const HOSTS_MAX = 1_000

/** Dials the given address itself, without a lookup. */
const source = new TcpSource(systemClock, async address => [address])

/** Sends queries on each interface. Reports whether they come back, and how many other hosts are heard. */
export async function observeInterfaces(): Promise<ObservedInterface[]> {
  const token = `${hexOf(systemRandom.bytes(8))}.local`
  const heard = new Map<string, { isHeardHere: boolean; readonly hosts: Set<string> }>()
  const entryOf = (at: LocalInterface) => {
    const entry = heard.get(at.address) ?? { isHeardHere: false, hosts: new Set<string>() }
    heard.set(at.address, entry)
    return entry
  }
  const isOurs = (sender: string): boolean => sockets.known.some(({ address }) => address === sender.split('%')[0])
  const sockets = new MulticastSockets({
    clock: systemClock,
    onEvent: () => {},
    onPacket: (packet, at, sender) => {
      const entry = entryOf(at)
      entry.isHeardHere ||= itemsOf(packet, 'questions').some(question => fieldsOf(question).name === token)
      if (!isOurs(sender) && entry.hosts.size < HOSTS_MAX) entry.hosts.add(sender)
    },
    onOpened: () => {},
    onChange: () => {},
    marks: () => [labelPattern('local.')],
  })
  const questions = [
    { name: token, type: 'A' as const },
    { name: ALL_SERVICES, type: 'PTR' as const },
    { name: SERVICE, type: 'PTR' as const },
  ]
  for (let sent = 0; sent < QUERIES; sent++) {
    sockets.send(() => ({ type: 'query', questions }))
    await pause(systemClock, OBSERVED_MS / QUERIES)
  }
  const open = sockets.interfaces
  const observed = sockets.known.map(at => ({
    name: at.name,
    address: at.address,
    isOpen: open.includes(at),
    isHeardHere: heard.get(at.address)?.isHeardHere ?? false,
    otherHosts: heard.get(at.address)?.hosts.size ?? 0,
  }))
  await sockets.close(() => undefined)
  return observed
}

/**
 * Listens on our port for a moment, and dials it at each of our addresses. If the port is in use, probes the process
 * that uses it.
 */
export async function observePort(
  home: Home,
  listen: string | undefined,
  interfaces: readonly ObservedInterface[],
): Promise<ObservedPort> {
  const { host, port } = listeningPlace(home.me, listen)
  const addresses =
    host === undefined ? interfaces.filter(({ address }) => !address.includes(':')).map(each => each.address) : [host]
  try {
    const listener = await source.listen(host, port, connection =>
      connection.on('end', () => connection.end()).resume(),
    )
    const unreachable = await unreachableOf(addresses, listener.port)
    await listener.close()
    return { port: listener.port, holder: undefined, unreachable }
  } catch (error) {
    if (!(error instanceof ChatError) || error.code !== 'SWARM_PORT_TAKEN')
      return { port, holder: { kind: 'refused', reason: reasonOf(error) }, unreachable: [] }
    const holder = await answerAt({ host: host ?? '127.0.0.1', port }, home)
    return { port, holder, unreachable: holder.kind === 'native' ? await unreachableOf(addresses, port) : [] }
  }
}

/** Probes an address. */
export async function answerAt(address: Address, { roomId }: Home): Promise<Answer> {
  const result = await probe(address, { source, room: roomId, clock: systemClock, random: systemRandom })
  if (result.kind !== 'native') return result
  const { isSameRoom, remote } = result
  return { kind: 'native', isSameRoom, version: remote.version, key: shortKeyIn(remote.key), aheadMs: remote.aheadMs }
}

/** The addresses at which a port accepts no connection. */
async function unreachableOf(addresses: readonly string[], port: number): Promise<string[]> {
  const reached = new Set<string>()
  await Promise.all(
    addresses.map(async host => {
      const connection = await source.dial({ host, port }, new AbortController().signal).catch(() => undefined)
      if (connection !== undefined) reached.add(host)
      connection?.destroy()
    }),
  )
  return addresses.filter(address => !reached.has(address))
}
