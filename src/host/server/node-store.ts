import type { Millis } from '../../base/clock.js'
import { isCount, isFields } from '../../base/shape.js'
import { hexOf, textOf, utf8 } from '../../base/wire/bytes.js'
import { shortKey } from '../../chat/display-names.js'
import { type AuthorId, authorOf, type LogId, logIdOf } from '../../log/format/author.js'
import type { ReadMark } from '../../log/options.js'
import { after, type Store } from '../../log/store/store.js'
import type { PrivateRoom } from '../../membership/format/room.js'
import type { MessageRequest, RequestStore } from '../../node/direct-rooms/message-requests.js'
import { type Pin, type PinStore, pinnedNameOf } from '../../node/people/pin.js'
import { type Fields, readMarksOf, textsOf } from '../protocol/codec.js'
import { isMessageRequest, isPin } from '../protocol/state-codec.js'

/** A room that the user has entered. */
export interface EnteredRoom {
  readonly name: string
  /** Name of its database. */
  readonly label: string
  readonly enteredAt: Millis
  /** Its secret id and its root keys (founder and rescue key), if it is private. */
  readonly privateRoom?: PrivateRoom | undefined
  /** Its secret id and the other person, if it is a direct room. */
  readonly direct?: StoredDirect | undefined
}

interface StoredDirect {
  readonly id: Uint8Array
  readonly other: AuthorId
  /** What the user called them. */
  readonly name: string
}

/** A code that the user has entered and that has not admitted them to a room yet. */
export interface PendingJoin {
  readonly code: string
  /** Names or addresses of peers to ask. */
  readonly peers: readonly string[]
}

// Rows: `room/<label>` → JSON, `mark/<label>/<log>` → JSON, `pin/<name>` → JSON, `addressed/<key>` → nothing,
// `join/<code>` → JSON, `request/<key>` → JSON, `declined/<key>` → JSON, `hidden/<key>` → nothing, `left/<label>` → JSON.
const ROOM = 'room/'
const PIN = 'pin/'
const ADDRESSED = 'addressed/'
const JOIN = 'join/'
const REQUEST = 'request/'
const DECLINED = 'declined/'
const HIDDEN = 'hidden/'
const LEFT = 'left/'
const markPrefix = (label: string): string => `mark/${label}/`

/** What a node stores besides the logs: the rooms that its user has entered, how far they have read each log, and whom they know. */
export class NodeStore implements PinStore, RequestStore {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** The rooms, in the order in which they were entered. */
  async rooms(): Promise<readonly EnteredRoom[]> {
    const rooms: EnteredRoom[] = []
    for await (const [key, value] of this.#rows(ROOM)) {
      const room = roomIn(key.slice(ROOM.length), value)
      if (room !== undefined) rooms.push(room)
    }
    if (rooms.some(({ direct }) => direct !== undefined)) {
      const pins = await this.pins()
      for (const [index, room] of rooms.entries())
        if (room.direct !== undefined) rooms[index] = { ...room, name: directNameOf(room.direct, pins) }
    }
    return rooms.sort((a, b) => a.enteredAt - b.enteredAt)
  }

  /** The private or direct room with a name or label; undefined if there is none. */
  async secretRoom(nameOrLabel: string | undefined): Promise<EnteredRoom | undefined> {
    if (nameOrLabel === undefined) return undefined
    const rooms = (await this.rooms()).filter(({ privateRoom, direct }) => (privateRoom ?? direct) !== undefined)
    return rooms.find(({ name }) => name === nameOrLabel) ?? rooms.find(({ label }) => label === nameOrLabel)
  }

