import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { systemClock } from '../../src/base/clock.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { systemRandom } from '../../src/base/random.js'
import { concat } from '../../src/base/wire/bytes.js'
import { isSigned, type LogId } from '../../src/log/format/author.js'
import { decodeEntry } from '../../src/log/format/entry.js'
import { LOBBY, roomId } from '../../src/log/format/room-id.js'
import { Connections } from '../../src/net/connections.js'
import type { HandshakeEffect } from '../../src/net/handshake/effects.js'
import { Handshake } from '../../src/net/handshake/handshake.js'
import { INSTANCE_ID_BYTES, PROTOCOL_VERSION } from '../../src/net/handshake/hello.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import { UNPROVEN_MAX } from '../../src/net/limits.js'
import type { RawConnection } from '../../src/net/peer-source.js'
import { RoomChannels } from '../../src/net/room-channels.js'
import { Room } from '../../src/node/room.js'
import { encodeHeads, encodeSegments } from '../../src/sync/codec.js'
import { framesOn, roomsFrame } from '../helper/channel-frames.js'
import { logIn, logOver, replicatorOf } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { PATIENCE_MS } from '../helper/patience.js'
import { localAddresses } from '../helper/ports.js'
import { startScuttleup } from '../helper/scuttleup-peer.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import { change, framed, handshake, messageEntry, Stranger } from '../interop/scuttleup/stranger.js'
import { between, type Chance, chance } from './chance.js'
import { cleanedUp, type Fault, inDirectory, type LongRun, type RunOptions } from './long-run.js'

/** Sessions per database: half of them add an author, and each receives all others. */
const LIFE_SESSIONS = 250
/**
 * Concurrent sessions. Their writes share commits, so that none waits for the disk alone. The number is the limit of unproven connections.
 */
const SESSIONS_AT_ONCE = UNPROVEN_MAX
const ENTRIES = 4
/** Turns of the event loop in which neither side sends anything, after which a client with a changed byte ends. */
const QUIET_TURNS = 3
const MEMORY_MIB_MAX = 16
/** One in this many sessions must end a scuttleup peer, or the test proves nothing. */
const CONTROL_SESSIONS = 30
const ROOM = roomId(LOBBY)
const SERVER = 'server:1'

/** Sessions of scuttleup peers and native peers with one changed byte, over real sockets. */
export const mutatedSessions: LongRun = {
  name: 'mutated-sessions',
  shows: 'sessions with one changed byte do not end the process, store an invalid entry, or grow memory',
  cycles: 100_000,
  run: async ({ cycles, seed, isOver = () => false }: RunOptions) => {
    const figures = { sessions: 0, storedWhole: 0, entries: 0, invalid: 0, grownMiB: 0, scuttleupDiesOf: 0 }
    const faults: Fault[] = []
    const { code, sessions } = await endOfScuttleup(seed)
    figures.scuttleupDiesOf = sessions
    if (code !== 1)
      faults.push({ seed, cycles: 0, text: `the control, a scuttleup peer, still runs after ${sessions} sessions` })
    let base: number | undefined
    for (let life = 0; life * LIFE_SESSIONS < cycles && !isOver(); life++) {
      const count = Math.min(LIFE_SESSIONS, cycles - life * LIFE_SESSIONS)
      const lived = await inDirectory(directory => live(directory, count, seed + life)).catch(error => ({
        faults: [`it ended with ${(error as Error).message}`],
        storedWhole: 0,
        entries: 0,
      }))
      figures.sessions += count
      figures.storedWhole += lived.storedWhole
      figures.entries += lived.entries
      figures.invalid += lived.faults.length
      for (const text of lived.faults) faults.push({ seed: seed + life, cycles: count, text })
      // The first run allocates memory that is never freed.
      base ??= heapBytes()
      figures.grownMiB = Math.max(figures.grownMiB, Math.round((heapBytes() - base) / MEGABYTE))
    }
    if (figures.grownMiB > MEMORY_MIB_MAX)
      faults.push({ seed, cycles, text: `${figures.grownMiB} MiB more are in use` })
    return { figures, faults }
  },
}

/** A client and the author of its log. */
interface Client {
  readonly author: LogId
  /** Runs its side of the session on `socket`; all bytes pass through `change`. */
  talk(socket: Socket, change: (bytes: Uint8Array) => Uint8Array): void
  /** Approximate number of bytes that it sends. */
  readonly length: number
}

