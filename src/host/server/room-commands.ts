import { rm } from 'node:fs/promises'
import type { Clock, Millis } from '../../base/clock.js'
import { loadKey } from '../../base/crypto/key-file.js'
import { ChatError } from '../../base/errors.js'
import { checkName } from '../../base/names.js'
import type { Random } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { type AuthorId, authorOf, authorOfKey } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { Body } from '../../membership/format/body.js'
import type { Operation } from '../../membership/format/operation.js'
import type { PrivateRoom } from '../../membership/format/room.js'
import { foundRoom } from '../../membership/founding.js'
import { historyOf, historyText } from '../../membership/history.js'
import { isCodeFor, readCode } from '../../membership/invitation/invitation-code.js'
import { keepOf } from '../../membership/keep.js'
import { HISTORY_ALL } from '../../membership/limits.js'
import { Membership } from '../../membership/membership.js'
import type { NodeNetwork } from '../../node/connections/node-network.js'
import { entriesOfRoom, type Home, homeOf, markPaths, operationMarkPaths } from '../../node/paths.js'
import type { Pins } from '../../node/people/pins.js'
import { chatPlaceOf } from '../../node/private-rooms/chat-places.js'
import type { ForgottenRoom } from '../../node/private-rooms/introductions.js'
import type { RoomMembers } from '../../node/private-rooms/room-members.js'
import type { FoundRoom } from '../../node/private-rooms/room-seeker.js'
import type { Room } from '../../node/room.js'
import { openLog, openMembers } from '../../node/stored-log.js'
import { codeError } from '../protocol/code-error.js'
import { type Fields, textsOf } from '../protocol/codec.js'
import type { NodeOptions } from '../protocol/options.js'
import { requestAdmission } from './join-request.js'
import { KEEP_COMMANDS, keepInClosedRoom, runKeepCommand } from './keep-commands.js'
import { MemberCommands, type OnItem, type RoomAccess, signIn } from './member-commands.js'
import type { EnteredRoom, NodeStore } from './node-store.js'
import { byIn } from './refusal-error.js'
import { RoomSearches } from './room-searches.js'

const NONCE_BYTES = 32

/** For this long after the user left a room, the node tells the room's members of the leave each time it starts. */
const LEFT_MS_MAX: Millis = 30 * 86_400_000
/** Largest number of rooms that the node opens for that at one start. */
const LEFT_MAX = 4

/**
 * Largest number of the user's operations that are sent to the members of a deleted room: the newest ones, which the
 * members are likeliest to lack.
 */
const SPREAD_MAX = 64

/** The open rooms of the node, as commands use them. */
export interface OpenRooms {
  /** The room with a name, if it is open. */
  openRoom(name: string): Promise<Room | undefined>
  /** Runs work while a room stays closed. */
  whileClosed<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Opens a room without a face. Undefined if no other room is open. */
  openInBackground(name: string): Promise<Room | undefined>
  /** Closes a room if it is open. */
  closeRoom(name: string): Promise<void>
  /** The network options of the node, as set by the first open room. */
  readonly nodeOptions: NodeOptions | undefined
}

export interface RoomCommandsParts {
  readonly rooms: OpenRooms
  readonly me: string
  readonly data: string
  readonly clock: Clock
  readonly random: Random
  readonly store: NodeStore
  readonly pins: Pins
  network(): Promise<NodeNetwork>
}

/**
 * Commands on private rooms: founds, enters and leaves them, and passes commands about members to `MemberCommands`. They run in the
 * process that has the lock of the home.
 */
export class RoomCommands {
  readonly #parts: RoomCommandsParts
  readonly #members: MemberCommands

  constructor(parts: RoomCommandsParts) {
    this.#parts = parts
    this.#members = new MemberCommands(parts)
  }

