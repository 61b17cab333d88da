import type { Clock, Millis } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { hexOf } from '../../base/wire/bytes.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { decodeIntroductionFrame } from '../../membership/exchange/introduction-frames.js'
import type { Operation } from '../../membership/format/operation.js'
import type { GivenRole } from '../../membership/format/role.js'
import type { PrivateRoom } from '../../membership/format/room.js'
import { foundRoom } from '../../membership/founding.js'
import { isCodeFor, readCode, writeCode } from '../../membership/invitation/invitation-code.js'
import { invitationKeys } from '../../membership/invitation/invitation-keys.js'
import { Connections } from '../../net/connections.js'
import { formatAddress } from '../../net/lan/address.js'
import { RoomChannels } from '../../net/room-channels.js'
import type { ProvenPeer } from '../../net/upgrader.js'
import { Introductions } from '../../node/private-rooms/introductions.js'
import { type FoundRoom, RoomSeeker } from '../../node/private-rooms/room-seeker.js'
import type { VirtualDisk } from '../virtual/disk.js'
import type { Lifecycle } from '../virtual/lifecycle.js'
import { Machine, type MachineContext } from '../virtual/machine.js'
import { type Misbehaviour, misbehave, sendForeignTags } from './misbehaviour.js'
import type { RoomChecker } from './room-checker.js'
import { Seat } from './seat.js'

const PORT = 4000
const ID_BYTES = 32
const INVITATION_SEED_BYTES = 16

/** Context that all people of a world share. */
export interface RoomContext extends MachineContext {
  readonly checker: RoomChecker
  /** Everybody whom a newcomer or a member can dial. */
  readonly people: () => Iterable<RoomPerson>
  /** Name of a room in the trace and in the checker. */
  readonly calledOf: (room: Uint8Array) => string | undefined
}

export type Character = 'honest' | 'Byzantine' | 'Byzantine, withholds removals' | 'outsider'

/** Secrets that an attacker may know: room ids, and the find keys of invitations. */
export interface Secrets {
  readonly rooms: readonly Uint8Array[]
  readonly invitations: readonly Uint8Array[]
}

export interface InviteOptions {
  readonly role?: GivenRole
  readonly uses?: number
  readonly forMs?: Millis
}

interface Program {
  readonly life: Lifecycle
  readonly clock: Clock
  readonly connections: Connections
  readonly introductions: Introductions
  /** Dials everybody until the entered codes have led to admissions; undefined if no code is pending. */
  search: RoomChannels | undefined
  readonly peers: Set<ProvenPeer>
}

/** A person and their machine. The person's codes outlive the processes of the machine. */
export class RoomPerson extends Machine<Program> {
  readonly character: Character
  /** Private rooms by name. */
  readonly seats = new Map<string, Seat>()
  /** Codes that the person has entered, and that have not led to an admission yet. */
  readonly codes = new Set<string>()
  /** Why codes were refused. */
  readonly refusals: string[] = []
  /** Whether this is the second machine of somebody. */
  readonly #isCopy: boolean
  #hasEnteredCode = false
  readonly #context: RoomContext

  /** `keyOf`: the person whose key this machine has, if it is somebody's second machine. */
  constructor(
    context: RoomContext,
    name: string,
    address: string,
    character: Character,
    aheadMs: Millis,
    keyOf: string = name,
  ) {
    super(context, { name, address, aheadMs, keyOf })
    this.#context = context
    this.character = character
    this.#isCopy = keyOf !== name
    if (keyOf === name) context.checker.person(name, this.author, this.isHonest)
  }

