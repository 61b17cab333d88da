import type { Millis } from '../../base/clock.js'
import { isCount, isFields, text } from '../../base/shape.js'
import { hexOf } from '../../base/wire/bytes.js'
import { shortKey } from '../../chat/display-names.js'
import { AUTHOR_ID, type AuthorId, authorOf, type LogId } from '../../log/format/author.js'
import type { ReadMark } from '../../log/options.js'
import type { Store } from '../../log/store/store.js'
import type { PrivateRoom } from '../../membership/format/room.js'
import type { MessageRequest, RequestStore } from '../../node/direct-rooms/message-requests.js'
import { JsonRows } from '../../node/people/json-rows.js'
import { type Pin, pinnedNameOf } from '../../node/people/pin.js'
import { PinRows } from '../../node/people/pin-rows.js'
import type { ForgottenRoom } from '../../node/private-rooms/introductions.js'
import type { ProvenHead } from '../../sync/receipts.js'
import { type Fields, readMarksOf, textsOf } from '../protocol/codec.js'
import { isMessageRequest } from '../protocol/state-codec.js'

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
  /** The name that the user gave them. */
  readonly name: string
}

/** A code that the user has entered, and that has not led to an admission yet. */
export interface PendingJoin {
  readonly code: string
  /** Names or addresses of peers to ask. */
  readonly peers: readonly string[]
}

/** A private room that the user has left. If it was deleted here, also what its members have to learn. */
export interface LeftRoom {
  readonly label: string
  readonly at: Millis
  readonly forgotten?: ForgottenRoom
}

/** What a peer had stored of the logs of a room when it was last heard from. */
export interface StoredReplica {
  /** The peer's key. */
  readonly peer: string
  readonly at: Millis
  readonly heads: readonly ProvenHead[]
}

const ifIs =
  <T>(is: (value: unknown) => value is T) =>
  (_name: string, value: unknown): T | undefined =>
    is(value) ? value : undefined

/** The data that a node stores besides the logs: the rooms that the user has entered, read marks, and known people. */
export class NodeStore extends PinRows implements RequestStore {
  readonly #store: Store
  readonly #rooms: JsonRows<EnteredRoom>
  readonly #left: JsonRows<LeftRoom>
  readonly #joins: JsonRows<PendingJoin>
  readonly #hidden: JsonRows<AuthorId>
  readonly #requests: JsonRows<MessageRequest>
  readonly #declined: JsonRows<{ readonly author: AuthorId; readonly at: number }>

