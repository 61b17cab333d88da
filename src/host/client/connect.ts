import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import { isFields } from '../../base/shape.js'
import { type FrameReader, frame } from '../../base/wire/frames.js'
import { authorOf } from '../../log/format/author.js'
import type { PeopleRequest } from '../../node/people/people-request.js'
import { CODEC_VERSION, type CodecVersion, type Fields, jsonBody, readHostFrame } from '../protocol/codec.js'
import { readEvent } from '../protocol/event-codec.js'
import type { FaceEvent } from '../protocol/events.js'
import { challengeOf, checkVersion, type Hello, helloFields, nonceOf, type Purpose } from '../protocol/handshake.js'
import { errorOf } from '../protocol/node-start.js'
import { type RoomOptions, roomOptionsOf } from '../protocol/options.js'
import { readSecret } from '../protocol/secret.js'
import { connectTo } from '../protocol/socket.js'
import { NodeConnection, NodeGone, type Welcome } from './node-connection.js'
import { ANSWER_MS, afterSilence } from './silence.js'

/** The node has an older major version of the codec. */
export class OlderNode extends Error {}

export interface ConnectOptions {
  readonly me: string
  /** The home's directory. */
  readonly directory: string
  readonly clock?: Clock
  readonly codec?: CodecVersion
  /** Called if the node has accepted the connection, but does not answer. */
  readonly onSilent?: () => void
  /** Called with the events that preceded the node's refusal of the face. */
  readonly onEvent?: (event: FaceEvent) => void
}

export interface FaceHello {
  readonly client: Uint8Array
  readonly options: RoomOptions
  readonly isBack: boolean
}

/**
 * Attaches a face to the running node; undefined if none runs or it is ending. Rejects with the node's ChatError if it refuses the
 * face, and with OlderNode.
 */
export async function connectFace(options: ConnectOptions, face: FaceHello): Promise<NodeConnection | undefined> {
  const greeted = await greet(options, 'face', face)
  if (greeted === undefined) return undefined
  const { socket, reader, value } = greeted
  const welcome = welcomeOf(value)
  if (welcome === undefined) {
    socket.destroy()
    throw foreign(options)
  }
  return new NodeConnection(socket, reader, welcome, greeted.version)
}

/** The answer of a node to a request of a process that is not a face. */
export interface NodeAnswer {
  readonly value: Fields
  /** Resolves when the node has closed the connection. */
  readonly closed: Promise<void>
  /** Closes the connection. */
  close(): void
}

/**
 * Runs a command on private rooms in the running node, and calls `onItem` with each part of its answer. False if no
 * node runs. Rejects with the node's ChatError, and with the reason of `signal`.
 */
export async function commandNode(
  options: ConnectOptions,
  command: Fields,
  onItem: (item: Fields) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const greeted = await greet(options, 'command', undefined, command)
  if (greeted === undefined) return false
  const { socket, reader } = greeted
  try {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const receive = (): void => {
        for (let next = reader.next(); next.kind === 'frame'; next = reader.next()) {
          const read = readHostFrame(next.body)
          const value = read?.kind === 'json' ? read.value : {}
          if (value['is'] === 'item' && isFields(value['value'])) onItem(value['value'])
          else if (value['is'] === 'failed') reject(errorOf(value))
          else if (value['is'] === 'done') resolve()
        }
      }
      signal.addEventListener('abort', () => reject(signal.reason))
      socket.on('data', bytes => {
        reader.push(bytes)
        receive()
      })
      socket.once('close', () =>
        reject(new ChatError('NODE_UNUSABLE', `the node of ${options.me} ended before the answer`)),
      )
      receive()
      socket.resume()
    })
    return true
  } finally {
    socket.destroy()
  }
}

/** Asks the running node for its status, to list or change whom the user knows, to pause, or to end; undefined if no node runs. */
export async function askNode(
  options: ConnectOptions,
  purpose: Exclude<Purpose, 'face' | 'command'>,
  people?: PeopleRequest,
): Promise<NodeAnswer | undefined> {
  const greeted = await greet(options, purpose, undefined, undefined, people)
  if (greeted === undefined) return undefined
  const { socket, value } = greeted
  const closed = new Promise<void>(resolve => void socket.once('close', () => resolve()))
  socket.on('error', () => socket.destroy()).resume()
  return { value, closed, close: () => socket.destroy() }
}

