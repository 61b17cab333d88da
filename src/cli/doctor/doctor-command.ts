import { existsSync } from 'node:fs'
import { type Millis, systemClock } from '../../base/clock.js'
import { loadKey } from '../../base/crypto/key-file.js'
import { keyPairOf, SEED_BYTES } from '../../base/crypto/signing.js'
import { ChatError, reasonOf } from '../../base/errors.js'
import { equalsIgnoringCase } from '../../base/names.js'
import { systemRandom } from '../../base/random.js'
import { sanitise } from '../../base/safe-text.js'
import { hexOf } from '../../base/wire/bytes.js'
import { LOBBY } from '../../log/format/room-id.js'
import { Handshake } from '../../net/handshake/handshake.js'
import { INSTANCE_ID_BYTES, NONCE_BYTES, PROTOCOL_VERSION } from '../../net/handshake/hello.js'
import { type Address, parseListen } from '../../net/lan/address.js'
import { type Discovery, openDiscovery } from '../../net/lan/mdns/discovery.js'
import type { LocalInterface } from '../../net/lan/mdns/interfaces.js'
import { fieldsOf, itemsOf } from '../../net/lan/mdns/packets.js'
import { labelMark } from '../../net/lan/mdns/prefilter.js'
import { resolver } from '../../net/lan/mdns/resolve.js'
import { ALL_SERVICES, requestedName, roomTag, SERVICE, shortKeyOf } from '../../net/lan/mdns/service-records.js'
import { MulticastSockets } from '../../net/lan/mdns/sockets.js'
import { TcpSource } from '../../net/lan/tcp.js'
import { HANDSHAKE_MS_MAX } from '../../net/limits.js'
import type { RawConnection } from '../../net/peer-source.js'
import { checkHome } from '../../node/home-guard.js'
import { type Home, homeOf } from '../../node/paths.js'
import { addressIn, placeOf } from '../../node/peer-name.js'
import { warn, writeLinesIfOpen } from '../../ui/lines/output.js'
import {
  type Finding,
  findingsOf,
  type Meeting,
  type Seen,
  type SeenInterface,
  type SeenPeer,
  type SeenPort,
} from './findings.js'

/** How long others are listened for: several questions, and their answers. */
const LISTEN_MS = 2_500

/** Lower than every name, so that an original that is asked does not dial back for ever. */
const ME = '!doctor:1'

export interface DoctorOptions {
  readonly me: string | undefined
  readonly peers: readonly string[]
  readonly listen: string | undefined
  readonly data: string
  readonly room: string | undefined
  readonly isJson: boolean
}

/** `persisted-chat doctor [me] [peer...]`: why peers do not see each other. Exit code 1 where something is wrong. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const home = homeOf(options.data, options.me ?? 'doctor', options.room)
  const peers = options.peers.map(text => {
    const { name, address } = placeOf(text, home.room)
    return { text: name, address }
  })
  const findings = findingsOf(await look(options, home, peers))
  const ok = findings.every(finding => finding.ok)
  const lines = options.isJson ? [JSON.stringify({ ok, findings })] : findings.map(lineOf)
  await writeLinesIfOpen(process.stdout, lines)
  return ok ? 0 : 1
}

const lineOf = ({ check, ok, what, next }: Finding): string =>
  sanitise(`${ok ? 'ok   ' : 'wrong'} ${check}: ${what}${next === '' ? '' : `. ${next}`}`)

interface Asked {
  readonly text: string
  /** Where it listens as its name says, or the address itself. */
  readonly address: Address
}

