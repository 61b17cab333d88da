import { EventEmitter } from 'node:events'
import type { Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import { concat, hexOf, readVarint, sameBytes, varint } from '../../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../../base/wire/frames.js'
import { otherRole, type Role, roomTagOf } from '../handshake/hello.js'
import type { RawConnection } from '../peer-source.js'
import type { Violation } from '../violation.js'
import { type Carrier, Channel } from './channel.js'
import { ROOMS_MAX, STRANGER_ROOMS_MAX } from './limits.js'
import { ACK, decodeRooms, encodeRooms, PING, PONG, ROOMS } from './rooms-frame.js'

/** Longest varint of a slot. */
const SLOT_BYTES_MAX = 2
/** The slot of frames that concern all rooms. */
const ALL = 0

export interface MultiplexerOptions {
  readonly role: Role
  /** The connection's handshake hash: room tags are derived from it, so that they differ on each connection. */
  readonly handshakeHash: Uint8Array
  readonly random: Pick<Random, 'bytes'>
  /** Window of each channel. Default: CHANNEL_WINDOW_BYTES; measurements set others. */
  readonly windowBytes?: number
}

interface MultiplexerEvents {
  /** Both sides have a room: its channel opened. The room id as hex. */
  channel: [room: string, channel: Channel]
  /** Frames of a room broke its channel; the room has to be withdrawn. */
  'channel-broken': [room: string]
  /** One of the sides closed a room. */
  'channel-closed': [room: string]
  /** The other side named its rooms, for the first time or again. */
  rooms: []
  /** The other side answered a ping. */
  pong: []
  /** A frame of any other type in slot 0. */
  control: [body: Uint8Array]
  /** The connection closed. */
  closed: []
  violation: [Violation]
}

/** A room that this side offers on the connection. */
interface Offer {
  /** The tag that names it in the other side's frame. */
  readonly theirTag: Uint8Array
  /** Its slot in our Rooms, from 1. */
  readonly slot: number
  /** Its slot in their Rooms. */
  theirSlot: number | undefined
  channel: Channel | undefined
}

/**
 * Carries channels over one connection to a native peer: one channel for each room that both sides have. Frames are varint length ‖ varint
 * slot of the room in the receiver's Rooms ‖ type ‖ rest. Frames that concern all rooms have slot 0. docs/protocol/wire.md §2.7. A side
 * that reopens a room gives it a new slot, so that frames for the old channel cannot reach the new channel.
 *
 * Channels take turns, short frames first, and the long frames of all channels share a window, so a backlog delays the other rooms only by
 * the bytes in flight. The connection is always read: the unread bytes of a slow room are bounded by its window.
 */
export class Multiplexer extends EventEmitter<MultiplexerEvents> implements Carrier {
  readonly #connection: RawConnection
  readonly #options: MultiplexerOptions
  readonly #reader = new FrameReader(FRAME_BYTES_MAX + SLOT_BYTES_MAX)
  readonly #offers = new Map<string, Offer>()
  /** Offers with a channel, by our slot. */
  readonly #open = new Map<number, Offer>()
  /** Our tags by slot. */
  readonly #ours: (Uint8Array | undefined)[] = []
  #theirs: readonly Uint8Array[] = []
  /** The tags in their previous Rooms. */
  #theirsBefore: readonly Uint8Array[] = []
  /** Slots in their Rooms that once had a channel and may not be used again. */
  readonly #left = new Set<number>()
  #hasHadChannel = false
  #hasNamedRooms = false
  #isSending = false

  constructor(connection: RawConnection, options: MultiplexerOptions) {
    super()
    this.#connection = connection
    this.#options = options
    connection.on('data', (bytes: Uint8Array) => this.#receive(bytes))
    connection.on('drain', () => this.#send())
    connection.once('close', () => this.#closed())
  }

  get bytesRead(): number {
    return this.#connection.bytesRead
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress
  }

  /** Open channels. */
  get size(): number {
    return this.#open.size
  }

  /** The open channel of a room. */
  channelOf(room: Uint8Array): Channel | undefined {
    return this.#offers.get(hexOf(room))?.channel
  }

  /** The rooms whose frames the other side has left unread for too long. Call it every `ms`. */
  unreadAfter(ms: Millis): readonly string[] {
    return [...this.#offers].flatMap(([room, { channel }]) => (channel?.isUnreadAfter(ms) === true ? [room] : []))
  }

  /** Whether the other side has a room, whether this side offers it or not. */
  isOfferedByOther(room: Uint8Array): boolean {
    const { role, handshakeHash } = this.#options
    const tag = roomTagOf(room, handshakeHash, otherRole(role))
    return this.#theirs.some(theirs => sameBytes(theirs, tag))
  }

  /** Whether this side offers a room. */
  offers(room: Uint8Array): boolean {
    return this.#offers.has(hexOf(room))
  }

  /** Whether the other side has just opened a room: its latest Rooms frame names the room, and the previous one did not. */
  isNewlyOffered(room: Uint8Array): boolean {
    const { role, handshakeHash } = this.#options
    const tag = roomTagOf(room, handshakeHash, otherRole(role))
    const isIn = (tags: readonly Uint8Array[]): boolean => tags.some(theirs => sameBytes(theirs, tag))
    return isIn(this.#theirs) && !isIn(this.#theirsBefore)
  }

  /**
   * Offers rooms; if the other side has a room, its channel opens at once. When the slots run out, the connection closes: the next
   * one starts with all slots free.
   */
  offer(rooms: readonly Uint8Array[]): void {
    const { role, handshakeHash } = this.#options
    const fresh = rooms.filter(room => !this.#offers.has(hexOf(room)))
    if (fresh.length === 0 && this.#hasNamedRooms) return
    for (const room of fresh) {
      if (this.#ours.length >= ROOMS_MAX) {
        this.#connection.destroy()
        return
      }
      this.#ours.push(roomTagOf(room, handshakeHash, role))
      const theirTag = roomTagOf(room, handshakeHash, otherRole(role))
      const offer = { theirTag, slot: this.#ours.length, channel: undefined, theirSlot: undefined }
      this.#offers.set(hexOf(room), offer)
    }
    this.#sayRooms()
    this.#match()
  }

  /** Removes a room from this connection, and closes its channel. */
  withdraw(room: Uint8Array): void {
    const offer = this.#offers.get(hexOf(room))
    if (offer === undefined) return
    this.#offers.delete(hexOf(room))
    this.#ours[offer.slot - 1] = undefined
    this.#closeChannel(hexOf(room), offer)
    this.#sayRooms()
  }

  /** The tag by which a side names a room, or another secret that both sides know, on this connection. */
  tagOf(secret: Uint8Array, by: 'us' | 'them'): Uint8Array {
    const { role, handshakeHash } = this.#options
    return roomTagOf(secret, handshakeHash, by === 'us' ? role : otherRole(role))
  }

  get isClosed(): boolean {
    return !this.#connection.writable
  }

  /** Whether the other side has named its rooms. */
  get hasTheirRooms(): boolean {
    return this.#theirs.length > 0
  }

  /** Sends a frame that concerns no open room. */
  sendControl(body: Uint8Array): void {
    this.#write(undefined, body)
  }

  /** Sends a ping, which the other side answers with a pong. */
  ping(): void {
    this.#write(undefined, Uint8Array.of(PING))
  }

  schedule(): void {
    if (this.#isSending) return
    this.#isSending = true
    queueMicrotask(() => {
      this.#isSending = false
      this.#send()
    })
  }

  acknowledge(channel: Channel, bytes: number): void {
    const offer = this.#offerOf(channel)
    if (offer !== undefined) this.#write(offer, concat([Uint8Array.of(ACK), varint(bytes)]))
  }

  /** A channel broke. The other channels are unaffected: each has its own frames, slots and window. */
  closed(channel: Channel): void {
    for (const [room, offer] of this.#offers)
      if (offer.channel === channel) {
        this.#send()
        this.emit('channel-broken', room)
        return
      }
  }

  #offerOf(channel: Channel): Offer | undefined {
    for (const offer of this.#open.values()) if (offer.channel === channel) return offer
    return undefined
  }

  #receive(bytes: Uint8Array): void {
    this.#reader.push(bytes)
    /** Consecutive frames of one channel are delivered together. */
    let bodies: Uint8Array[] = []
    let current: Channel | undefined
    let isPinged = false
    const deliver = (): void => {
      if (current !== undefined && bodies.length > 0) this.#deliver(current, bodies)
      bodies = []
    }
    for (let read = this.#reader.next(); read.kind !== 'more'; read = this.#reader.next()) {
      if (read.kind === 'bad') {
        this.emit('violation', read.reason)
        return
      }
      const slot = readVarint(read.body, 0, ROOMS_MAX)
      if (slot.kind !== 'value' || slot.next >= read.body.length) {
        this.emit('violation', 'malformed-channel-frame')
        return
      }
      const body = read.body.subarray(slot.next)
      // A frame of a closed channel is ignored: it was in flight when the channel closed.
      const channel = this.#open.get(slot.value)?.channel
      if (channel !== current) deliver()
      current = channel
      if (slot.value === ALL && body[0] === ROOMS) this.#receiveRooms(body)
      else if (slot.value === ALL && body[0] === PING) isPinged = true
      else if (slot.value === ALL && body[0] === PONG) this.emit('pong')
      else if (slot.value === ALL) this.emit('control', body)
      else if (channel !== undefined) bodies.push(body)
    }
    deliver()
    // Answer all pings of a read with one pong, and send none while the peer does not read.
    if (isPinged && !this.#connection.writableNeedDrain) this.#write(undefined, Uint8Array.of(PONG))
  }

  #deliver(channel: Channel, bodies: readonly Uint8Array[]): void {
    const frames: Uint8Array[] = []
    for (const body of bodies) {
      if (body[0] !== ACK) frames.push(body)
      else if (!this.#acknowledged(channel, body)) this.emit('violation', 'malformed-acknowledgement')
    }
    if (frames.length > 0 && !channel.receive(frames)) this.emit('violation', 'window-exceeded')
  }

  #acknowledged(channel: Channel, body: Uint8Array): boolean {
    const bytes = readVarint(body, 1, 0xffff_ffff)
    return bytes.kind === 'value' && bytes.next === body.length && channel.acknowledged(bytes.value)
  }

  #receiveRooms(body: Uint8Array): void {
    const tags = decodeRooms(body)
    if (tags === undefined || (!this.#hasHadChannel && tags.length > STRANGER_ROOMS_MAX)) {
      this.emit('violation', 'malformed-rooms')
      return
    }
    this.#theirsBefore = this.#theirs
    this.#theirs = tags
    this.#match()
    this.emit('rooms')
  }

  /** Opens the channels of rooms that both sides have, and closes the channels of rooms that the other side closed or moved. */
  #match(): void {
    for (const [room, offer] of [...this.#offers]) {
      const index = this.#theirs.findIndex(tag => sameBytes(tag, offer.theirTag))
      const theirSlot = index === -1 ? undefined : index + 1
      if (theirSlot === offer.theirSlot) continue
      if (offer.theirSlot !== undefined) this.#left.add(offer.theirSlot)
      this.#closeChannel(room, offer)
      offer.theirSlot = theirSlot
      if (theirSlot === undefined) continue
      // A slot is never reused, which bounds how often the other side can make us open channels.
      if (this.#left.has(theirSlot)) {
        this.emit('violation', 'malformed-rooms')
        return
      }
      offer.channel = new Channel(this, this.#options.windowBytes)
      this.#hasHadChannel = true
      this.#open.set(offer.slot, offer)
      this.emit('channel', room, offer.channel)
    }
  }

  #closeChannel(room: string, offer: Offer): void {
    const { channel, slot } = offer
    if (channel === undefined) return
    this.#open.delete(slot)
    offer.channel = undefined
    channel.destroy()
    this.emit('channel-closed', room)
  }

  #sayRooms(): void {
    this.#hasNamedRooms = true
    this.#write(
      undefined,
      encodeRooms(this.#ours, bytes => this.#options.random.bytes(bytes)),
    )
  }

  /**
   * Sends frames until the connection is full. Each round sends one short frame per channel, then one frame of any length per channel.
   */
  #send(): void {
    let hasSent = true
    while (hasSent && !this.#connection.writableNeedDrain) {
      const hasSentShort = this.#sendOneOfEach(channel => !channel.isLongNext)
      hasSent = this.#sendOneOfEach(() => true) || hasSentShort
    }
  }

  #sendOneOfEach(isTurnOf: (channel: Channel) => boolean): boolean {
    let hasSent = false
    for (const offer of this.#open.values()) {
      const { channel } = offer
      if (channel === undefined || !isTurnOf(channel)) continue
      const body = channel.takeFrame(this.#inFlight() - channel.inFlight)
      if (body === undefined) continue
      hasSent = true
      this.#write(offer, body)
    }
    return hasSent
  }

  /** Unacknowledged bytes of all channels. */
  #inFlight(): number {
    let bytes = 0
    for (const { channel } of this.#open.values()) bytes += channel?.inFlight ?? 0
    return bytes
  }

  /** Writes a frame of a channel, or a frame that concerns all rooms. */
  #write(offer: Offer | undefined, body: Uint8Array): void {
    if (!this.#connection.writable) return
    const prefix = varint(offer?.theirSlot ?? ALL)
    this.#connection.write(varint(prefix.length + body.length))
    this.#connection.write(prefix)
    this.#connection.write(body)
  }

  #closed(): void {
    const offers = [...this.#open.values()]
    this.#open.clear()
    this.#offers.clear()
    for (const { channel } of offers) channel?.destroy()
    this.emit('closed')
  }
}