async function live(directory: string, count: number, seed: number) {
  const server = await openServer(directory)
  const authors = new Set<LogId>()
  let next = 0
  const talk = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const random = chance(seed * LIFE_SESSIONS + i)
      const client = random() < 0.5 ? scuttleupClient(`author-${seed}-${i}`, random) : await ours(random)
      authors.add(client.author)
      await inTime(server.session(client, between(random, 0, client.length), between(random, 1, 256)), `session ${i}`)
    }
  }
  await Promise.all(Array.from({ length: SESSIONS_AT_ONCE }, talk))
  // Control: an unchanged session is stored completely.
  const random = chance(seed)
  for (const client of [scuttleupClient(`author-${seed}-last`, random), await ours(random)]) {
    authors.add(client.author)
    const stored = server.stored(client.author)
    await inTime(
      server.session(client, Number.POSITIVE_INFINITY, 0).then(() => stored),
      'an unchanged session',
    )
  }
  await server.close()
  return storedIn(directory, authors)
}

async function inTime(action: Promise<void>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), PATIENCE_MS)
  })
  await Promise.race([action, late]).finally(() => clearTimeout(timer))
}

async function openServer(directory: string) {
  const keys = keyPairOf(systemRandom.bytes(32))
  const log = await logIn(directory, { keys })
  const tcp = new TcpSource(systemClock, async address => [address])
  /** The server's ends of sessions, by the port of the client. */
  const accepted = new Map<number | undefined, RawConnection>()
  const arrivals = new EventEmitter().setMaxListeners(0)
  const swarm = new Connections({
    me: SERVER,
    keys,
    plain: { room: ROOM },
    clock: systemClock,
    random: systemRandom,
    source: {
      dial: (address, signal) => tcp.dial(address, signal),
      listen: (host, port, take) =>
        tcp.listen(host, port, connection => {
          connection.setMaxListeners(0) // native clients also wait for its end
          accepted.set((connection as Socket).remotePort, connection)
          take(connection)
          arrivals.emit('connection')
        }),
    },
  })
  const channels = new RoomChannels(ROOM, swarm)
  const peer = new Room({
    me: 'server',
    log,
    replicator: replicatorOf(log),
    connections: channels,
    clock: systemClock,
    random: systemRandom,
    keys,
    hasPeerExchange: true,
  })
  channels.open()
  const port = await swarm.listen('127.0.0.1', 0)

  /** Runs a session with a changed byte at `place`. Resolves when the server has read all of it and closed the connection. */
  const session = async (client: Client, place: number, flip: number): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    socket.on('error', () => {}) // the server may hang up at any time
    await once(socket, 'connect')
    const { localPort } = socket
    while (!accepted.has(localPort)) await once(arrivals, 'connection')
    const connection = accepted.get(localPort) as RawConnection
    accepted.delete(localPort)
    let sent = 0
    client.talk(socket, bytes => {
      const index = place - sent
      sent += bytes.length
      if (index < 0 || index >= bytes.length) return bytes
      endWhenQuiet(socket, connection as Socket)
      const changed = Uint8Array.from(bytes)
      changed[index] = (changed[index] ?? 0) ^ flip
      return changed
    })
    const isOver = (): boolean => connection.readableEnded || connection.destroyed
    if (!isOver()) {
      await new Promise<void>(resolve => {
        connection.once('end', resolve)
        connection.once('close', resolve)
      })
    }
    const closed = connection.closed ? undefined : new Promise(resolve => connection.once('close', resolve))
    socket.destroy()
    await closed
  }
  /** Resolves when the complete log of `author` is on disk. */
  const stored = (author: LogId): Promise<void> =>
    new Promise(resolve => {
      log.on('entries', span => {
        if (span.author === author && span.to === ENTRIES + 1) resolve()
      })
    })
  const close = async (): Promise<void> => {
    await peer.close()
    await swarm.close()
  }
  return { stored, session, close }
}

function scuttleupClient(author: string, random: Chance): Client {
  const address = random() < 0.5 ? 'client:1' : 'z:1'
  const bytes = Buffer.concat([
    framed(address),
    ...(address > SERVER ? [framed(address)] : []),
    handshake(author),
    ...Array.from({ length: ENTRIES }, (_, i) => change(author, i + 1, messageEntry(author, `line ${i + 1}`))),
  ])
  return {
    author: author as LogId,
    length: bytes.length,
    talk: (socket, change) => {
      socket.end(change(bytes))
    },
  }
}

