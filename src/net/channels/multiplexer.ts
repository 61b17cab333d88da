import { EventEmitter } from 'node:events'
import type { Random } from '../../base/random.js'
import { concat, hexOf, readVarint, sameBytes, varint } from '../../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../../base/wire/frames.js'
import { otherRole, type Role, roomTagOf } from '../handshake/hello.js'
import type { RawConnection } from '../peer-source.js'
import type { Violation } from '../violation.js'
import { type Carrier, Channel } from './channel.js'
import { ROOMS_MAX, STRANGER_ROOMS_MAX } from './limits.js'
import { ACK, decodeRooms, encodeRooms } from './rooms-frame.js'

/** Longest varint of a channel's number. */
const NUMBER_BYTES_MAX = 2

export interface MultiplexerOptions {
  readonly role: Role
  /** Of the connection's handshake: it makes the tags of rooms other ones on each connection. */
  readonly handshakeHash: Uint8Array
  readonly random: Pick<Random, 'bytes'>
  /** Of each channel, for measurements. Default: CHANNEL_WINDOW_BYTES. */
  readonly windowBytes?: number
}

interface MultiplexerEvents {
  /** Both sides have a room: its channel opened. The room id as hex. */
  channel: [room: string, channel: Channel]
  /** One of the sides closed a room. */
  'channel-closed': [room: string]
  /** The other side named its rooms, for the first time or again. */
  rooms: []
  violation: [Violation]
}

/** A room that this side offers on the connection. */
interface Offer {
  /** The tag that names it in the other side's frame. */
  readonly theirTag: Uint8Array
  /** Its place in our Rooms, from 1: the number of its channel in our frames. */
  readonly place: number
  channel: Channel | undefined
  /** The number of its channel in their frames. */
  theirPlace: number | undefined
}

/**
 * Carries a channel for each room that both sides have over one connection to a native peer. Frames are
 * varint length ‖ varint channel ‖ type ‖ rest; channel 0 says which rooms a side has. docs/protocol/wire.md §2.7.
 *
 * Each channel has a window of its own and they take turns, so a room that syncs much delays the others by what is in flight only.
 * The connection is always read: what a slow room has not read yet is bounded by its window.
 */