async function look({ me, listen }: DoctorOptions, home: Home, peers: readonly Asked[]): Promise<Seen> {
  if (me !== undefined) await checkHome(home, warn)
  const key = me !== undefined && existsSync(home.keyFile) ? await loadKey(home.keyFile, systemRandom, warn) : undefined
  const faults: string[] = []
  const discovery = openDiscovery({
    clock: systemClock,
    random: systemRandom.number,
    onWarning: line => faults.push(line),
  })
  const awake = setInterval(() => {}, 1_000) // our timers alone keep no process
  try {
    discovery.browse()
    discovery.setMissing(true)
    const interfaces = await listenAround()
    const port = me === undefined ? undefined : await tryPort(home, listen, interfaces)
    const met = await Promise.all(peers.map(peer => meet(peer, home, discovery)))
    return {
      me: me === undefined ? undefined : home.me,
      key: key === undefined ? undefined : shortKeyOf(key.publicKey),
      version: PROTOCOL_VERSION,
      room: { name: home.room, tag: roomTag(home.roomId), isLobby: home.room === LOBBY },
      multicastFault: /^(UDP port \d+ is not to be had \([^)]*\))/.exec(faults.join('\n'))?.[1],
      interfaces,
      services: discovery.services.map(service => ({ ...service, places: discovery.addressesOf(service) })),
      port,
      peers: met,
    }
  } finally {
    clearInterval(awake)
    await discovery.close()
  }
}

/** Which interfaces there are, whether a question to everyone comes back on each, and who else is heard. */
async function listenAround(): Promise<SeenInterface[]> {
  const token = `${hexOf(systemRandom.bytes(8))}.local`
  const heard = new Map<string, { isHeardHere: boolean; readonly others: Set<string> }>()
  const entryOf = (at: LocalInterface) => {
    const entry = heard.get(at.address) ?? { isHeardHere: false, others: new Set<string>() }
    heard.set(at.address, entry)
    return entry
  }
  const own = (sender: string): boolean => multicast.known.some(({ address }) => address === sender.split('%')[0])
  const multicast = new MulticastSockets({
    clock: systemClock,
    onWarning: () => {},
    onPacket: (packet, at, sender) => {
      const entry = entryOf(at)
      entry.isHeardHere ||= itemsOf(packet, 'questions').some(question => fieldsOf(question).name === token)
      if (!own(sender) && entry.others.size < 1_000) entry.others.add(sender)
    },
    onOpened: () => {},
    onChange: () => {},
    marks: () => [labelMark('local.')],
  })
  const questions = [
    { name: token, type: 'A' as const },
    { name: ALL_SERVICES, type: 'PTR' as const },
    { name: SERVICE, type: 'PTR' as const },
  ]
  for (let asked = 0; asked < 3; asked++) {
    multicast.send(() => ({ type: 'query', questions }))
    await passing(LISTEN_MS / 3)
  }
  const open = multicast.interfaces
  const seen = multicast.known.map(at => ({
    name: at.name,
    address: at.address,
    isOpen: open.includes(at),
    isHeardHere: heard.get(at.address)?.isHeardHere ?? false,
    others: heard.get(at.address)?.others.size ?? 0,
  }))
  await multicast.close(() => undefined)
  return seen
}

/** Whether the own port can be had, and is reached at the own addresses; or who has it. */
async function tryPort(
  home: Home,
  listen: string | undefined,
  interfaces: readonly SeenInterface[],
): Promise<SeenPort> {
  const { host, port } =
    listen === undefined ? { host: undefined, port: addressIn(home.me, home.room).port } : parseListen(listen)
  const transport = new TcpSource(systemClock, async address => [address])
  const addresses =
    host === undefined ? interfaces.filter(({ address }) => !address.includes(':')).map(each => each.address) : [host]
  const isReached = new Set<string>()
  const reach = async (port: number): Promise<string[]> => {
    await Promise.all(
      addresses.map(async address => {
        const connection = await transport
          .dial({ host: address, port }, new AbortController().signal)
          .catch(() => undefined)
        if (connection !== undefined) isReached.add(address)
        connection?.destroy()
      }),
    )
    return addresses.filter(address => !isReached.has(address))
  }
  try {
    const listener = await transport.listen(host, port, connection =>
      connection.on('end', () => connection.end()).resume(),
    )
    const unreached = await reach(listener.port)
    await listener.close()
    return { port: listener.port, holder: undefined, unreached }
  } catch (error) {
    if (!(error instanceof ChatError) || error.code !== 'SWARM_PORT_TAKEN')
      return { port, holder: { kind: 'refused', reason: reasonOf(error) }, unreached: [] }
    const holder = await ask({ host: host ?? '127.0.0.1', port }, home)
    return { port, holder, unreached: holder.kind === 'native' ? await reach(port) : [] }
  }
}

