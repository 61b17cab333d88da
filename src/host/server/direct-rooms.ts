import type { Clock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { checkName, isDirectName } from '../../base/names.js'
import { hexOf } from '../../base/wire/bytes.js'
import { shortKey } from '../../chat/display-names.js'
import { draftOf } from '../../chat/kinds/kinds.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import { directRoomId, roomLabel } from '../../membership/format/room.js'
import type { DirectContactsHooks, ReceivedRequest } from '../../node/direct-rooms/direct-contacts.js'
import type { MessageRequest, MessageRequests } from '../../node/direct-rooms/message-requests.js'
import type { NodeEvent } from '../../node/events.js'
import { askingAs } from '../../node/people/people-request.js'
import { pinnedNameOf } from '../../node/people/pin.js'
import type { Pins } from '../../node/people/pins.js'
import { StrangerNotices } from '../../node/people/stranger-notices.js'
import { twoKeysError } from '../../node/people/two-keys.js'
import type { Room } from '../../node/room.js'
import { checkStored } from '../../node/room-writer.js'
import { type Fields, textsOf } from '../protocol/codec.js'
import { clientOf } from '../protocol/handshake.js'
import type { NodeOptions } from '../protocol/options.js'
import { directNameOf, type EnteredRoom, type NodeStore } from './node-store.js'
import { RequestDeduplicator } from './request-deduplicator.js'

export interface DirectRoomsParts {
  readonly me: string
  readonly clock: Clock
  readonly store: NodeStore
  readonly pins: Pins
  readonly requests: MessageRequests
  /** Our own key. */
  author(): Promise<AuthorId>
  /** Whether somebody is connected, in any room. */
  isConnected(key: AuthorId): Promise<boolean>
}

/** The open rooms of the node, as direct rooms use them. */
export interface DirectAccess {
  /** The options of the node; undefined while no room is open. */
  readonly nodeOptions: NodeOptions | undefined
  readonly open: Iterable<{ readonly peer: Room }>
  /** Opens a room without a face. */
  openInBackground(name: string): Promise<Room | undefined>
  /** Whether a room is open without a face. */
  isInBackground(name: string): boolean
  /** Closes a room whose name now refers to another key: its faces reattach. */
  recycle(name: string): Promise<void>
  /** Reports an event in the rooms that faces show. */
  report(event: NodeEvent): void
}

/** How long the node of somebody who talks with us takes to open the room. */
const OPENS_MS_MAX = 1_000

/** Largest number of hidden people that are stored. */
const HIDDEN_MAX = 2_000

const COMMANDS: readonly unknown[] = ['msg', 'requests', 'decline', 'hide', 'show']

export const isDirectCommand = ({ do: name }: Fields): boolean => COMMANDS.includes(name)

/** The user's rooms with one other person each. Resolves names to keys, and handles message requests. */
export class DirectRooms implements DirectContactsHooks {
  readonly #parts: DirectRoomsParts
  readonly #notices: StrangerNotices
  /** The people with whom the user has a direct room. */
  readonly #entered = new Set<AuthorId>()
  /** People whom the user has hidden. */
  readonly #hidden: Set<AuthorId>
  /** Rooms whose unread messages were reported. A room is removed when a face shows it. */
  readonly #reported = new Set<string>()
  /** The messages that are being stored, by client: a repeated request gets the same answer. */
  readonly #unanswered = new Map<string, Promise<RequestDeduplicator>>()
  #access: DirectAccess | undefined

  private constructor(parts: DirectRoomsParts, hidden: Iterable<AuthorId>) {
    this.#parts = parts
    this.#hidden = new Set(hidden)
    this.#notices = new StrangerNotices(parts.clock, event => this.#access?.report(event))
  }

  static async open(parts: DirectRoomsParts): Promise<DirectRooms> {
    const rooms = new DirectRooms(parts, await parts.store.hidden())
    for (const { direct } of await parts.store.rooms()) if (direct !== undefined) rooms.#entered.add(direct.other)
    const { pins, requests } = parts
    requests.on('change', () => rooms.#showRequests())
    requests.on('asked', request => rooms.#asked(request))
    pins.on('change', () => rooms.#pinsChanged())
    pins.on('known', () => rooms.#showRequests())
    rooms.#showRequests()
    return rooms
  }

  serve(access: DirectAccess): void {
    this.#access = access
  }

  get contacts(): Iterable<AuthorId> {
    return this.#entered
  }

  isContact(key: AuthorId): boolean {
    return this.#entered.has(key) || (this.#parts.pins.namesOf(key).length > 0 && this.mayAsk(key))
  }

  mayAsk(key: AuthorId): boolean {
    if (this.#hidden.has(key)) return false
    switch (this.#access?.nodeOptions?.direct ?? 'anyone') {
      case 'anyone':
        return true
      case 'known':
        return this.isKnown(key)
      case 'nobody':
        return false
    }
  }

  /** Whether the user knows somebody, or is in a private room with them. */
  isKnown(key: AuthorId): boolean {
    if (this.#parts.pins.isKnown(key)) return true
    for (const { peer } of this.#access?.open ?? []) if (peer.members?.isMember(key) === true) return true
    return false
  }

  onWanted(key: AuthorId): void {
    void this.#openFor(key).catch(() => {}) // reported when a face opens the room
  }

  onRequest(request: ReceivedRequest): void {
    this.#parts.requests.receive(request)
  }

  /** Runs a command. Rejects with a ChatError. */
  async run({ do: name, who, text, client, digits, keys }: Fields, onItem: (item: Fields) => void): Promise<void> {
    if (name === 'msg') return this.#say(String(who ?? ''), String(text ?? ''), clientOf(client), onItem)
    if (name === 'hide' || name === 'show') return this.#setHidden(textsOf(keys) ?? [], name === 'hide')
    if (name === 'decline') return onItem(this.#decline(String(who ?? ''), String(digits ?? '')))
    for (const { key: asking, name: called, since, text: said } of this.#parts.requests.all)
      onItem({ key: asking, name: called, since, text: said, isKnown: this.isKnown(asking) })
  }

  /** The room that a name such as `@bob` refers to. Rejects with ROOM_REFUSED or BAD_USAGE. */
  async resolve(text: string): Promise<EnteredRoom> {
    const { pins, store } = this.#parts
    const [, base, digits] = /^@(.*)-([0-9a-f]{8})$/.exec(text) ?? []
    const isNamed = ({ name, direct }: EnteredRoom): boolean =>
      direct !== undefined && (name === text || (direct.name === base && shortKey(direct.other) === digits))
    const entered = (await store.rooms()).find(isNamed)
    const called = text.replace(/^@/, '')
    const pin = pins.of(called)
    if (pin?.other !== undefined) throw twoKeysError(pin)
    if (pin !== undefined) return this.#enter(pin.name, pin.key)
    if (entered !== undefined) return entered
    throw this.#unknownError(checkName(called, `the name ${JSON.stringify(called)}`))
  }

  /** A face shows a room. From now on, a message that arrives while no face shows the room is reported again, once. */
  shown(name: string): void {
    this.#reported.delete(name)
  }

  /** A room was opened. */
  opened(room: Room): void {
    if (room.direct === undefined) return
    const check = (): void => void this.#reportNews(room).catch(() => {})
    room.on('heads', check)
    check()
  }

  /** Declines the request of a person, who is identified by their name, their key or both. */
  #decline(who: string, digits: string): Fields {
    const { requests } = this.#parts
    const found = askingAs(requests.all, who, digits)
    const [one] = found
    if (one === undefined)
      throw new ChatError('BAD_USAGE', `nobody called ${who} asks to talk`, {
        hint: 'In the chat, /requests shows who does.',
      })
    if (found.length > 1)
      throw new ChatError(
        'BAD_USAGE',
        `several people called ${who} ask: ${found.map(each => shortKey(each.key)).join(', ')}`,
        {
          hint: `Add the key, as in decline ${who} ${shortKey(one.key)}.`,
        },
      )
    requests.decline(one.key)
    return { key: one.key, name: one.name }
  }

  /** The user hides people, or shows them again. */
  async #setHidden(keys: readonly string[], isHidden: boolean): Promise<void> {
    const { store, requests } = this.#parts
    for (const key of keys) {
      const author = authorOf(key)
      if (author === undefined || this.#hidden.has(author) === isHidden) continue
      if (isHidden && this.#hidden.size >= HIDDEN_MAX) return
      if (isHidden) {
        this.#hidden.add(author)
        requests.drop(author)
        await store.putHidden(author)
      } else {
        this.#hidden.delete(author)
        await store.deleteHidden(author)
      }
    }
  }

  async #say(who: string, text: string, client: Uint8Array | undefined, onItem: (item: Fields) => void): Promise<void> {
    const entered = await this.resolve(who)
    const room = await this.#access?.openInBackground(entered.name)
    if (room === undefined) throw new ChatError('LOG_CLOSED', 'the node is ending')
    if (text !== '') await (client === undefined ? room.say(text) : this.#sayOnce(room, text, client))
    onItem({ room: room.room, name: room.direct?.name ?? who, presence: await this.#presenceIn(room) })
  }

  /**
   * Appends a message as request 1 of a client that makes no other request, so that a repeated command does not append
   * it again.
   */
  async #sayOnce(room: Room, text: string, client: Uint8Array): Promise<void> {
    const name = hexOf(client)
    const requests = this.#unanswered.get(name) ?? RequestDeduplicator.open(room, client)
    this.#unanswered.set(name, requests)
    try {
      const [outcome] = (await (await requests).ask(1, [draftOf(text)])) ?? []
      if (outcome !== undefined) checkStored(outcome)
    } finally {
      this.#unanswered.delete(name)
    }
  }

  /** Whether the other person of a direct room is in it, connected elsewhere, or not connected. */
  async #presenceIn(room: Room): Promise<'here' | 'elsewhere' | 'away'> {
    const { clock, isConnected } = this.#parts
    const isHere = (): boolean => room.connectionSummary.connected.length > 0
    if (isHere()) return 'here'
    if (room.direct === undefined || !(await isConnected(room.direct.other))) return 'away'
    // Their node opens the room when ours names it.
    await new Promise<void>(resolve => {
      const end = (): void => {
        cancel()
        room.off('change', look)
        resolve()
      }
      const look = (): void => void (isHere() && end())
      const cancel = clock.after(OPENS_MS_MAX, end)
      room.on('change', look)
    })
    return isHere() ? 'here' : 'elsewhere'
  }

  /** The error for an unresolved name: nobody has it, or several keys do. */
  #unknownError(name: string): ChatError {
    const keys = this.#keysOf(name)
    const [key] = keys
    if (key === undefined)
      return new ChatError('ROOM_REFUSED', `nobody called ${name} is known here`, {
        hint: `Name them when you start: persisted-chat ${this.#parts.me} ${name}.`,
      })
    const choices = keys.map(each => `/accept ${name} ${shortKey(each)}`).join(' or ')
    if (keys.length === 1)
      return new ChatError('ROOM_REFUSED', `you have not accepted a key of ${name} yet`, {
        hint: `If ${shortKey(key)} is ${name}: ${choices}. /compare ${name} makes sure.`,
      })
    return new ChatError('ROOM_REFUSED', `${name} has several keys: ${keys.map(shortKey).join(', ')}`, {
      hint: `Choose one: ${choices}.`,
    })
  }

  /** The keys of people who use a name. */
  #keysOf(name: string): readonly AuthorId[] {
    const isCalled = (other: string | undefined): boolean => pinnedNameOf(other ?? '') === pinnedNameOf(name)
    const keys = new Set<AuthorId>()
    for (const { key, name: called } of this.#parts.requests.all) if (isCalled(called)) keys.add(key)
    for (const {
      peer: { presence, members, id },
    } of this.#access?.open ?? []) {
      for (const { name: called, author } of presence) if (author !== undefined && isCalled(called)) keys.add(author)
      for (const author of members?.authors ?? [])
        if (author !== id && isCalled(members?.nameOf(author))) keys.add(author)
    }
    return [...keys]
  }

  /** Records the direct room with somebody. */
  async #enter(called: string, other: AuthorId): Promise<EnteredRoom> {
    const { store, clock, requests } = this.#parts
    const id = directRoomId(await this.#parts.author(), other)
    const label = roomLabel(id)
    await store.enter({ name: called, label, enteredAt: clock.now(), direct: { id, other, name: called } })
    this.#entered.add(other)
    requests.accept(other)
    const room = await store.secretRoom(label)
    if (room === undefined) throw new ChatError('LOG_CLOSED', 'the room was deleted meanwhile')
    return room
  }

  async #openFor(key: AuthorId): Promise<void> {
    const { pins, store } = this.#parts
    const entered = (await store.rooms()).find(({ direct }) => direct?.other === key)
    const [called] = pins.namesOf(key)
    const room = entered ?? (called === undefined ? undefined : await this.#enter(called, key))
    if (room !== undefined) await this.#access?.openInBackground(room.name)
  }

  /** Reports once that a room without a face has unread messages. */
  async #reportNews(room: Room): Promise<void> {
    const { direct, room: name } = room
    if (
      direct === undefined ||
      this.#hidden.has(direct.other) ||
      this.#reported.has(name) ||
      this.#access?.isInBackground(name) !== true
    )
      return
    const marks = await this.#parts.store.marks(room.label)
    const isNew = room.heads.some(({ author, seq }) => {
      const mark = marks.find(each => each.author === author)
      return String(author).startsWith(direct.other) && seq > (mark?.seq ?? 0)
    })
    if (!isNew || this.#reported.has(name) || !this.#access.isInBackground(name)) return
    this.#reported.add(name)
    this.#access.report({ kind: 'direct-message', room: name, name: direct.name })
  }

  /** A name may refer to another key now, and somebody who asked may have been accepted. */
  #pinsChanged(): void {
    const { pins, requests } = this.#parts
    for (const {
      peer: { direct, room },
    } of this.#access?.open ?? []) {
      if (direct !== undefined && directNameOf(direct, pins.all) !== room) void this.#access?.recycle(room)
    }
    for (const { key } of requests.all) if (pins.namesOf(key).length > 0) this.onWanted(key)
  }

  #showRequests(): void {
    const { pins, requests } = this.#parts
    const asking = requests.all.map(({ key, name, since }) => ({ key, name, since, isKnown: this.isKnown(key) }))
    if (JSON.stringify(asking) !== JSON.stringify(pins.known.asking ?? [])) pins.setAsking(asking)
  }

  #asked({ key, name }: MessageRequest): void {
    const { requests } = this.#parts
    if (this.isKnown(key)) {
      this.#access?.report({ kind: 'message-request', name, key })
      return
    }
    const count = requests.all.filter(each => !this.isKnown(each.key)).length
    this.#notices.report({ kind: 'strangers-ask', count })
  }
}

/** Whether a name is the name of a direct room. */
export const isDirectRoomName = (room: string | undefined): room is string => room !== undefined && isDirectName(room)
