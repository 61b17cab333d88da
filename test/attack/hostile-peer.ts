import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Keys, keyPair, roomId } from './author.js'
import { blake, bytesField, Cutter, frame, keyedBlake, readVarint, sodium, utf8, varint, varintField } from './bytes.js'
import { NoiseNN } from './noise.js'

/** Frames of this type and above do not use the window of a channel. */
const SIDE_CHANNEL_FROM = 8
const ACKNOWLEDGEMENT = 16
const ROOMS = 1
/** The slot of the file channel in our Rooms. */
const FILES_SLOT = 2
const WINDOW_BYTES = 262_144
/** Bytes after which an idle peer acknowledges. */
const ACKNOWLEDGED_BYTES = 16_384
const RECORD_TEXT_MAX = 65_000

export interface HostileOptions {
  readonly keys?: Keys
  /** Name of the room. */
  readonly room?: string
  /** Its id, if it has no name. */
  readonly roomId?: Buffer
  /** The address that it states. */
  readonly me?: string
  readonly instance?: Buffer
  readonly ageMs?: number
  /** The host that it dials. Default: 127.0.0.1. */
  readonly host?: string
  /** The address that it dials from. */
  readonly from?: string
  /** Whether it acknowledges received frames. */
  readonly reads?: boolean
  /** Called with each frame of the room's file channel. If set, the peer opens that channel. */
  readonly onFile?: (body: Buffer, peer: HostilePeer) => void
}

interface PeerEvents {
  open: []
  /** The body of a frame of the room, with its type. */
  frame: [Buffer]
  /** The body of a frame of the file channel. */
  file: [Buffer]
  /** The other side has opened or closed the file channel. */
  files: []
  close: []
  acknowledged: []
}

type State = 'address' | 'repeated' | 'detection' | 'exchange' | 'proof' | 'rooms' | 'open'

/**
 * A native peer that a test controls: dials or is dialled, performs the handshake of docs/protocol/wire.md §2, and has one room (§2.7). The
 * attack decides which frames it sends in the room.
 */
export class HostilePeer extends EventEmitter<PeerEvents> {
  readonly keys: Keys
  readonly room: Buffer
  readonly #socket: Socket
  readonly #me: string
  readonly #isDialler: boolean
  readonly #instance: Buffer
  readonly #ageMs: number
  readonly #reads: boolean
  readonly #hasFiles: boolean
  readonly #filesId: Buffer
  readonly #plain = new Cutter()
  readonly #frames = new Cutter()
  #theirs = ''
  #noise: NoiseNN | undefined
  #state: State = 'address'
  #sendState: Buffer | undefined
  #receiveState: Buffer | undefined
  #keys: { readonly send: Buffer; readonly receive: Buffer } | undefined
  /** The slot of the room in their Rooms. */
  #slot = 0
  /** The slot of the file channel in their Rooms; 0 if they have none. */
  #filesSlot = 0
  #filesUnread = 0
  #unacknowledged = 0
  #unread = 0
  readonly #first = new Map<number, Buffer>()
  /** The tags in their Rooms. */
  readonly #named: Buffer[] = []
  isClosed = false
  /** Bytes of frames of the room that arrived. */
  received = 0
  /** Bytes of frames of the file channel that arrived. */
  filesReceived = 0

