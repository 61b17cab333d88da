import { existsSync } from 'node:fs'
import { systemClock } from '../../base/clock.js'
import { loadKey } from '../../base/crypto/key-file.js'
import { equalsIgnoringCase } from '../../base/names.js'
import { systemRandom } from '../../base/random.js'
import { sanitise } from '../../base/safe-text.js'
import { LOBBY } from '../../log/format/room-id.js'
import { PROTOCOL_VERSION } from '../../net/handshake/hello.js'
import type { Address } from '../../net/lan/address.js'
import { Discovery } from '../../net/lan/mdns/discovery.js'
import { resolver } from '../../net/lan/mdns/resolve.js'
import { requestedName, roomTag, shortKeyOf } from '../../net/lan/mdns/service-records.js'
import { placeOf } from '../../node/connections/peer-name.js'
import { checkHome } from '../../node/home-guard.js'
import { type Home, homeOf } from '../../node/paths.js'
import { writeLinesIfOpen } from '../../ui/lines/output.js'
import { report } from '../store/stored-logs.js'
import { type Finding, findingsOf, type Observations, type ObservedPeer } from './findings.js'
import { answerAt, observeInterfaces, observePort } from './observe.js'

/** Largest number of addresses of one peer that are probed. */
const PROBED_MAX = 16

export interface DoctorOptions {
  readonly me: string | undefined
  readonly peers: readonly string[]
  readonly listen: string | undefined
  readonly data: string
  readonly room: string | undefined
  readonly isJson: boolean
}

/** `persisted-chat doctor [me] [peer...]`: finds out why peers do not connect. Exit code 1 if something is wrong. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings = await diagnose(options)
  const ok = findings.every(finding => finding.ok)
  const lines = options.isJson ? [JSON.stringify({ ok, findings })] : findings.map(lineOf)
  await writeLinesIfOpen(process.stdout, lines)
  return ok ? 0 : 1
}

/** Probes the network, and says what was found. Rejects with BAD_ADDRESS or BAD_NAME. */
export async function diagnose(options: Omit<DoctorOptions, 'isJson'>): Promise<readonly Finding[]> {
  const home = homeOf(options.data, options.me ?? 'doctor', options.room)
  const peers = options.peers.map(text => {
    const { name, address } = placeOf(text)
    return { text: name, address }
  })
  return findingsOf(await observe(options, home, peers))
}

const lineOf = ({ check, ok, what, next }: Finding): string =>
  sanitise(`${ok ? 'ok   ' : 'wrong'} ${check}: ${what}${next === '' ? '' : `. ${next}`}`)

interface NamedPeer {
  readonly text: string
  /** The given address, or the one derived from the name. */
  readonly address: Address
}

async function observe(
  { me, listen }: Pick<DoctorOptions, 'me' | 'listen'>,
  home: Home,
  peers: readonly NamedPeer[],
): Promise<Observations> {
  if (me !== undefined) await checkHome(home, report)
  const key =
    me !== undefined && existsSync(home.keyFile) ? await loadKey(home.keyFile, systemRandom, report) : undefined
  let multicastFault: string | undefined
  const discovery = new Discovery({
    clock: systemClock,
    random: systemRandom.number,
    onEvent: event => {
      if (event.kind === 'multicast-port-unavailable')
        multicastFault ??= `UDP port ${event.port} is unavailable (${event.code})`
    },
  })
  const keepAlive = setInterval(() => {}, 1_000) // the timers of systemClock do not keep a process running
  try {
    discovery.browse()
    discovery.setMissing(true)
    const interfaces = await observeInterfaces()
    const port = me === undefined ? undefined : await observePort(home, listen, interfaces)
    const observedPeers = await Promise.all(peers.map(peer => observePeer(peer, home, discovery)))
    return {
      me: me === undefined ? undefined : home.me,
      key: key === undefined ? undefined : shortKeyOf(key.publicKey),
      version: PROTOCOL_VERSION,
      room: { name: home.room, tag: roomTag(home.roomId), isLobby: home.room === LOBBY },
      multicastFault,
      interfaces,
      services: discovery.services.map(service => ({ ...service, addresses: discovery.addressesOf(service) })),
      port,
      peers: observedPeers,
    }
  } finally {
    clearInterval(keepAlive)
    await discovery.close()
  }
}

async function observePeer({ text, address }: NamedPeer, home: Home, discovery: Discovery): Promise<ObservedPeer> {
  const isByAddress = text.includes(':')
  const services = isByAddress
    ? []
    : discovery.services.filter(({ instance }) => equalsIgnoringCase(requestedName(instance), text))
  const inRoom = services.filter(({ rooms }) => rooms.includes(roomTag(home.roomId)))
  const announced = inRoom.flatMap(service => discovery.addressesOf(service))
  const resolve = resolver(systemClock, each => discovery.resolve(each))
  const found = announced.length > 0 ? announced : await resolve(address).catch(() => [])
  const answers = await Promise.all(
    found.slice(0, PROBED_MAX).map(async each => ({ address: each, answer: await answerAt(each, home) })),
  )
  return { given: text, services, answers, isByAddress }
}