  /** Runs a command; calls `onItem` with each part of the answer. Rejects with a ChatError. */
  async run(command: Fields, onItem: OnItem, signal: AbortSignal): Promise<void> {
    const { do: name, room } = command
    if (name === 'rooms') return this.#listRooms(onItem)
    if (name === 'room-new') return this.#found(command, onItem)
    if (name === 'join') return this.#join(command, onItem, signal)
    if (name === 'search') return new RoomSearches(this.#parts).run(command, onItem, signal)
    if (name === 'forget-peer') return this.#forgetPeer(command)
    if (typeof room !== 'string') throw unknownCommand()
    if (KEEP_COMMANDS.includes(name)) return this.#keep(room, command, onItem)
    return this.#with(room, async access => {
      if (name === 'leave') return this.#leave(access, command, onItem)
      if (name === 'history') return setHistory(access, command, this.#parts.clock, onItem)
      if (!(await this.#members.run(access, command, onItem))) throw unknownCommand()
    })
  }

  /** Resumes the pending joins. Calls `onEntered` with each room that is entered. */
  async resumeJoins(onEntered: (room: string) => void, signal: AbortSignal): Promise<void> {
    const joins = await this.#parts.store.joins()
    const resumed = joins.map(({ code, peers }) =>
      this.#join({ code, peers }, ({ room, id }) => id !== undefined && onEntered(String(room)), signal),
    )
    await Promise.allSettled(resumed)
  }

  /** Opens the rooms that the user has left recently, so that members to whom the node connects learn of the leave. */
  async spreadLeaves(): Promise<void> {
    const { store, clock, rooms } = this.#parts
    const left = await store.leftSince(clock.now() - LEFT_MS_MAX)
    for (const { forgotten } of left) if (forgotten !== undefined) await this.#spreadForgotten(forgotten)
    for (const { label } of left.filter(({ forgotten }) => forgotten === undefined).slice(0, LEFT_MAX)) {
      const room = await store.privateRoom(label)
      if (room !== undefined) await rooms.openInBackground(room.name)
    }
  }

  /** Sends the user's leave to members of a room that was deleted here, over the connections of another room. */
  async #spreadForgotten(forgotten: ForgottenRoom): Promise<void> {
    const network = await this.#parts.network()
    const open = await network.opened()
    open?.introductions.forget(forgotten)
  }

  async #keep(name: string, command: Fields, onItem: OnItem): Promise<void> {
    const { rooms, clock } = this.#parts
    const open = await rooms.openRoom(name)
    if (open !== undefined) return runKeepCommand(open, command, clock, onItem)
    return this.#with(name, ({ members, room }) => keepInClosedRoom(room.name, members, command, clock, onItem))
  }

  /** The rooms that the user has entered. */
  async #listRooms(onItem: OnItem): Promise<void> {
    for (const { name, label, privateRoom, direct } of await this.#parts.store.rooms())
      onItem({
        room: name,
        id: label,
        kind: privateRoom !== undefined ? 'private' : direct !== undefined ? 'direct' : 'public',
      })
  }

