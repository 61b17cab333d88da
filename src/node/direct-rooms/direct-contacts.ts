import { sameBytes } from '../../base/wire/bytes.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import { decodeRequest, encodeRequest } from '../../membership/exchange/request-frame.js'
import { directRoomId } from '../../membership/format/room.js'
import { addressBlock } from '../../net/admission/address-block.js'
import type { Service } from '../../net/lan/mdns/service-records.js'
import type { ProvenPeer } from '../../net/upgrader.js'
import type { DirectRoom } from './direct-room.js'

/** Largest number of message requests that are read from one connection. */
const REQUESTS_PER_CONNECTION_MAX = 32

/** A message request as it arrived. */
export interface ReceivedRequest {
  readonly key: AuthorId
  /** The block of addresses that they connect from; their key if the address is unknown. */
  readonly block: string
  /** What they call themselves. */
  readonly name: string
  readonly text: string
}

/** What the node decides about people who connect. */
export interface DirectContactsHooks {
  /** Whether this person may open a room with the user. Called before any answer is sent. */
  isContact(key: AuthorId): boolean
  /** Whether this person may ask to talk. Called before any part of a request is stored. */
  mayAsk(key: AuthorId): boolean
  /** Everybody whom the user has a room with. */
  readonly contacts: Iterable<AuthorId>
  /** Opens the room with this person, who is online. */
  onWanted(key: AuthorId): void
  onRequest(request: ReceivedRequest): void
}

/** An open direct room, and the message request for the other person if they do not talk with the user yet. */
export interface OpenDirectRoom {
  readonly direct: DirectRoom
  readonly me: string
  /** The first of our lines, as many as fit into a request. */
  requestText(): Promise<string>
}

interface Peer extends ProvenPeer {
  readonly key: AuthorId
  requests: number
  sent: string
}

/**
 * How two people find their direct room. Each side names it only to the key of the other. Somebody whom the user does not talk with
 * gets no answer: they cannot tell a declined request from an unread one. docs/protocol/membership.md §9.14.
 */
export class DirectContacts {
  readonly #me: AuthorId
  readonly #hooks: DirectContactsHooks
  readonly #rooms = new Map<AuthorId, OpenDirectRoom>()
  readonly #peers = new Set<Peer>()

  constructor(me: AuthorId, hooks: DirectContactsHooks) {
    this.#me = me
    this.#hooks = hooks
  }

  /** A peer has proven its key. */
  proven({ remote, multiplexer }: ProvenPeer): void {
    const key = authorOf(remote.key)
    if (key === undefined || key === this.#me) return
    const peer: Peer = { remote, multiplexer, key, requests: 0, sent: '' }
    this.#peers.add(peer)
    multiplexer.once('closed', () => this.#peers.delete(peer))
    multiplexer.on('rooms', () => {
      const isOffered = multiplexer.isOfferedByOther(directRoomId(this.#me, key))
      if (isOffered || this.#hasRoom(key)) this.#want(key)
      void this.#ask(peer)
    })
    multiplexer.on('control', body => this.#receive(peer, body))
  }

  /** Whether somebody is connected, in whatever room. */
  isConnected(key: AuthorId): boolean {
    for (const peer of this.#peers) if (peer.key === key) return true
    return false
  }

  /** A peer was announced on the local network. */
  sighted({ key }: Service): void {
    for (const contact of this.#hooks.contacts) if (contact.startsWith(key)) this.#want(contact)
  }

  /** Adds an open direct room. Returns a function that removes it. */
  add(room: OpenDirectRoom): () => void {
    const { other } = room.direct
    this.#rooms.set(other, room)
    for (const peer of this.#peers) void this.#ask(peer)
    return () => {
      if (this.#rooms.get(other) === room) this.#rooms.delete(other)
    }
  }

  /** The user wrote in a direct room. */
  said({ other }: DirectRoom): void {
    for (const peer of this.#peers) if (peer.key === other) void this.#ask(peer)
  }

  #hasRoom(key: AuthorId): boolean {
    for (const contact of this.#hooks.contacts) if (contact === key) return true
    return false
  }

  #want(key: AuthorId): void {
    if (!this.#rooms.has(key) && this.#hooks.isContact(key)) this.#hooks.onWanted(key)
  }

  /** Sends what we wrote as a message request, if the person has not named the room. */
  async #ask(peer: Peer): Promise<void> {
    const { multiplexer, key } = peer
    const room = this.#rooms.get(key)
    if (room === undefined || !this.#isUnanswered(peer, room)) return
    const text = await room.requestText().catch(() => '') // the room was closed
    if (text === '' || text === peer.sent || !this.#isUnanswered(peer, room)) return
    peer.sent = text
    multiplexer.sendControl(encodeRequest({ tag: multiplexer.tagOf(room.direct.id, 'us'), name: room.me, text }))
  }

  #isUnanswered({ multiplexer, key }: Peer, room: OpenDirectRoom): boolean {
    if (this.#rooms.get(key) !== room || multiplexer.isClosed || !multiplexer.hasTheirRooms) return false
    return !multiplexer.isOfferedByOther(room.direct.id)
  }

  #receive(peer: Peer, body: Uint8Array): void {
    const { multiplexer, key } = peer
    const frame = peer.requests < REQUESTS_PER_CONNECTION_MAX ? decodeRequest(body) : undefined
    if (frame === undefined) return
    peer.requests++
    if (!sameBytes(frame.tag, multiplexer.tagOf(directRoomId(this.#me, key), 'them'))) return
    if (this.#rooms.has(key) || this.#hooks.isContact(key) || !this.#hooks.mayAsk(key)) return
    const block = addressBlock(multiplexer.remoteAddress) ?? key
    this.#hooks.onRequest({ key, block, name: frame.name, text: frame.text })
  }
}
