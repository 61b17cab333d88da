import type { Clock } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { reasonOf } from '../../base/errors.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { openRowStore } from '../../compat/scuttleup/row-store.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import { decodeEntry, type Entry } from '../../log/format/entry.js'
import { entryStart, isStub } from '../../log/format/packed.js'
import type { SignedRun } from '../../log/format/segment-plan.js'
import { Log } from '../../log/log.js'
import { admissionOf, nextPlace, removalOf } from '../../membership/drafting.js'
import type { Body } from '../../membership/format/body.js'
import { signConsent } from '../../membership/format/consent.js'
import { type Operation, signOperation } from '../../membership/format/operation.js'
import type { GivenRole } from '../../membership/format/role.js'
import type { PrivateRoom } from '../../membership/format/room.js'
import { memberItems } from '../../membership/member-list.js'
import type { Membership } from '../../membership/membership.js'
import type { Refusal } from '../../membership/refusal.js'
import type { Connections } from '../../net/connections.js'
import type { Connection, RoomChannels } from '../../net/room-channels.js'
import { ChatLimits } from '../../node/private-rooms/chat-limits.js'
import { type ChatPlaces, chatPlaceOf } from '../../node/private-rooms/chat-places.js'
import type { Introductions } from '../../node/private-rooms/introductions.js'
import { memberChannels } from '../../node/private-rooms/member-channels.js'
import { type OperationDraft, RoomMembers } from '../../node/private-rooms/room-members.js'
import { Room } from '../../node/room.js'
import { createNativeStream } from '../../sync/native-replication.js'
import { Replicator } from '../../sync/replicator.js'
import { VirtualDisk } from '../virtual/disk.js'
import type { Lifecycle } from '../virtual/lifecycle.js'
import { VirtualMark } from '../virtual/mark.js'
import type { VirtualTime } from '../virtual/time.js'
import { withOverrides } from '../world/overridden.js'
import { historyOf } from '../world/room-checks.js'
import { ByzantineMembers } from './byzantine-members.js'
import type { RoomChecker } from './room-checker.js'

/** The part of the world that a person's rooms use. */
export interface SeatContext {
  readonly seed: number
  readonly time: VirtualTime
  readonly checker: RoomChecker
  note(line: string): void
  /** Makes a room dial a member. */
  dial(channels: RoomChannels, author: AuthorId): void
}

export interface SeatOptions {
  readonly person: string
  readonly keys: KeyPair
  readonly room: PrivateRoom
  /** Name of the room in the trace. */
  readonly called: string
  readonly isByzantine: boolean
  readonly withholds: boolean
}

/** The process of a person. */
export interface SeatProgram {
  readonly life: Lifecycle
  readonly clock: Clock
  readonly connections: Connections
  readonly introductions: Introductions
}

/** The open room of a process. */
interface OpenRoom {
  readonly program: SeatProgram
  readonly log: Log
  readonly channels: RoomChannels
  readonly places: ChatPlaces
  readonly room: Room
}

export interface History {
  /** Entries that the user is shown. */
  readonly shown: readonly Entry[]
  readonly stored: readonly Entry[]
}

/** A private room of a person: the production code of one room, on a virtual disk. */
export class Seat {
  readonly author: AuthorId
  readonly called: string
  readonly disk: VirtualDisk
  readonly room: PrivateRoom
  /** The mark is not part of backups of the disk. */
  readonly #mark: VirtualMark
  /** The members according to the disk, as read by the latest process. */
  members: RoomMembers | undefined
  readonly byzantine: ByzantineMembers | undefined
  readonly #context: SeatContext
  readonly #options: SeatOptions
  #open: OpenRoom | undefined
  #opening: Lifecycle | undefined
  #report: { readonly of: Membership; readonly names: number; readonly text: string } | undefined
  #namesVersion = 0