  async #found({ name, isClosed, rescue, keep, history }: Fields, onItem: OnItem): Promise<void> {
    const { data, me, random, clock, store } = this.#parts
    const called = checkName(typeof name === 'string' ? name : '', 'the room name')
    await this.#checkFree(called)
    const keys = await loadKey(homeOf(data, me).keyFile, random)
    const { room, opening } = foundRoom(keys, {
      name: called,
      nonce: random.bytes(NONCE_BYTES),
      rescue: typeof rescue === 'string' ? authorOf(rescue) : undefined,
      isClosed: isClosed === true,
      time: clock.now(),
    })
    const kept = typeof keep === 'string' ? keepOf(keep) : undefined
    const given = typeof history === 'string' ? historyOf(history) : undefined
    const time = clock.now()
    const label = await this.#store(room, called, [opening], true, [
      ...(kept === undefined ? [] : [{ kind: 'keep', keep: kept, time } as const]),
      ...(given === undefined || given === HISTORY_ALL ? [] : [{ kind: 'history', history: given, time } as const]),
    ])
    await store.enter({ name: called, label, enteredAt: clock.now(), privateRoom: room })
    onItem({ room: called, id: label })
  }

  async #join({ code: text, peers, ...options }: Fields, onItem: OnItem, signal: AbortSignal): Promise<void> {
    const { data, me, random, clock, store, network } = this.#parts
    const { nodeOptions } = this.#parts.rooms
    const read = readCode(typeof text === 'string' ? text : '')
    if (read.kind !== 'code') throw codeError(read)
    const { code } = read
    let known: readonly Operation[] = []
    for (const entered of await store.rooms())
      if (entered.privateRoom !== undefined && isCodeFor(code, entered.privateRoom.id))
        known = await this.#knownBefore(entered)
    const named = textsOf(peers) ?? []
    const keys = await loadKey(homeOf(data, me).keyFile, random)
    const pending = String(text)
    await store.addJoin({ code: pending, peers: named })
    const search = {
      me,
      network: await network(),
      keys,
      peers: named,
      listen: typeof options['listen'] === 'string' ? options['listen'] : nodeOptions?.listen,
      isDiscovering: options['isDiscovering'] !== false && (nodeOptions?.isDiscovering ?? true),
      isEncryptedOnly: nodeOptions?.isEncryptedOnly ?? false,
      onEvent: () => {},
    }
    const found = await requestAdmission({ code, known }, keys, search, clock, onItem, signal).catch(async error => {
      if (!signal.aborted) await store.removeJoin(pending)
      throw error
    })
    const name = await this.#freeName(found)
    const label = await this.#store(found.room, name, found.operations, found.isNewcomer)
    await store.enter({ name, label, enteredAt: clock.now(), privateRoom: found.room })
    await store.deleteLeft(label)
    await store.removeJoin(pending)
    const history = new Membership(found.room, found.operations).historyOf(authorOfKey(keys.publicKey))
    onItem({ room: name, id: label, by: found.by, history: historyText(history) })
  }

  /** The stored operations of a room that the user re-enters with a code. Rejects with ROOM_REFUSED if they may not. */
  #knownBefore(entered: EnteredRoom): Promise<readonly Operation[]> {
    return this.#with(entered.name, async ({ members }) => {
      const { membership, me } = members
      if (members.isMember(me))
        throw new ChatError('ROOM_REFUSED', `you are a member of ${entered.name} already`, {
          hint: `Open it with --room ${entered.name}.`,
        })
      const [removal] = membership.removalsOf(me)
      if (removal !== undefined)
        throw new ChatError(
          'ROOM_REFUSED',
          `you were removed from ${entered.name} ${byIn(members, removal.by.author)}, and a code does not let you in again`,
          { hint: 'Ask them, or somebody above them, to admit you.' },
        )
      return members.sent
    })
  }

  /** Ignores what a peer has stored, until the peer is heard from again. */
  async #forgetPeer({ peer, labels }: Fields): Promise<void> {
    for (const label of textsOf(labels) ?? []) await this.#parts.store.deleteReplica(label, String(peer))
  }

  async #leave(access: RoomAccess, { forget }: Fields, onItem: OnItem): Promise<void> {
    const { members, room } = access
    if (members.isMember(members.me))
      await signIn(members, () => {
        const chat = access.endsOf(members.me)
        return { kind: 'leave', ...(chat.length > 0 && { chat }), time: this.#parts.clock.now() }
      })
    onItem({ left: room.name, forgotten: forget === true })
    const { store, clock, rooms } = this.#parts
    const forgotten = forget === true ? forgottenOf(members) : undefined
    await store.putLeft({ label: room.label, at: clock.now(), ...(forgotten && { forgotten }) })
    const spread = async (): Promise<void> => {
      if (forgotten === undefined) return void (await rooms.openInBackground(room.name))
      await this.#forget(room)
      await this.#spreadForgotten(forgotten)
    }
    setImmediate(() => void spread().catch(() => {}))
  }

  /** Deletes a room on this machine. */
  async #forget({ name, label, privateRoom }: EnteredRoom): Promise<void> {
    const { data, me, store, rooms, random } = this.#parts
    const home = homeOf(data, me, name, privateRoom?.id)
    const keys = await loadKey(home.keyFile, random)
    await rooms.closeRoom(name)
    await rooms.whileClosed(name, async () => {
      const author = hexOf(keys.publicKey) as AuthorId
      const marks = [markPaths(home, author), operationMarkPaths(home, author)].flatMap(({ file, copy }) =>
        copy === undefined ? [file] : [file, copy],
      )
      const heads = marks.map(mark => `${mark}.heads`)
      for (const file of [...(await entriesOfRoom(home)), ...marks, ...heads])
        await rm(file, { recursive: true, force: true })
      await store.leave(label)
    })
  }

  async #with<T>(name: string, work: (access: RoomAccess) => Promise<T>): Promise<T> {
    const { me, data, store, rooms } = this.#parts
    const room = await store.privateRoom(name)
    if (room?.privateRoom === undefined)
      throw new ChatError('BAD_USAGE', `${me} has no private room called ${name}`, {
        hint: `persisted-chat rooms ${me} lists your rooms.`,
      })
    const { privateRoom } = room
    const open = await rooms.openRoom(room.name)
    if (open?.members !== undefined)
      return work({ members: open.members, room, endsOf: author => chatPlaceOf(open.endsOf(author)) })
    return rooms.whileClosed(room.name, async () => {
      return this.#withMembers(homeOf(data, me, room.name, privateRoom.id), privateRoom, (members, log) =>
        work({ members, room, endsOf: author => chatPlaceOf(log.endsOf(author)) }),
      )
    })
  }

  /**
   * Stores the operations of a room that is not entered yet. `isNew`: the user has signed nothing in it before. Returns
   * its label.
   */
  async #store(
    room: PrivateRoom,
    name: string,
    operations: readonly Operation[],
    isNew: boolean,
    settings: readonly Body[] = [],
  ): Promise<string> {
    const { data, me, rooms } = this.#parts
    const home = homeOf(data, me, name, room.id)
    return rooms.whileClosed(name, () =>
      this.#withMembers(home, room, async members => {
        await members.add(operations)
        if (isNew) await members.settleDoubt()
        for (const setting of settings) await signIn(members, () => setting)
        return home.databaseName
      }),
    )
  }

  /** Runs work on a room that is closed. */
  async #withMembers<T>(
    home: Home,
    room: PrivateRoom,
    work: (members: RoomMembers, log: Log) => Promise<T>,
  ): Promise<T> {
    const opened = await openLog(home, () => {})
    let members: RoomMembers | undefined
    try {
      members = await openMembers(home, room, opened, () => {})
      members.introduceAs(this.#parts.me)
      return await work(members, opened.log)
    } finally {
      await members?.close()
      await opened.log.close()
    }
  }

  /** Rejects with BAD_USAGE if the user already has a room with this name. */
  async #checkFree(name: string): Promise<void> {
    if (await this.#isTaken(name))
      throw new ChatError('BAD_USAGE', `you have a room called ${name} already`, { hint: 'Choose another name.' })
  }

  async #isTaken(name: string): Promise<boolean> {
    return (await this.#parts.store.rooms()).some(room => room.name === name) || name === 'lobby'
  }

  /** The local name of a room: its own, with a part of its label if that name is taken. */
  async #freeName({ room, name }: FoundRoom): Promise<string> {
    const again = (await this.#parts.store.rooms()).find(
      each => each.privateRoom !== undefined && hexOf(each.privateRoom.id) === hexOf(room.id),
    )
    if (again !== undefined) return again.name
    const { databaseName } = homeOf(this.#parts.data, this.#parts.me, 'room', room.id)
    const called = isUsable(name) ? name : 'room'
    return (await this.#isTaken(called)) || !isUsable(name) ? `${called}-${databaseName.slice(0, 4)}` : called
  }
}

/** Sets or reports how much of the earlier history future newcomers receive. */
async function setHistory(
  { members, room }: RoomAccess,
  { history }: Fields,
  clock: Clock,
  onItem: OnItem,
): Promise<void> {
  const given = typeof history === 'string' ? historyOf(history) : undefined
  if (history !== undefined && given === undefined)
    throw new ChatError('BAD_USAGE', `${String(history)} is neither all, none nor a number of lines`)
  if (given !== undefined) await signIn(members, () => ({ kind: 'history', history: given, time: clock.now() }))
  onItem({ room: room.name, history: historyText(members.membership.history) })
}

/**
 * The data that a node keeps of a room that the user has left and deleted, to tell its members: their keys, and the
 * user's newest operations.
 */
function forgottenOf({ room, me, membership }: RoomMembers): ForgottenRoom {
  const operations = [...membership.logs.values()]
    .flatMap(log => [...log.operations])
    .filter(({ author }) => author === me)
    .sort((a, b) => a.body.time - b.body.time)
  return { id: room.id, members: new Set(membership.members.keys()), operations: operations.slice(-SPREAD_MAX) }
}

const unknownCommand = (): ChatError => new ChatError('BAD_USAGE', 'the node does not know this command')

function isUsable(name: string): boolean {
  try {
    return checkName(name, 'the room name') === name
  } catch {
    return false
  }
}
