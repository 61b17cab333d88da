import { systemClock } from '../../src/base/clock.js'
import { loadKey } from '../../src/base/crypto/key-file.js'
import type { KeyPair } from '../../src/base/crypto/signing.js'
import { systemRandom } from '../../src/base/random.js'
import { hexOf } from '../../src/base/wire/bytes.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { admissionOf, nextPlace, removalOf } from '../../src/membership/drafting.js'
import { signOperation } from '../../src/membership/format/operation.js'
import type { GivenRole } from '../../src/membership/format/role.js'
import type { PrivateRoom } from '../../src/membership/format/room.js'
import { foundRoom } from '../../src/membership/founding.js'
import { readCode, writeCode } from '../../src/membership/invitation/invitation-code.js'
import { invitationKeys } from '../../src/membership/invitation/invitation-keys.js'
import { NodeNetwork } from '../../src/node/connections/node-network.js'
import type { NodeEvent } from '../../src/node/events.js'
import { secureHome } from '../../src/node/home-guard.js'
import { openRoom } from '../../src/node/open-room.js'
import { homeOf } from '../../src/node/paths.js'
import type { RoomMembers } from '../../src/node/private-rooms/room-members.js'
import { type FoundRoom, RoomSeeker } from '../../src/node/private-rooms/room-seeker.js'
import type { Room } from '../../src/node/room.js'
import type { Cleanup } from './child.js'
import { temporaryDirectory } from './temporary-directory.js'

/** A person with a key, a data directory and a network on loopback. */
export class Person {
  readonly name: string
  readonly data: string
  readonly network: NodeNetwork
  readonly events: NodeEvent[] = []
  readonly #rooms: Room[] = []
  #lobby: Room | undefined

  private constructor(name: string, data: string) {
    this.name = name
    this.data = data
    this.network = new NodeNetwork(name)
  }

  static async create(cleanup: Cleanup, name: string): Promise<Person> {
    const person = new Person(name, await temporaryDirectory(cleanup))
    await secureHome(homeOf(person.data, name), () => {})
    cleanup.after(() => person.close())
    return person
  }

  async keys() {
    return loadKey(homeOf(this.data, this.name).keyFile, systemRandom)
  }

  async open(room: string, privateRoom?: PrivateRoom): Promise<Room> {
    const opened = await openRoom({
      me: this.name,
      network: this.network,
      peers: [],
      listen: '127.0.0.1:0',
      room,
      privateRoom,
      data: this.data,
      isDiscovering: false,
      onEvent: event => void this.events.push(event),
    })
    this.#rooms.push(opened)
    return opened
  }

  /** Founds a room, and opens it. */
  async found(name: string, isClosed = false): Promise<Room> {
    const keys = await this.keys()
    const nonce = systemRandom.bytes(32)
    const { room, opening } = foundRoom(keys, { name, nonce, rescue: undefined, isClosed, time: Date.now() })
    const opened = await this.open(name, room)
    await membersOf(opened).found(opening)
    return opened
  }

  /** Looks for the room of a code at `other`, and gives it when admitted. */
  async join(code: string, other: Room): Promise<FoundRoom> {
    this.#lobby ??= await this.open('lobby')
    const lobby = this.#lobby
    lobby.connect(other.address)
    const read = readCode(code)
    if (read.kind !== 'code') throw new Error(read.kind)
    const keys = await this.keys()
    const open = await this.network.opened()
    if (open === undefined) throw new Error('no network')
    const found = await new Promise<FoundRoom>((resolve, reject) => {
      const seeker = new RoomSeeker(
        read.code,
        keys,
        {
          onFound: () => {},
          onAdmitted: resolve,
          onRefused: reason => reject(new Error(reason)),
        },
        systemClock,
        undefined,
        this.name,
      )
      open.introductions.seek(seeker)
    })
    return found
  }

  /** Joins, and opens the room. */
  async enter(code: string, other: Room): Promise<Room> {
    const { room, name, operations } = await this.join(code, other)
    const opened = await this.open(name, room)
    await membersOf(opened).add(operations)
    opened.connect(other.address)
    return opened
  }

  async close(): Promise<void> {
    for (const room of this.#rooms.splice(0)) await room.close()
  }
}

export function membersOf(room: Room): RoomMembers {
  if (room.members === undefined) throw new Error('a public room')
  return room.members
}

/** Makes an invitation; gives its code. */
export async function invite(
  room: Room,
  { uses = 1, role = 'host', until = Date.now() + 60_000 }: { uses?: number; role?: GivenRole; until?: number } = {},
): Promise<string> {
  const seed = systemRandom.bytes(16)
  const { invite: pair, find } = invitationKeys(seed)
  const members = membersOf(room)
  const signed = await members.sign(() => ({
    kind: 'invite',
    role,
    inviteKey: hexOf(pair.publicKey),
    findKey: find,
    until,
    uses,
    time: Date.now(),
  }))
  if ('kind' in signed) throw new Error(signed.kind)
  return writeCode(members.room.id, seed)
}

export async function remove(room: Room, subject: AuthorId): Promise<void> {
  const signed = await membersOf(room).sign(membership => {
    const chat = room.endsOf(subject).map(end => ({ ...end, chain: hexOf(end.chain) }))
    return removalOf(membership, subject, chat, Date.now()) ?? { kind: 'never-admitted' }
  })
  if ('kind' in signed) throw new Error(signed.kind)
}

/** Signs a removal that an honest program refuses to sign. */
export async function removeAnyway(room: Room, keys: KeyPair, subject: AuthorId): Promise<void> {
  const members = membersOf(room)
  const place = nextPlace(members.membership, room.id)
  const body = removalOf(members.membership, subject, [], Date.now())
  if (place === undefined || body === undefined) throw new Error('no member')
  await members.add([signOperation(members.room.id, keys, place, body)])
}

/** Admits somebody who was removed. */
export async function admitAgain(room: Room, subject: AuthorId): Promise<void> {
  const signed = await membersOf(room).sign(membership => {
    for (const { operations } of membership.logs.values())
      for (const { body } of operations)
        if (body.kind === 'admit' && body.subject === subject)
          return admissionOf(membership, { subject, role: 'member', consent: body.consent, time: Date.now() })
    return { kind: 'never-admitted' }
  })
  if ('kind' in signed) throw new Error(signed.kind)
}

/** Resolves when a condition holds, checked after every change of a room's members, connections and logs. */
export function until(room: Room, isSo: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const check = (): void => {
      if (!isSo()) return
      room.off('change', check).off('heads', check)
      membersOf(room).off('change', check).off('cards', check)
      resolve()
    }
    room.on('change', check).on('heads', check)
    membersOf(room).on('change', check).on('cards', check)
    check()
  })
}

export const textsIn = async (room: Room): Promise<string[]> => {
  const texts: string[] = []
  for await (const { message } of room.messages()) texts.push(message)
  return texts.sort()
}