  constructor(context: SeatContext, options: SeatOptions) {
    const { seed, time, checker } = context
    const { person, keys, called, isByzantine } = options
    this.#context = context
    this.#options = options
    this.author = authorOfKey(keys.publicKey)
    this.called = called
    this.room = options.room
    this.disk = new VirtualDisk(time, new SeededRandom(seed, `disk of ${person} in ${called}`))
    this.#mark = new VirtualMark(time, new SeededRandom(seed, `mark of ${person} in ${called}`))
    this.byzantine = isByzantine ? new ByzantineMembers(this.author, options.withholds) : undefined
    checker.seat(called, this)
  }

  get isOpen(): boolean {
    return this.#open !== undefined && !this.#open.program.life.isOver
  }

  /** Whether the person is a member according to the operations stored here. */
  get isMember(): boolean {
    return this.members?.isMember(this.author) ?? false
  }

  /** Number of lines that are not stored yet. */
  get unsaved(): number {
    return this.#open?.room.unsavedCount ?? 0
  }

  /** The keys at the other ends of its channels. */
  get channels(): readonly AuthorId[] {
    return this.connections.flatMap(({ remote }) => (remote.kind === 'native' ? (remote.key as AuthorId) : []))
  }

  get connections(): readonly Connection[] {
    return this.isOpen ? (this.#open?.channels.connections ?? []) : []
  }

  /** The members, as `members --json` prints them. */
  get report(): string {
    const { members } = this
    if (members === undefined) return ''
    const { membership } = members
    if (this.#report?.of !== membership || this.#report.names !== this.#namesVersion) {
      const items = memberItems(membership, author => members.nameOf(author))
      this.#report = {
        of: membership,
        names: this.#namesVersion,
        text: items.map(item => JSON.stringify(item)).join('\n'),
      }
    }
    return this.#report.text
  }

  /** The last entry of each log that counts here. */
  get counted(): string {
    const { log, places } = this.#open ?? {}
    const ends = (log?.head ?? []).flatMap(({ author, seq }) => {
      const last = Math.min(seq, places?.lastOf(author) ?? 0)
      return last === 0 ? [] : [`${author}/${last}`]
    })
    return ends.sort().join(' ')
  }