  /** Records that the user has entered a room, unless it is recorded. */
  async enter({ name, label, enteredAt, privateRoom, direct }: EnteredRoom): Promise<void> {
    const key = utf8(ROOM + label)
    if ((await this.#store.get(key)) !== undefined) return
    const id = privateRoom && { id: hexOf(privateRoom.id), founder: privateRoom.founder, rescue: privateRoom.rescue }
    const value = {
      name: direct?.name ?? name,
      enteredAt,
      ...(id !== undefined && { private: id }),
      ...(direct !== undefined && { direct: { id: hexOf(direct.id), other: direct.other } }),
    }
    await this.#store.commit([{ type: 'put', key, value: utf8(JSON.stringify(value)) }])
  }

  /** The private room with a name or label; undefined if there is none. */
  async privateRoom(nameOrLabel: string | undefined): Promise<EnteredRoom | undefined> {
    const room = await this.secretRoom(nameOrLabel)
    return room?.privateRoom === undefined ? undefined : room
  }

  async joins(): Promise<readonly PendingJoin[]> {
    const joins: PendingJoin[] = []
    for await (const [key, value] of this.#rows(JOIN)) {
      const peers = fieldsIn(value)?.['peers']
      joins.push({ code: key.slice(JOIN.length), peers: textsOf(peers) ?? [] })
    }
    return joins
  }

  async addJoin({ code, peers }: PendingJoin): Promise<void> {
    await this.#store.commit([{ type: 'put', key: utf8(JOIN + code), value: utf8(JSON.stringify({ peers })) }])
  }

  async removeJoin(code: string): Promise<void> {
    await this.#store.commit([{ type: 'del', key: utf8(JOIN + code) }])
  }

  /** The labels of the rooms that the user has left since a time. */
  async leftSince(since: Millis): Promise<readonly string[]> {
    const labels: string[] = []
    for await (const [key, value] of this.#rows(LEFT))
      if (Number(fieldsIn(value)?.['at']) >= since) labels.push(key.slice(LEFT.length))
    return labels
  }

  async putLeft(label: string, at: Millis): Promise<void> {
    await this.#put(LEFT + label, { at })
  }

  async deleteLeft(label: string): Promise<void> {
    await this.#store.commit([{ type: 'del', key: utf8(LEFT + label) }])
  }

  /** Forgets that the user has entered a room, and how far they have read it. */
  async leave(label: string): Promise<void> {
    const marks = await this.marks(label)
    const keys = [ROOM + label, LEFT + label, ...marks.map(({ author }) => markPrefix(label) + author)]
    await this.#store.commit(keys.map(key => ({ type: 'del', key: utf8(key) })))
  }

  /** How far the user has read each log of a room. */
  async marks(label: string): Promise<readonly ReadMark[]> {
    const prefix = markPrefix(label)
    const marks: ReadMark[] = []
    for await (const [key, value] of this.#rows(prefix)) {
      const mark = markIn(logIdOf(key.slice(prefix.length)), value)
      if (mark !== undefined) marks.push(mark)
    }
    return marks
  }

  /** Replaces read marks. */
  async setMarks(label: string, marks: readonly ReadMark[]): Promise<void> {
    const writes = marks.map(({ author, seq, chain, passed }) => ({
      type: 'put' as const,
      key: utf8(markPrefix(label) + author),
      value: utf8(
        JSON.stringify({
          seq,
          ...(chain !== undefined && { chain: hexOf(chain) }),
          ...(passed !== undefined && { passed: passed.map(({ from, to }) => [from, to]) }),
        }),
      ),
    }))
    if (writes.length > 0) await this.#store.commit(writes)
  }

  async pins(): Promise<readonly Pin[]> {
    const pins: Pin[] = []
    for await (const [, value] of this.#rows(PIN)) {
      const pin = fieldsIn(value)
      if (isPin(pin)) pins.push(pin)
    }
    return pins
  }

  async putPin(pin: Pin): Promise<void> {
    const key = utf8(PIN + pinnedNameOf(pin.name))
    await this.#store.commit([{ type: 'put', key, value: utf8(JSON.stringify(pin)) }])
  }

  async deletePin(name: string): Promise<void> {
    await this.#store.commit([{ type: 'del', key: utf8(PIN + pinnedNameOf(name)) }])
  }

  addressed(): Promise<readonly AuthorId[]> {
    return this.#authors(ADDRESSED)
  }

  async putAddressed(author: AuthorId): Promise<void> {
    await this.#store.commit([{ type: 'put', key: utf8(ADDRESSED + author), value: new Uint8Array(0) }])
  }

  /** The people whom the user has hidden: they may not ask to talk. */
  hidden(): Promise<readonly AuthorId[]> {
    return this.#authors(HIDDEN)
  }

  async putHidden(author: AuthorId): Promise<void> {
    await this.#store.commit([{ type: 'put', key: utf8(HIDDEN + author), value: new Uint8Array(0) }])
  }

  async deleteHidden(author: AuthorId): Promise<void> {
    await this.#store.commit([{ type: 'del', key: utf8(HIDDEN + author) }])
  }

  async requests(): Promise<readonly MessageRequest[]> {
    const requests: MessageRequest[] = []
    for await (const [, value] of this.#rows(REQUEST)) {
      const request = fieldsIn(value)
      if (isMessageRequest(request)) requests.push(request)
    }
    return requests
  }

  async putRequest(request: MessageRequest): Promise<void> {
    await this.#put(REQUEST + request.key, request)
  }

  async deleteRequest(key: AuthorId): Promise<void> {
    await this.#store.commit([{ type: 'del', key: utf8(REQUEST + key) }])
  }

  async declined(): Promise<readonly AuthorId[]> {
    const declined: { readonly author: AuthorId; readonly at: number }[] = []
    for await (const [key, value] of this.#rows(DECLINED)) {
      const author = authorOf(key.slice(DECLINED.length))
      if (author !== undefined) declined.push({ author, at: Number(fieldsIn(value)?.['at'] ?? 0) })
    }
    return declined.sort((a, b) => a.at - b.at).map(({ author }) => author)
  }

  async putDeclined(key: AuthorId, at: Millis): Promise<void> {
    await this.#put(DECLINED + key, { at })
  }

  async deleteDeclined(key: AuthorId): Promise<void> {
    await this.#store.commit([{ type: 'del', key: utf8(DECLINED + key) }])
  }

  async #authors(prefix: string): Promise<readonly AuthorId[]> {
    const authors: AuthorId[] = []
    for await (const [key] of this.#rows(prefix)) {
      const author = authorOf(key.slice(prefix.length))
      if (author !== undefined) authors.push(author)
    }
    return authors
  }

  async #put(key: string, value: object): Promise<void> {
    await this.#store.commit([{ type: 'put', key: utf8(key), value: utf8(JSON.stringify(value)) }])
  }

  async *#rows(prefix: string): AsyncGenerator<readonly [key: string, value: string]> {
    const gte = utf8(prefix)
    for await (const page of this.#store.pages({ gte, lt: after(gte) }))
      for (const [key, value] of page) yield [textOf(key) ?? '', textOf(value) ?? '']
  }
}

function roomIn(label: string, value: string): EnteredRoom | undefined {
  const { name, enteredAt, private: secret, direct: pair } = fieldsIn(value) ?? {}
  if (typeof name !== 'string' || !isCount(enteredAt)) return undefined
  const privateRoom = privateRoomIn(secret)
  const direct = directIn(name, pair)
  return {
    name,
    label,
    enteredAt,
    ...(privateRoom !== undefined && { privateRoom }),
    ...(direct !== undefined && { direct }),
  }
}

function directIn(name: string, value: unknown): StoredDirect | undefined {
  const { id, other } = isFields(value) ? value : {}
  const author = typeof other === 'string' ? authorOf(other) : undefined
  return typeof id === 'string' && author !== undefined
    ? { id: Buffer.from(id, 'hex'), other: author, name }
    : undefined
}

/** `@bob` for the key that the name is pinned to; `@bob-1a2b3c4d` for a key that it was pinned to before. */
export function directNameOf({ other, name }: Omit<StoredDirect, 'id'>, pins: readonly Pin[]): string {
  const pin = pins.find(each => pinnedNameOf(each.name) === pinnedNameOf(name))
  return pin?.key === other ? `@${pin.name}` : `@${name}-${shortKey(other)}`
}

function privateRoomIn(value: unknown): PrivateRoom | undefined {
  if (!isFields(value)) return undefined
  const { id, founder, rescue } = value
  const [first, other] = [founder, rescue].map(key => (typeof key === 'string' ? authorOf(key) : undefined))
  return typeof id === 'string' && first !== undefined
    ? { id: Buffer.from(id, 'hex'), founder: first, rescue: other }
    : undefined
}

/** A stored mark. Earlier versions stored the seq alone. */
function markIn(author: LogId | undefined, value: string): ReadMark | undefined {
  const { seq = Number(value), chain, passed } = fieldsIn(value) ?? {}
  const [mark] = readMarksOf([[author, seq, passed]]) ?? []
  return mark && typeof chain === 'string' ? { ...mark, chain: Buffer.from(chain, 'hex') } : mark
}

/** Undefined for a value that another version wrote. */
function fieldsIn(value: string): Fields | undefined {
  try {
    const fields: unknown = JSON.parse(value)
    return isFields(fields) ? fields : undefined
  } catch {
    return undefined
  }
}