async function ours(random: Chance): Promise<Client> {
  const me = random() < 0.5 ? 'client:1' : 'z:1'
  const isHostile = random() < 0.5
  const keys = keyPairOf(systemRandom.bytes(32))
  const log = await logOver(new MemoryStore(), keys, { room: ROOM })
  for (let i = 1; i <= ENTRIES; i++) await log.append({ username: 'client', message: `line ${i}` })
  const parts = [encodeHeads(log.head)]
  for await (const relayed of log.relay()) {
    if (relayed.kind === 'segments') parts.push(encodeSegments(relayed.segments))
  }
  const says = concat(parts)
  await log.close()
  const hello = {
    version: PROTOCOL_VERSION,
    instance: systemRandom.bytes(INSTANCE_ID_BYTES),
    key: keys.publicKey,
    nowMs: Date.now(),
  }
  return {
    author: log.id,
    // At most two addresses, the empty frame, the key exchange with its record, the rooms, and the seal.
    length: says.length + 430,
    talk: (socket, change) => {
      const opening = new Handshake({ role: 'dialler', me, hello, keys, random: systemRandom })
      const perform = (effects: readonly HandshakeEffect[]): void => {
        for (const effect of effects) {
          if (effect.kind === 'send') socket.write(change(effect.bytes))
          else if (effect.kind === 'sealed') {
            const rooms = roomsFrame([ROOM], effect.handshakeHash, 'dialler')
            const text = concat([rooms, framesOn(1, says)])
            const { sealer } = effect.records
            // A man in the middle changes sealed bytes; a hostile peer changes the bytes that it seals.
            socket.end(isHostile ? sealer.seal(change(text), true) : change(sealer.seal(text, true)))
          } else socket.end()
        }
      }
      socket.on('data', bytes => {
        if (!socket.writableEnded) perform(opening.receive(bytes))
      })
      perform(opening.start())
    },
  }
}

/** Ends a client's side once both sides have read all that was sent, and send nothing more: the server waits for more bytes. */
function endWhenQuiet(client: Socket, server: Socket): void {
  let quiet = 0
  const look = (): void => {
    if (client.writableEnded || client.destroyed || server.destroyed) return
    const isQuiet = server.bytesRead === client.bytesWritten && client.bytesRead === server.bytesWritten
    quiet = isQuiet ? quiet + 1 : 0
    if (quiet > QUIET_TURNS) client.end()
    else setImmediate(look)
  }
  setImmediate(look)
}

/** Control: runs such sessions with a scuttleup peer until one ends it. */
function endOfScuttleup(
  seed: number,
): Promise<{ readonly sessions: number; readonly code: number | null | undefined }> {
  return inDirectory(data =>
    cleanedUp(async cleanup => {
      const [address = ''] = await localAddresses(1)
      const scuttleup = startScuttleup(cleanup, { me: address, data })
      await scuttleup.waitForLine('info> listening as')
      const random = chance(seed)
      for (let session = 1; session <= CONTROL_SESSIONS; session++) {
        const bytes = Buffer.concat([
          framed('0.0.0.0:0'),
          handshake('stranger'),
          ...[1, 2, 3, 4].map(seq => change(`author${session}`, seq, messageEntry('stranger', `line ${seq}`))),
        ])
        const place = between(random, 0, bytes.length)
        bytes[place] = (bytes[place] ?? 0) ^ between(random, 1, 256)
        const stranger = new Stranger(cleanup, address)
        stranger.send(bytes)
        stranger.end()
        await stranger.closed
        // It is alive if it accepts another connection.
        const witness = new Stranger(cleanup, address)
        witness.send(framed(`0.0.0.0:${session}`))
        const isAlive = await witness.waitFor(framed(address)).then(
          () => true,
          () => false,
        )
        if (!isAlive) return { sessions: session, code: (await scuttleup.exited).code }
      }
      return { sessions: CONTROL_SESSIONS, code: undefined }
    }),
  )
}

/** Checks the stored entries: invalid, misplaced and foreign entries are faults. */
async function storedIn(directory: string, clients: ReadonlySet<LogId>) {
  const log = await logIn(directory)
  const faults: string[] = []
  let entries = 0
  let storedWhole = 0
  for (const { author, seq } of log.head) {
    const { last, fault } = await log.verify(author)
    if (fault !== undefined || last !== seq) faults.push(`${author} holds ${last} of ${seq} entries: ${fault}`)
    if (isSigned(author) && !clients.has(author)) faults.push(`${author} never signed anything`)
    if (seq === ENTRIES && clients.has(author)) storedWhole++
  }
  for await (const batch of log.read()) {
    for (const { author, seq, entry } of batch) {
      entries++
      const members = decodeEntry(entry)
      if (members === undefined) faults.push(`entry ${seq} of ${author} is none`)
      else if (isSigned(author) && members.message !== `line ${seq}`)
        faults.push(`entry ${seq} of ${author} is another`)
    }
  }
  await log.close()
  return { entries, storedWhole, faults }
}