  /**
   * Opens the room in a process. `found` are operations to store first, of a room in which the person has signed
   * nothing before. Does nothing if the process ends meanwhile.
   */
  async open(program: SeatProgram, found?: readonly Operation[]): Promise<void> {
    const { seed, time, checker, note } = this.#context
    const { person, keys, room: privateRoom, called } = this.#options
    const { life, clock, connections, introductions } = program
    if (this.#opening === life || life.isOver) return
    this.#opening = life
    const random = (label: string): SeededRandom =>
      new SeededRandom(seed, `${person} in ${called} from ${time.now}, ${label}`)
    const limits = new ChatLimits()
    const log = await Log.over(this.disk.open(life), keys, {
      unsigned: openRowStore,
      clock,
      random: random('log'),
      room: privateRoom.id,
      ...(this.byzantine === undefined && limits.logOptions),
    })
    const mark = this.byzantine === undefined ? this.#mark.open(life) : undefined
    const members = await RoomMembers.open(privateRoom, keys, log, mark)
    if (life.isOver) return
    this.members = members
    if (found !== undefined) await members.settleDoubt()
    members.on('repeated', operations => {
      note(`${person} signs ${operations.length} operations again`)
      checker.signed(operations, true)
    })
    members.on('cards', () => this.#namesVersion++)
    this.#namesVersion++
    members.introduceAs(person)
    await members.add(found ?? [])
    const seen = this.byzantine?.over(members) ?? members
    await limits.follow(log, seen)
    if (life.isOver) return
    const { channels } = memberChannels(seen, connections, introductions)
    const { places } = limits
    const room = this.#roomOver(log, seen, places, channels, program, random('presence'))
    this.#open = { program, log, channels, places, room }
    channels.open()
    const dialMembers = (): void => {
      for (const author of members.membership.members.keys()) this.#context.dial(channels, author)
    }
    members.on('change', dialMembers)
    dialMembers()
    if (this.byzantine === undefined) void this.#show(this.#open)
    checker.checkMembers(called)
  }

  /** The production room, observed by the checker. */
  #roomOver(
    log: Log,
    members: RoomMembers,
    chatPlaces: ChatPlaces,
    channels: RoomChannels,
    program: SeatProgram,
    random: SeededRandom,
  ): Room {
    const { person, keys, called } = this.#options
    const { life, clock } = program
    const replicator = new Replicator(log)
    const room = new Room({
      me: person,
      room: called,
      members,
      chatPlaces,
      log,
      replicator: withOverrides(replicator, {
        createStream: (options = {}) => {
          const from = options.replica as AuthorId
          const watched = withOverrides(log, {
            addSigned: (author, runs, introducer) => {
              this.#received(from, runs)
              return log.addSigned(author, runs, introducer)
            },
          })
          return createNativeStream(withOverrides(replicator, { log: watched }), options)
        },
      }),
      connections: channels,
      clock,
      random,
      keys,
      hasPeerExchange: false,
    })
    room.on('event', ({ kind, ...fields }) => {
      if (!life.isOver) this.#context.note(`${person} in ${called}: ${kind} ${JSON.stringify(fields)}`)
    })
    return room
  }

  /** Stores operations that a peer sent. */
  async add(found: readonly Operation[]): Promise<void> {
    await this.members?.add(found)
  }

  say(text: string): void {
    const { checker, note } = this.#context
    const { person, called } = this.#options
    const open = this.#open
    if (open === undefined || open.program.life.isOver || this.members === undefined) return
    const line = `#${called} ${text}`
    note(`${person} sends "${line}"`)
    checker.sent(called, this.author, line, this.members.membership)
    open.room.say(line).then(
      () => {
        if (!open.program.life.isOver) checker.acknowledged(called, this.author, line)
      },
      error => {
        if (!open.program.life.isOver && this.isMember)
          checker.violate(`${person} cannot send "${line}": ${reasonOf(error)}`)
      },
    )
  }

  /** Signs an operation like the program, which may refuse it. */
  async sign(what: string, ...drafts: readonly OperationDraft[]): Promise<void> {
    const { checker, note } = this.#context
    const { members } = this
    const life = this.#open?.program.life
    if (members === undefined || life === undefined || life.isOver) return
    const signed = await members.sign(...drafts)
    if (life.isOver) return
    note(`${this.#options.person} ${what}${'kind' in signed ? ` is refused: ${signed.kind}` : ''}`)
    if (!('kind' in signed)) checker.signed(signed, this.byzantine === undefined)
  }

  remove(subject: AuthorId): Promise<void> {
    return this.sign(`removes ${this.#nameOf(subject)} from ${this.called}`, membership => {
      const chat = chatPlaceOf(this.#open?.room.endsOf(subject) ?? [])
      return removalOf(membership, subject, chat, this.#nowMs) ?? NEVER_ADMITTED
    })
  }

  /** The person confirms that nothing of what they signed is missing. */
  async confirm(): Promise<void> {
    this.#context.checker.mayFork(this.author)
    await this.members?.settleDoubt()
  }

  /** Takes over from the founder with the rescue words. */
  async rescue(rescueKeys: KeyPair): Promise<void> {
    const { checker, note } = this.#context
    const { members } = this
    const open = this.#open
    if (members === undefined || open === undefined || open.program.life.isOver) return
    const { id, founder } = this.room
    if (founder === this.author) return
    const chat = chatPlaceOf(open.room.endsOf(founder))
    const consent = signConsent(id, this.#options.keys)
    const signed = await members.signAs(
      rescueKeys,
      membership => removalOf(membership, founder, chat, this.#nowMs) ?? NEVER_ADMITTED,
      membership => admissionOf(membership, { subject: this.author, role: 'admin', consent, time: this.#nowMs }),
    )
    if (open.program.life.isOver) return
    note(`${this.#options.person} uses the rescue words${'kind' in signed ? `, and is refused: ${signed.kind}` : ''}`)
    if (!('kind' in signed)) checker.signed(signed, true)
  }

  /** Signs a removal that the program would refuse to sign. */
  removeAnyway(subject: AuthorId): Promise<void> {
    return this.#signAnyway(membership => removalOf(membership, subject, [], this.#nowMs))
  }

  /** Signs an admission that the program would refuse to sign. */
  admitAnyway(subject: AuthorId): Promise<void> {
    return this.#signAnyway(membership => {
      const consent = consentIn(membership, subject)
      return consent === undefined
        ? undefined
        : admissionOf(membership, { subject, role: 'member', consent, time: this.#nowMs })
    })
  }

  /** Admits somebody again, or changes a member's role. */
  admit(subject: AuthorId, role: GivenRole): Promise<void> {
    return this.sign(`admits ${this.#nameOf(subject)} to ${this.called} as ${role}`, membership => {
      const consent = consentIn(membership, subject)
      return consent === undefined
        ? NEVER_ADMITTED
        : admissionOf(membership, { subject, role, consent, time: this.#nowMs })
    })
  }

  leave(): Promise<void> {
    return this.sign(`leaves ${this.called}`, () => {
      const chat = chatPlaceOf(this.#open?.room.endsOf(this.author) ?? [])
      return { kind: 'leave', ...(chat.length > 0 && { chat }), time: this.#nowMs }
    })
  }

  /** The entries that are shown and those that are stored. Undefined if the room is closed. */
  async history(): Promise<History | undefined> {
    const open = this.#open
    if (open === undefined) return undefined
    const shown: Entry[] = []
    for await (const entries of open.room.entries({})) shown.push(...entries)
    return { shown, stored: await historyOf(open.log) }
  }

  async #signAnyway(draft: (membership: Membership) => Body | undefined): Promise<void> {
    const { members } = this
    const place = members && nextPlace(members.membership, this.author)
    const body = members && draft(members.membership)
    if (members === undefined || place === undefined || body === undefined) return
    const operation = signOperation(members.room.id, this.#options.keys, place, body)
    this.#context.checker.signed([operation], false)
    await members.add([operation])
  }

  get #nowMs(): number {
    return this.#open?.program.clock.now() ?? 0
  }

  #nameOf(author: AuthorId): string {
    return this.#context.checker.nameOf(author)
  }

  #received(from: AuthorId, runs: readonly SignedRun[]): void {
    for (const { entries } of runs)
      for (const packed of entries)
        if (!isStub(packed))
          for (const text of textOf(packed.subarray(entryStart(packed))))
            this.#context.checker.delivered(from, this.author, text)
  }

  /** Shows new entries to the user. */
  async #show({ program: { life }, room }: OpenRoom): Promise<void> {
    for await (const entries of room.entries({ live: true })) {
      if (life.isOver || this.members === undefined) return
      for (const entry of entries)
        for (const text of textOf(entry.entry))
          this.#context.checker.shown(this.author, this.members.membership, text, entry)
    }
  }
}

const NEVER_ADMITTED: Refusal = { kind: 'never-admitted' }

/** The consent of a person, from an admission of them. */
function consentIn({ logs }: Membership, subject: AuthorId): string | undefined {
  for (const { operations } of logs.values())
    for (const { body } of operations) if (body.kind === 'admit' && body.subject === subject) return body.consent
  return undefined
}

/** The line in an entry, if it has one. */
export const textOf = (entry: Uint8Array): string[] => {
  if (isControl(entry)) return []
  const text = decodeEntry(entry)?.message
  return text === undefined ? [] : [text]
}