  get isHonest(): boolean {
    return this.character === 'honest'
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.host.address, port: PORT }
  }

  /** Whether this machine can know of a room. A copy that was made before its owner entered the room cannot. */
  canKnow(room: string): boolean {
    return !this.#isCopy || this.#hasEnteredCode || this.seats.has(room)
  }

  get #isByzantine(): boolean {
    return this.character.startsWith('Byzantine')
  }

  protected created(life: Lifecycle, clock: Clock): Program {
    const connections = new Connections({
      me: formatAddress(this.address),
      keys: this.keys,
      plain: {},
      source: this.#context.network.sourceOf(this.host, life),
      clock,
      random: this.randomFor(''),
    })
    const introductions = new Introductions(clock)
    const program: Program = { life, clock, connections, introductions, search: undefined, peers: new Set() }
    connections.onProven(peer => {
      program.peers.add(peer)
      peer.multiplexer.once('closed', () => program.peers.delete(peer))
      if (this.character === 'outsider') this.#watch(peer)
      else introductions.proven(peer)
    })
    return program
  }

  protected disks(): VirtualDisk[] {
    return [...this.seats.values()].map(({ disk }) => disk)
  }

  protected violate(what: string): void {
    this.#context.checker.violate(what)
  }

  /** Copies what another machine of the same person has on disk. */
  copy({ seats }: RoomPerson): void {
    for (const { called, disk, room } of seats.values()) this.#addSeat(room, called).disk.restore(disk.backUp())
  }

  /** Founds a room. */
  async found(called: string, rescueKeys?: KeyPair): Promise<void> {
    const program = this.program
    if (program === undefined || this.seats.has(called)) return
    const { room, opening } = foundRoom(this.keys, {
      name: called,
      nonce: this.random.bytes(ID_BYTES),
      rescue: rescueKeys && authorOfKey(rescueKeys.publicKey),
      isClosed: false,
      time: program.clock.now(),
    })
    const { checker, note } = this.#context
    note(`${this.name} founds ${called}`)
    checker.founded(called, this.author)
    checker.signed([opening], this.isHonest)
    const seat = this.#addSeat(room, called)
    await seat.open(program, [opening])
  }

  /** Makes an invitation. Resolves with its code; undefined if the program refuses. */
  async invite(
    called: string,
    { role = 'member', uses = 1, forMs = 3_600_000 }: InviteOptions,
  ): Promise<string | undefined> {
    const [seat, program] = [this.seats.get(called), this.program]
    if (seat?.members === undefined || program === undefined) return undefined
    const seed = this.random.bytes(INVITATION_SEED_BYTES)
    const { invite, find } = invitationKeys(seed)
    const before = seat.members.membership.invitations.length
    await seat.sign(`invites ${uses} to ${called} as ${role}`, () => ({
      kind: 'invite',
      role,
      inviteKey: hexOf(invite.publicKey),
      findKey: find,
      until: program.clock.now() + forMs,
      uses,
      time: program.clock.now(),
    }))
    return seat.members.membership.invitations.length > before ? writeCode(seat.members.room.id, seed) : undefined
  }

  /** Enters a code: sends knocks to everybody until somebody admits or refuses this person. */
  join(code: string): void {
    if (this.codes.has(code)) return
    this.#context.note(`${this.name} enters the code ${code.slice(0, 12)}…`)
    this.codes.add(code)
    this.#hasEnteredCode = true
    if (this.program !== undefined) this.#seek(this.program, code)
  }

  /** Performs a misbehaviour in a room. */
  misbehave(called: string, what: Misbehaviour, { rooms, invitations }: Secrets): void {
    const [seat, program] = [this.seats.get(called), this.program]
    if (program === undefined || this.host.isAsleep) return
    const { checker, note } = this.#context
    // With an invitation secret, an outsider would be an invited newcomer.
    const secrets = this.character === 'outsider' ? rooms : [...rooms, ...invitations]
    const who = { keys: this.keys, random: this.random, peers: program.peers, secrets }
    note(`${this.name} ${what}`)
    if (this.character === 'outsider') sendForeignTags(who, [])
    if (!this.#isByzantine || seat === undefined || !seat.isOpen) return
    const foreign = [...this.seats.values()].flatMap(each => (each === seat ? [] : (each.members?.sent ?? [])))
    misbehave({ ...who, seat, checker, foreign, nowMs: program.clock.now() }, what)
  }

  /** An outsider tries to open a room whose id they have stolen. */
  intrude(room: Uint8Array): void {
    if (this.program === undefined) return
    const { connections } = this.program
    const channels = new RoomChannels(room, connections)
    channels.on('connection', ({ remote }) => {
      const key = remote.kind === 'native' ? (remote.key as AuthorId) : undefined
      if (key !== undefined && this.#context.checker.isHonest(key))
        this.#context.checker.violate(`${this.#context.checker.nameOf(key)} opened a private room to ${this.name}`)
    })
    channels.open()
    for (const other of this.#context.people()) if (other !== this) channels.add(other.name, other.address)
  }

  protected async opened(program: Program): Promise<void> {
    await program.connections.listen(undefined, PORT)
    if (program.life.isOver) return
    for (const seat of this.seats.values()) {
      await seat.open(program)
      if (program.life.isOver) return
    }
    for (const code of this.codes) this.#seek(program, code)
    if (this.character === 'outsider') this.#search(program)
  }

  #seek(program: Program, code: string): void {
    const read = readCode(code)
    if (read.kind !== 'code') return
    const { life, clock, introductions } = program
    const { checker, note, calledOf } = this.#context
    let stop = (): void => {}
    const done = (): void => {
      stop()
      this.codes.delete(code)
      if (this.codes.size === 0) this.#stopSearch(program)
    }
    const known = (): readonly Operation[] => {
      for (const { members } of this.seats.values())
        if (members !== undefined && isCodeFor(read.code, members.room.id)) return members.sent
      return []
    }
    const seeker = new RoomSeeker(
      read.code,
      this.keys,
      {
        onFound: ({ room }) => {
          const called = calledOf(room.id)
          if (called === undefined) checker.violate(`${this.name} takes another room for that of the code`)
          else checker.consented(called, this.author)
        },
        onAdmitted: found => {
          note(`${this.name} is admitted to ${calledOf(found.room.id)}`)
          void this.#enter(program, found).then(() => {
            if (!life.isOver) done()
          })
        },
        onRefused: reason => {
          note(`${this.name} is refused: ${reason}`)
          this.refusals.push(reason)
          done()
        },
      },
      clock,
      known,
    )
    stop = introductions.seek(seeker)
    this.#search(program)
  }

  async #enter(program: Program, { room, operations }: FoundRoom): Promise<void> {
    const called = this.#context.calledOf(room.id)
    if (called === undefined) return
    const known = this.seats.get(called)
    if (known !== undefined) return known.add(operations)
    await this.#addSeat(room, called).open(program, operations)
  }

  #addSeat(room: PrivateRoom, called: string): Seat {
    const { seed, time, checker, note, people } = this.#context
    const seat = new Seat(
      {
        seed,
        time,
        checker,
        note,
        dial: (channels, author) => {
          for (const other of people())
            if (other !== this && other.author === author && !channels.dials(other.name))
              channels.add(other.name, other.address)
        },
      },
      {
        person: this.name,
        keys: this.keys,
        room,
        called,
        isByzantine: this.#isByzantine,
        withholds: this.character === 'Byzantine, withholds removals',
      },
    )
    this.seats.set(called, seat)
    return seat
  }

  /** Dials everybody, through a random room that nobody else has. */
  #search(program: Program): void {
    if (program.search !== undefined) return
    const channels = new RoomChannels(this.random.bytes(ID_BYTES), program.connections, () => false)
    program.search = channels
    channels.open()
    for (const other of this.#context.people()) if (other !== this) channels.add(other.name, other.address)
  }

  #stopSearch(program: Program): void {
    program.search?.close()
    program.search = undefined
  }

  /** An outsider checks that no peer reveals a private room to them. */
  #watch({ multiplexer, remote }: ProvenPeer): void {
    const { checker } = this.#context
    const key = remote.key as AuthorId
    if (!checker.isHonest(key)) return
    multiplexer.on('control', body => {
      // Knocks are allowed: a knock is a hash of a secret that only members and people with the code know.
      if (decodeIntroductionFrame(body)?.kind !== 'knock')
        checker.violate(`${checker.nameOf(key)} sent ${this.name} a frame about a private room`)
    })
    multiplexer.on('rooms', () => {
      for (const { name, seats } of this.#context.people())
        for (const { called, members } of seats.values())
          if (members !== undefined && multiplexer.isOfferedByOther(members.room.id))
            checker.violate(`${checker.nameOf(key)} named ${called}, where ${name} is, to ${this.name}`)
    })
  }
}