export class Multiplexer extends EventEmitter<MultiplexerEvents> implements Carrier {
  readonly #connection: RawConnection
  readonly #options: MultiplexerOptions
  readonly #reader = new FrameReader(FRAME_BYTES_MAX + NUMBER_BYTES_MAX)
  readonly #offers = new Map<string, Offer>()
  readonly #byTheirPlace = new Map<number, Offer>()
  /** Our tags by place. A place is used once: what was sent for a closed channel must not reach the next one. */
  readonly #ours: (Uint8Array | undefined)[] = []
  #theirs: readonly Uint8Array[] = []
  /** Their places that had a channel: their Rooms may name a room that they are about to close. */
  readonly #usedPlaces = new Set<number>()
  #hasSaidRooms = false
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
    return this.#byTheirPlace.size
  }

  /** The open channel of a room. */
  channelOf(room: Uint8Array): Channel | undefined {
    return this.#offers.get(hexOf(room))?.channel
  }

  /** Whether the other side has a room, whether this side offers it or not. */
  isOfferedByOther(room: Uint8Array): boolean {
    const { role, handshakeHash } = this.#options
    const tag = roomTagOf(room, handshakeHash, otherRole(role))
    return this.#theirs.some(theirs => sameBytes(theirs, tag))
  }

  /**
   * Offers rooms; the channel of one that the other side has opens at once. When all places are used the connection closes, for the
   * next one to begin again.
   */
  offer(rooms: readonly Uint8Array[]): void {
    const { role, handshakeHash } = this.#options
    const fresh = rooms.filter(room => !this.#offers.has(hexOf(room)))
    if (fresh.length === 0 && this.#hasSaidRooms) return
    for (const room of fresh) {
      if (this.#ours.length >= ROOMS_MAX) {
        this.#connection.destroy()
        return
      }
      this.#ours.push(roomTagOf(room, handshakeHash, role))
      const theirTag = roomTagOf(room, handshakeHash, otherRole(role))
      const offer = { theirTag, place: this.#ours.length, channel: undefined, theirPlace: undefined }
      this.#offers.set(hexOf(room), offer)
    }
    this.#sayRooms()
    this.#match()
  }

  /** Takes a room off this connection, and closes its channel. */
  withdraw(room: Uint8Array): void {
    const offer = this.#offers.get(hexOf(room))
    if (offer === undefined) return
    this.#retire(hexOf(room), offer)
    this.#sayRooms()
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
    if (offer !== undefined) this.#write(offer.place, concat([Uint8Array.of(ACK), varint(bytes)]))
  }

  /** A channel that breaks takes the connection with it: a new one starts all rooms afresh. */
  closed(channel: Channel): void {
    if (this.#offerOf(channel) === undefined) return
    this.#send()
    this.#connection.destroy()
  }

  #offerOf(channel: Channel): Offer | undefined {
    for (const offer of this.#byTheirPlace.values()) if (offer.channel === channel) return offer
    return undefined
  }

  #receive(bytes: Uint8Array): void {
    this.#reader.push(bytes)
    /** Frames of one channel in a row are delivered together. */
    let bodies: Uint8Array[] = []
    let current = 0
    const deliver = (): void => {
      if (bodies.length > 0) this.#deliver(current, bodies)
      bodies = []
    }
    for (let read = this.#reader.next(); read.kind !== 'more'; read = this.#reader.next()) {
      if (read.kind === 'bad') {
        this.emit('violation', read.reason)
        return
      }
      const number = readVarint(read.body, 0, ROOMS_MAX)
      if (number.kind !== 'value' || number.next >= read.body.length) {
        this.emit('violation', 'malformed-channel-frame')
        return
      }
      if (number.value !== current) deliver()
      current = number.value
      bodies.push(read.body.subarray(number.next))
      if (current === 0) deliver()
    }
    deliver()
  }

  #deliver(number: number, bodies: readonly Uint8Array[]): void {
    if (number === 0) {
      this.#receiveRooms(bodies[0])
      return
    }
    const channel = this.#byTheirPlace.get(number)?.channel
    if (channel === undefined) return // the room was closed while this was on its way
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

  #receiveRooms(body: Uint8Array | undefined): void {
    const tags = body === undefined ? undefined : decodeRooms(body)
    const isStranger = this.#usedPlaces.size === 0
    if (tags === undefined || (isStranger && tags.length > STRANGER_ROOMS_MAX)) {
      this.emit('violation', 'malformed-rooms')
      return
    }
    this.#theirs = tags
    for (const [room, offer] of [...this.#offers]) {
      if (offer.theirPlace === undefined || isSame(tags[offer.theirPlace - 1], offer.theirTag)) continue
      // They closed the room. It can be opened again, in another place.
      this.#retire(room, offer)
      this.offer([Buffer.from(room, 'hex')])
    }
    this.#match()
    this.emit('rooms')
  }

  /** Opens the channels of rooms that both sides have. */
  #match(): void {
    for (const [room, offer] of this.#offers) {
      if (offer.channel !== undefined) continue
      const index = this.#theirs.findIndex(tag => sameBytes(tag, offer.theirTag))
      if (index === -1 || this.#usedPlaces.has(index + 1)) continue
      offer.theirPlace = index + 1
      offer.channel = new Channel(this, this.#options.windowBytes)
      this.#usedPlaces.add(offer.theirPlace)
      this.#byTheirPlace.set(offer.theirPlace, offer)
      this.emit('channel', room, offer.channel)
    }
  }

  #retire(room: string, offer: Offer): void {
    this.#offers.delete(room)
    this.#ours[offer.place - 1] = undefined
    if (offer.theirPlace !== undefined) this.#byTheirPlace.delete(offer.theirPlace)
    if (offer.channel === undefined) return
    offer.channel.destroy()
    this.emit('channel-closed', room)
  }

  #sayRooms(): void {
    this.#hasSaidRooms = true
    this.#write(
      0,
      encodeRooms(this.#ours, bytes => this.#options.random.bytes(bytes)),
    )
  }

  /** Sends frames of the channels in turn, as long as the connection takes them. */
  #send(): void {
    for (let hasSent = true; hasSent && !this.#connection.writableNeedDrain; ) {
      hasSent = false
      for (const { place, channel } of this.#byTheirPlace.values()) {
        const body = channel?.takeFrame()
        if (body === undefined) continue
        hasSent = true
        this.#write(place, body)
      }
    }
  }

  #write(number: number, body: Uint8Array): void {
    if (!this.#connection.writable) return
    const prefix = varint(number)
    this.#connection.write(varint(prefix.length + body.length))
    this.#connection.write(prefix)
    this.#connection.write(body)
  }

  #closed(): void {
    const offers = [...this.#byTheirPlace.values()]
    this.#byTheirPlace.clear()
    this.#offers.clear()
    for (const { channel } of offers) channel?.destroy()
  }
}

const isSame = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && sameBytes(a, b)