  constructor(socket: Socket, isDialler: boolean, options: HostileOptions) {
    super()
    this.setMaxListeners(0)
    this.#socket = socket
    this.#isDialler = isDialler
    this.keys = options.keys ?? keyPair()
    this.room = options.roomId ?? roomId(options.room ?? 'lobby')
    this.#me = options.me ?? `x${randomBytes(4).toString('hex')}.local:5000`
    this.#instance = options.instance ?? randomBytes(16)
    this.#ageMs = options.ageMs ?? 1_000
    this.#reads = options.reads ?? true
    const { onFile } = options
    this.#hasFiles = onFile !== undefined
    if (onFile !== undefined) this.on('file', body => onFile(body, this))
    this.#filesId = keyedBlake(this.room, utf8('persisted-chat/files/1'))
    socket.on('error', () => {})
    socket.on('data', bytes => this.#receive(bytes))
    socket.on('close', () => {
      this.isClosed = true
      this.emit('close')
    })
    if (isDialler) socket.write(frame(utf8(this.#me)))
  }

  /** Dials a peer. Rejects if the peer does not admit it. */
  static async dial(port: number, options: HostileOptions = {}): Promise<HostilePeer> {
    const { host = '127.0.0.1' } = options
    const socket = connect({
      port,
      host,
      noDelay: true,
      ...(options.from !== undefined && { localAddress: options.from }),
    })
    const peer = new HostilePeer(socket, true, options)
    await peer.opened()
    return peer
  }

  /** Accepts connections. Calls `onPeer` with each peer that has the room. */
  static async listen(onPeer: (peer: HostilePeer) => void, options: () => HostileOptions): Promise<Server> {
    const server = createServer({ noDelay: true }, socket => {
      const peer = new HostilePeer(socket, false, options())
      peer.once('open', () => onPeer(peer))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  /** Resolves when the channel of the room is open; rejects if the connection closes before. */
  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'open') resolve()
      this.once('open', resolve)
      this.once('close', () => reject(new Error(`closed in the handshake: ${this.#state}`)))
    })
  }

  /** Resolves when the connection has closed. */
  closed(): Promise<void> {
    return this.isClosed ? Promise.resolve() : new Promise(resolve => this.once('close', resolve))
  }

  /** Resolves with the first frame of a type. */
  frameOf(type: number): Promise<Buffer> {
    const early = this.#first.get(type)
    if (early !== undefined) return Promise.resolve(early)
    return new Promise(resolve => {
      const look = (body: Buffer): void => {
        if (body[0] !== type) return
        this.off('frame', look)
        resolve(body)
      }
      this.on('frame', look)
    })
  }

  /** Sends frames of the room at once, whatever the window. */
  send(...bodies: readonly Buffer[]): boolean {
    const counted = bodies.filter(body => (body[0] ?? 0) < SIDE_CHANNEL_FROM)
    for (const body of counted) this.#unacknowledged += sizeOf(body)
    return this.#seal(Buffer.concat(bodies.map(body => frame(varint(this.#slot), body))))
  }

  /** Whether the other side has the file channel. */
  get isFilesOpen(): boolean {
    return this.#filesSlot > 0 && !this.isClosed
  }

  /** Resolves when the other side has opened or closed the file channel, or the connection has closed. */
  async filesAre(state: 'open' | 'closed'): Promise<void> {
    while (this.isFilesOpen !== (state === 'open') && !this.isClosed)
      await Promise.race([once(this, 'files'), this.closed()])
  }

  /** Sends frames of the file channel at once, if it is open. */
  sendFiles(...bodies: readonly Buffer[]): boolean {
    return this.isFilesOpen && this.#seal(Buffer.concat(bodies.map(body => frame(varint(this.#filesSlot), body))))
  }

  /** Sends frames as fast as they are acknowledged. Ends early if the connection closes. */
  async sendAll(bodies: Iterable<Buffer>): Promise<void> {
    for (const body of bodies) {
      while (!this.isClosed && this.#unacknowledged > 0 && this.#unacknowledged + sizeOf(body) > WINDOW_BYTES)
        await Promise.race([once(this, 'acknowledged'), this.closed()])
      if (this.isClosed) return
      if (!this.send(body)) await Promise.race([once(this.#socket, 'drain'), this.closed()])
    }
  }

  /** Sends a frame that concerns a room without a channel. */
  sendAbout(room: Buffer, type: number, ...rest: readonly Buffer[]): boolean {
    return this.#seal(frame(varint(0), Buffer.of(type), this.#tag(room, this.#isDialler), ...rest))
  }

  /** Whether they have named a room to us. */
  isNamed(room: Buffer): boolean {
    const tag = this.#tag(room, !this.#isDialler)
    return this.#named.some(named => named.equals(tag))
  }

  /**
   * Resolves when everything that was sent is acknowledged, except a rest that is too short to be acknowledged, or when the connection has
   * closed.
   */
  async acknowledgedAll(): Promise<void> {
    while (!this.isClosed && this.#unacknowledged > ACKNOWLEDGED_BYTES)
      await Promise.race([once(this, 'acknowledged'), this.closed()])
  }

  /** Sends bytes unchanged, after the handshake as a record. */
  sendRaw(bytes: Buffer): boolean {
    return this.#seal(bytes)
  }

  heartbeat(): void {
    this.#seal(Buffer.of(0))
  }

  pause(): void {
    this.#socket.pause()
  }

  end(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#plain.push(bytes)
    while (this.#step());
  }

  /** Takes one step of the handshake, or reads one record. False if more has to arrive. */
  #step(): boolean {
    switch (this.#state) {
      case 'address': {
        const theirs = this.#plain.frame()
        if (theirs === undefined) return false
        this.#theirs = theirs.toString()
        if (this.#isDialler) {
          const again = this.#me > this.#theirs ? [frame(utf8(this.#me))] : []
          this.#socket.write(Buffer.concat([...again, Buffer.of(0)]))
          this.#state = 'detection'
        } else {
          this.#socket.write(frame(utf8(this.#me)))
          this.#state = this.#theirs >= this.#me ? 'repeated' : 'detection'
        }
        return true
      }
      case 'repeated':
        if (this.#plain.frame() === undefined) return false
        this.#state = 'detection'
        return true
      case 'detection': {
        if (this.#plain.take(1) === undefined) return false
        const [dialler, listener] = this.#isDialler ? [this.#me, this.#theirs] : [this.#theirs, this.#me]
        const prologue = [utf8('persisted-chat/link/2'), frame(utf8(dialler)), frame(utf8(listener))]
        this.#noise = new NoiseNN(this.#isDialler, Buffer.concat(prologue))
        this.#socket.write(this.#isDialler ? frame(Buffer.of(2), this.#noise.first()) : Buffer.of(0))
        this.#state = 'exchange'
        return true
      }
      case 'exchange': {
        const message = this.#plain.frame()
        if (message === undefined || this.#noise === undefined) return false
        if (this.#isDialler) this.#noise.readSecond(message)
        else this.#noise.readFirst(message.subarray(1))
        const answer = this.#isDialler ? undefined : this.#noise.second()
        this.#keys = this.#noise.split()
        if (answer !== undefined) {
          this.#socket.write(frame(answer))
          this.#seal(this.#proof())
        }
        this.#state = 'proof'
        return true
      }
      case 'proof': {
        const proof = this.#open()
        if (proof === undefined) return false
        if (this.#isDialler) this.#seal(this.#proof())
        const files = this.#hasFiles ? this.#tag(this.#filesId, this.#isDialler) : randomBytes(16)
        const tags = [this.#tag(this.room, this.#isDialler), files, randomBytes(6 * 16)]
        this.#seal(frame(varint(0), Buffer.of(ROOMS), ...tags))
        this.#state = 'rooms'
        return true
      }
      default:
        return this.#readRecord()
    }
  }

  #readRecord(): boolean {
    const text = this.#open()
    if (text === undefined) return false
    this.#frames.push(text)
    for (let body = this.#frames.frame(); body !== undefined; body = this.#frames.frame())
      this.#onFrame(Buffer.from(body))
    if (this.#reads && this.#unread > 0) {
      this.#seal(frame(varint(this.#slot), Buffer.of(ACKNOWLEDGEMENT), varint(this.#unread)))
      this.#unread = 0
    }
    if (this.#reads && this.#filesUnread > 0 && this.isFilesOpen) {
      this.sendFiles(Buffer.concat([Buffer.of(ACKNOWLEDGEMENT), varint(this.#filesUnread)]))
      this.#filesUnread = 0
    }
    return true
  }

  #onFrame(bytes: Buffer): void {
    const slot = readVarint(bytes, 0)
    if (slot === undefined) return
    const body = bytes.subarray(slot.next)
    if (slot.value === 0) {
      const tag = this.#tag(this.room, !this.#isDialler)
      if (body[0] === ROOMS) this.#readFilesSlot(body)
      for (let index = 1; 1 + 16 * index <= body.length; index++) {
        const named = body.subarray(1 + 16 * (index - 1), 1 + 16 * index)
        if (named.equals(tag)) this.#slot = index
        if (body[0] === ROOMS) this.#named.push(named)
      }
      if (this.#slot === 0 || this.#state === 'open') return
      this.#state = 'open'
      this.emit('open')
      return
    }
    if (this.#hasFiles && slot.value === FILES_SLOT) return void this.#onFileFrame(body)
    if (body[0] === ACKNOWLEDGEMENT) {
      this.#unacknowledged -= readVarint(body, 1)?.value ?? 0
      this.emit('acknowledged')
      return
    }
    this.received += body.length
    if (!this.#first.has(body[0] ?? 0)) this.#first.set(body[0] ?? 0, body)
    if ((body[0] ?? 0) < SIDE_CHANNEL_FROM) this.#unread += sizeOf(body)
    this.emit('frame', body)
  }

  #onFileFrame(body: Buffer): void {
    if (body[0] === ACKNOWLEDGEMENT) return
    this.filesReceived += body.length
    this.#filesUnread += sizeOf(body)
    this.emit('file', body)
  }

  #readFilesSlot(rooms: Buffer): void {
    const tag = this.#tag(this.#filesId, !this.#isDialler)
    const before = this.#filesSlot
    this.#filesSlot = 0
    for (let index = 1; 1 + 16 * index <= rooms.length; index++)
      if (rooms.subarray(1 + 16 * (index - 1), 1 + 16 * index).equals(tag)) this.#filesSlot = index
    if (this.#filesSlot !== before) this.emit('files')
  }

  #tag(room: Buffer, isDiallers: boolean): Buffer {
    const tag = Buffer.alloc(16)
    const hash = this.#noise?.hash ?? Buffer.alloc(0)
    sodium.crypto_generichash(tag, Buffer.concat([utf8('persisted-chat/channel/1'), hash, roleOf(isDiallers)]), room)
    return tag
  }

  #proof(): Buffer {
    const hello = Buffer.concat([
      varintField(1, 2),
      bytesField(3, this.#instance),
      bytesField(4, this.keys.publicKey),
      varintField(6, this.#ageMs),
      varintField(7, Date.now()),
    ])
    const hash = this.#noise?.hash ?? Buffer.alloc(0)
    const signed = Buffer.concat([utf8('persisted-chat/link/2'), roleOf(this.#isDialler), hash, blake(hello)])
    return Buffer.concat([hello, this.keys.sign(signed)])
  }

  #seal(text: Buffer): boolean {
    const { send } = this.#keys ?? {}
    if (send === undefined || !this.#socket.writable) return false
    let header = Buffer.alloc(0)
    if (this.#sendState === undefined) {
      header = Buffer.alloc(24)
      this.#sendState = Buffer.alloc(52)
      sodium.crypto_secretstream_xchacha20poly1305_init_push(this.#sendState, header, send)
    }
    const records: Buffer[] = []
    for (let from = 0; from === 0 || from < text.length; from += RECORD_TEXT_MAX) {
      const part = text.subarray(from, from + RECORD_TEXT_MAX)
      const sealed = Buffer.alloc(part.length + 17)
      sodium.crypto_secretstream_xchacha20poly1305_push(this.#sendState, sealed, part, null, 0)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(header.length + sealed.length)
      records.push(length, header, sealed)
      header = Buffer.alloc(0)
    }
    return this.#socket.write(Buffer.concat(records))
  }

  #open(): Buffer | undefined {
    const record = this.#plain.record()
    if (record === undefined || this.#keys === undefined) return undefined
    let sealed = record
    if (this.#receiveState === undefined) {
      this.#receiveState = Buffer.alloc(52)
      sodium.crypto_secretstream_xchacha20poly1305_init_pull(
        this.#receiveState,
        record.subarray(0, 24),
        this.#keys.receive,
      )
      sealed = record.subarray(24)
    }
    const text = Buffer.alloc(sealed.length - 17)
    sodium.crypto_secretstream_xchacha20poly1305_pull(this.#receiveState, text, Buffer.alloc(1), sealed, null)
    return text
  }
}

/** Bytes of a frame that use the window. */
const sizeOf = (body: Buffer): number => varint(body.length).length + body.length

const roleOf = (isDialler: boolean): Buffer => Buffer.of(isDialler ? 0 : 1)