interface Greeted {
  /** The node's version of the codec. */
  readonly version: CodecVersion
  readonly socket: Duplex
  readonly reader: FrameReader
  readonly value: Fields
}

async function greet(
  options: ConnectOptions,
  purpose: Purpose,
  face: FaceHello | undefined,
  command?: Fields,
  people?: PeopleRequest,
): Promise<Greeted | undefined> {
  const { me, directory, clock = systemClock, codec = CODEC_VERSION, onSilent = () => {}, onEvent } = options
  const secret = await readSecret(directory)
  if (secret === undefined) return undefined
  const socket = await connectTo(directory, clock)
  if (socket === undefined) return undefined
  const cancel = afterSilence(clock, ANSWER_MS, onSilent)
  const frames = new HandshakeFrames(socket)
  const nonce = nonceOf(systemRandom)
  try {
    const challenge = challengeOf(await frames.next())
    if (challenge === undefined) throw foreign(options)
    if (purpose === 'face' && checkVersion(me, challenge.version, codec) === 'older') throw new OlderNode()
    const hello: Hello = {
      version: codec,
      purpose,
      pid: process.pid,
      client: face?.client,
      options: face?.options,
      command,
      isBack: face?.isBack ?? false,
      people,
    }
    socket.write(frame(jsonBody(helloFields(hello, secret, challenge.nonce, nonce))))
    for (;;) {
      const value = await frames.next()
      if (!secret.isProof(value['proof'], 'node', challenge.nonce, nonce)) throw foreign(options)
      cancel()
      if (value['is'] === 'welcome') return { version: challenge.version, socket, reader: frames.release(), value }
      if (value['is'] === 'refused') {
        for (const event of eventsOf(value['events'])) onEvent?.(event)
        throw errorOf(value)
      }
      if (value['is'] !== 'opening') throw foreign(options)
    }
  } catch (error) {
    socket.destroy()
    if (error instanceof NodeGone) return undefined
    throw error
  } finally {
    cancel()
  }
}

/** The frames of a handshake, one at a time. */
class HandshakeFrames {
  readonly #socket: Duplex
  readonly #reader = NodeConnection.reader()
  #isGone = false
  #wake: () => void = () => {}

  constructor(socket: Duplex) {
    this.#socket = socket.on('data', this.#receive).on('error', this.#gone).once('close', this.#gone)
  }

  /** The fields of the next frame; empty if the frame is not JSON. Rejects with `NodeGone` if the socket closes. */
  async next(): Promise<Fields> {
    for (;;) {
      const next = this.#reader.next()
      if (next.kind !== 'more') {
        const read = next.kind === 'frame' ? readHostFrame(next.body) : undefined
        return read?.kind === 'json' ? read.value : {}
      }
      if (this.#isGone) throw new NodeGone()
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Stops reading. The result contains the frames that have arrived. */
  release(): FrameReader {
    this.#socket.pause().off('data', this.#receive).off('error', this.#gone).off('close', this.#gone)
    return this.#reader
  }

  readonly #receive = (bytes: Uint8Array): void => {
    this.#reader.push(bytes)
    this.#wake()
  }

  readonly #gone = (): void => {
    this.#isGone = true
    this.#wake()
  }
}

/** The program at the socket is not the node: it does not know the secret, or does not speak the codec. */
function foreign({ me, directory }: ConnectOptions): ChatError {
  return new ChatError(
    'NODE_UNUSABLE',
    `the program that answers at the socket in ${directory} is not the node of ${me}`,
    {
      hint: 'Find out which program it is, and stop it.',
    },
  )
}

const eventsOf = (value: unknown): FaceEvent[] =>
  Array.isArray(value) ? value.flatMap(event => readEvent(event) ?? []) : []

function welcomeOf({ me, id, room, address, pid, options, staysOpen }: Fields): Welcome | undefined {
  const running = isFields(options) ? roomOptionsOf(options) : undefined
  const author = typeof id === 'string' ? authorOf(id) : undefined
  if (author === undefined || running === undefined || typeof me !== 'string' || typeof room !== 'string')
    return undefined
  if (typeof address !== 'string' || typeof pid !== 'number') return undefined
  return { me, id: author, room, address, pid, options: running, staysOpen: staysOpen === true }
}

/** The status in an answer; undefined if it is malformed. */
export const statusIn = (value: Fields): Fields | undefined => (isFields(value['status']) ? value['status'] : undefined)