  constructor(store: Store) {
    super(store)
    this.#store = store
    this.#rooms = new JsonRows(store, 'room/', roomIn)
    this.#left = new JsonRows(store, 'left/', leftIn)
    this.#joins = new JsonRows(store, 'join/', (code, value) => ({
      code,
      peers: textsOf(fieldsOf(value)['peers']) ?? [],
    }))
    this.#hidden = new JsonRows(store, 'hidden/', authorOf)
    this.#requests = new JsonRows(store, 'request/', ifIs(isMessageRequest))
    this.#declined = new JsonRows(store, 'declined/', (name, value) => {
      const author = authorOf(name)
      return author && { author, at: Number(fieldsOf(value)['at'] ?? 0) }
    })
  }

  /** The rooms, in the order in which they were entered. */
  async rooms(): Promise<readonly EnteredRoom[]> {
    const rooms = await this.#rooms.all()
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
    if ((await this.#store.get(this.#rooms.key(label))) !== undefined) return
    const id = privateRoom && { id: hexOf(privateRoom.id), founder: privateRoom.founder, rescue: privateRoom.rescue }
    await this.#rooms.put(label, {
      name: direct?.name ?? name,
      enteredAt,
      ...(id !== undefined && { private: id }),
      ...(direct !== undefined && { direct: { id: hexOf(direct.id), other: direct.other } }),
    })
  }

  /** The private room with a name or label; undefined if there is none. */
  async privateRoom(nameOrLabel: string | undefined): Promise<EnteredRoom | undefined> {
    const room = await this.secretRoom(nameOrLabel)
    return room?.privateRoom === undefined ? undefined : room
  }

  joins(): Promise<readonly PendingJoin[]> {
    return this.#joins.all()
  }

  addJoin({ code, peers }: PendingJoin): Promise<void> {
    return this.#joins.put(code, { peers })
  }

  removeJoin(code: string): Promise<void> {
    return this.#joins.delete(code)
  }

  /** The rooms that the user has left since a time. Forgets older ones. */
  async leftSince(since: Millis): Promise<readonly LeftRoom[]> {
    const left: LeftRoom[] = []
    for (const room of await this.#left.all())
      if (room.at >= since) left.push(room)
      else await this.deleteLeft(room.label)
    return left
  }

  putLeft({ label, at, forgotten }: LeftRoom): Promise<void> {
    const row = forgotten && {
      id: hexOf(forgotten.id),
      members: [...forgotten.members],
      operations: forgotten.operations.map(({ bytes }) => Buffer.from(bytes).toString('base64')),
    }
    return this.#left.put(label, { at, ...row })
  }

  deleteLeft(label: string): Promise<void> {
    return this.#left.delete(label)
  }

  /** Forgets that the user has entered a room, and its read marks. */
  async leave(label: string): Promise<void> {
    const marks = this.#marks(label)
    const read = (await marks.all()).map(({ author }) => marks.key(author))
    const keys = [this.#rooms.key(label), ...read]
    await this.#store.commit(keys.map(key => ({ type: 'del', key })))
  }

  /** The read marks of a room: up to where the user has read each log. */
  marks(label: string): Promise<readonly ReadMark[]> {
    return this.#marks(label).all()
  }

  /** Replaces read marks. */
  async setMarks(label: string, marks: readonly ReadMark[]): Promise<void> {
    const rows = this.#marks(label)
    const writes = marks.map(({ author, seq, chain, passed }) =>
      rows.row(author, {
        seq,
        ...(chain !== undefined && { chain: hexOf(chain) }),
        ...(passed !== undefined && { passed: passed.map(({ from, to }) => [from, to]) }),
      }),
    )
    if (writes.length > 0) await this.#store.commit(writes)
  }

  deleteMark(label: string, log: LogId): Promise<void> {
    return this.#marks(label).delete(log)
  }

  /** What known peers have stored of the logs of a room. */
  replicas(label: string): Promise<readonly StoredReplica[]> {
    return this.#replicas(label).all()
  }

  putReplica(label: string, { peer, at, heads }: StoredReplica): Promise<void> {
    const rows = heads.map(({ author, seq, chain, without }) => [
      author,
      seq,
      hexOf(chain),
      without.map(({ from, to }) => [from, to]),
    ])
    return this.#replicas(label).put(peer, { at, heads: rows })
  }

  deleteReplica(label: string, peer: string): Promise<void> {
    return this.#replicas(label).delete(peer)
  }

  /** The people whom the user has hidden: they may not ask to talk. */
  hidden(): Promise<readonly AuthorId[]> {
    return this.#hidden.all()
  }

  putHidden(author: AuthorId): Promise<void> {
    return this.#hidden.put(author)
  }

  deleteHidden(author: AuthorId): Promise<void> {
    return this.#hidden.delete(author)
  }

  requests(): Promise<readonly MessageRequest[]> {
    return this.#requests.all()
  }

  putRequest(request: MessageRequest): Promise<void> {
    return this.#requests.put(request.key, request)
  }

  deleteRequest(key: AuthorId): Promise<void> {
    return this.#requests.delete(key)
  }

  async declined(): Promise<readonly AuthorId[]> {
    return (await this.#declined.all()).sort((a, b) => a.at - b.at).map(({ author }) => author)
  }

  putDeclined(key: AuthorId, at: Millis): Promise<void> {
    return this.#declined.put(key, { at })
  }

  deleteDeclined(key: AuthorId): Promise<void> {
    return this.#declined.delete(key)
  }

  #replicas(label: string): JsonRows<StoredReplica> {
    return new JsonRows(this.#store, `replica/${label}/`, replicaIn)
  }

  #marks(label: string): JsonRows<ReadMark> {
    return new JsonRows(this.#store, `mark/${label}/`, markIn)
  }
}

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

function leftIn(label: string, value: unknown): LeftRoom {
  const { at, id, members, operations } = fieldsOf(value)
  const left = { label, at: Number(at) }
  if (typeof id !== 'string') return left
  const forgotten = {
    id: Buffer.from(id, 'hex'),
    members: new Set(textsOf(members)),
    operations: (textsOf(operations) ?? []).map(text => ({ bytes: Buffer.from(text, 'base64') })),
  }
  return { ...left, forgotten }
}

function roomIn(label: string, value: unknown): EnteredRoom | undefined {
  const { name, enteredAt, private: secret, direct: pair } = fieldsOf(value)
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
  const { id, other } = fieldsOf(value)
  return text(id) && AUTHOR_ID(other) ? { id: Buffer.from(id, 'hex'), other, name } : undefined
}

/** `@bob` for the key that the name is pinned to; `@bob-1a2b3c4d` for a key that it was pinned to before. */
export function directNameOf({ other, name }: Omit<StoredDirect, 'id'>, pins: readonly Pin[]): string {
  const pin = pins.find(each => pinnedNameOf(each.name) === pinnedNameOf(name))
  return pin?.key === other ? `@${pin.name}` : `@${name}-${shortKey(other)}`
}

function privateRoomIn(value: unknown): PrivateRoom | undefined {
  const { id, founder, rescue } = fieldsOf(value)
  if (!text(id) || !AUTHOR_ID(founder)) return undefined
  return { id: Buffer.from(id, 'hex'), founder, rescue: AUTHOR_ID(rescue) ? rescue : undefined }
}

function replicaIn(peer: string, value: unknown): StoredReplica | undefined {
  const { at, heads } = fieldsOf(value)
  if (!isCount(at) || !Array.isArray(heads)) return undefined
  const read = heads.flatMap(head => {
    const [log, seq, chain, without] = Array.isArray(head) ? head : []
    const [place] = readMarksOf([[log, seq]]) ?? []
    const ranges = (Array.isArray(without) ? without : []).map(range => ({ from: range?.[0], to: range?.[1] }))
    const isWhole = ranges.every(({ from, to }) => isCount(from) && isCount(to))
    return place === undefined || !text(chain) || !isWhole
      ? []
      : { author: place.author, seq: place.seq, chain: Buffer.from(chain, 'hex'), without: ranges }
  })
  return { peer, at, heads: read }
}

/** Decodes a stored mark. Earlier versions stored the seq alone. */
function markIn(log: string, value: unknown): ReadMark | undefined {
  const { seq = value, chain, passed } = fieldsOf(value)
  const [mark] = readMarksOf([[log, seq, passed]]) ?? []
  return mark && text(chain) ? { ...mark, chain: Buffer.from(chain, 'hex') } : mark
}