async function meet({ text, address }: Asked, home: Home, discovery: Discovery): Promise<SeenPeer> {
  const isByAddress = text.includes(':')
  const services = isByAddress
    ? []
    : discovery.services.filter(({ instance }) => equalsIgnoringCase(requestedName(instance), text))
  const inRoom = services.filter(({ room }) => room === roomTag(home.roomId))
  const announced = inRoom.flatMap(service => discovery.addressesOf(service))
  const find = resolver(systemClock, place => discovery.resolve(place))
  const found = announced.length > 0 ? announced : await find(address).catch(() => [])
  const places = found.slice(0, 16)
  const meetings = await Promise.all(places.map(async place => ({ place, met: await ask(place, home) })))
  return { asked: text, services, meetings, isByAddress }
}

/** Dials, says who it is as a peer would, and goes as soon as the other has said who he is: no link ever opens. */
async function ask(place: Address, { roomId }: Home): Promise<Meeting> {
  const transport = new TcpSource(systemClock, async address => [address])
  let connection: RawConnection
  try {
    connection = await transport.dial(place, new AbortController().signal)
  } catch (error) {
    return { kind: 'none', reason: reasonOf(error) }
  }
  const nowMs = systemClock.now()
  const keys = keyPairOf(systemRandom.bytes(SEED_BYTES))
  const hello = {
    version: PROTOCOL_VERSION,
    room: roomId,
    instance: systemRandom.bytes(INSTANCE_ID_BYTES),
    key: keys.publicKey,
    nonce: systemRandom.bytes(NONCE_BYTES),
    ageMs: 0,
    nowMs,
  }
  const opening = new Handshake({ role: 'dialler', me: ME, hello, keys })
  return new Promise(resolve => {
    let hasSpoken = false
    const settle = (met: Meeting): void => {
      cancel()
      resolve(met)
      connection.destroy()
    }
    const cancel = systemClock.after(HANDSHAKE_MS_MAX, () =>
      settle(hasSpoken ? { kind: 'stranger' } : { kind: 'none', reason: 'it takes connections, but says nothing' }),
    )
    const perform = (effects: ReturnType<Handshake['start']>): void => {
      const { remoteHello } = opening
      if (remoteHello !== undefined) {
        const isSameRoom = Buffer.compare(remoteHello.room, roomId) === 0
        const aheadMs = remoteHello.nowMs - nowMs
        settle({ kind: 'native', isSameRoom, version: remoteHello.version, key: shortKeyOf(remoteHello.key), aheadMs })
        return
      }
      for (const effect of effects) {
        if (effect.kind === 'send') connection.write(effect.bytes)
        if (effect.kind === 'opened') settle({ kind: 'scuttleup' })
        if (effect.kind === 'failed') settle({ kind: 'stranger' })
      }
    }
    connection.on('data', (bytes: Buffer) => {
      hasSpoken = true
      perform(opening.receive(bytes))
    })
    const onGone = (): void =>
      settle(hasSpoken ? { kind: 'stranger' } : { kind: 'none', reason: 'it closed the connection' })
    connection.once('end', onGone)
    connection.once('close', onGone)
    perform(opening.start())
  })
}

const passing = (ms: Millis): Promise<void> => new Promise(resolve => void systemClock.after(ms, resolve))
