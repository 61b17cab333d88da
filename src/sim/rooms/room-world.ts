import type { Millis } from '../../base/clock.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../../base/crypto/signing.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { GivenRole } from '../../membership/format/role.js'
import { readCode } from '../../membership/invitation/invitation-code.js'
import { invitationKeys } from '../../membership/invitation/invitation-keys.js'
import type { Membership } from '../../membership/membership.js'
import type { NetworkOptions } from '../virtual/network.js'
import type { SortedRows } from '../virtual/sorted-rows.js'
import { VirtualWorld } from '../virtual/world.js'
import { Violation } from '../world/world.js'
import type { Misbehaviour } from './misbehaviour.js'
import { RoomChecker } from './room-checker.js'
import { RoomFaults } from './room-faults.js'
import { compareHistories } from './room-histories.js'
import { type Character, type InviteOptions, type RoomContext, RoomPerson, type Secrets } from './room-person.js'
import { type History, type Seat, textOf } from './seat.js'

/** Interval of comparisons while the peers settle. */
const STEP_MS: Millis = 100
/** Time for people who wake up to finish the actions that their sleep interrupted. */
const SLEEPERS_MS: Millis = 2_000
/** Longest time until peers agree once all faults have ended: connections without a common room are dialled again after 30 s. */
const SETTLE_MS_MAX: Millis = 180_000

export interface RoomWorldOptions {
  readonly seed: number
  /** Everybody, with their character. */
  readonly people: ReadonlyMap<string, Character>
  readonly network?: Partial<NetworkOptions>
  readonly aheadMs?: (name: string) => Millis
}

/** A room at the end of a run. */
export interface RoomSummary {
  readonly room: string
  readonly members: number
  readonly former: number
  readonly warnings: number
  /** Lines that the members are shown. */
  readonly lines: number
}

/** People with private rooms in one process and in virtual time, all determined by one seed. */
export class RoomWorld extends VirtualWorld<RoomPerson> {
  readonly checker: RoomChecker
  /** The codes that were made, by number. */
  readonly codes = new Map<number, string>()
  readonly #called = new Map<string, string>()
  /** Histories that members read after settling, by `room/name`. */
  readonly #histories = new Map<string, History>()
  readonly #faults: RoomFaults
  readonly #seed: number
  readonly #context: RoomContext
  /** Copies of disks, by `room/name`. */
  readonly #copies = new Map<string, SortedRows>()

  constructor({ seed, people, network, aheadMs }: RoomWorldOptions) {
    super(seed, { delayMsMin: 1, delayMsMax: 20, loss: 0, duplicates: 0, ...network }, STEP_MS)
    this.#seed = seed
    this.checker = new RoomChecker(() => this.time.now)
    this.#faults = new RoomFaults({
      checker: this.checker,
      people: () => this.machines.values(),
      insidersOf: room => this.insidersOf(room),
      now: () => this.time.now,
    })
    this.#context = {
      seed,
      time: this.time,
      network: this.network,
      checker: this.checker,
      note: (line: string) => this.note(line),
      people: () => this.machines.values(),
      calledOf: (room: Uint8Array) => this.#called.get(hexOf(room)),
    }
    let number = 1
    for (const [name, character] of people)
      this.machines.set(
        name,
        new RoomPerson(this.#context, name, `10.0.0.${number++}`, character, aheadMs?.(name) ?? 0),
      )
    for (const person of this.machines.values()) person.start()
  }

  /** Names of the private rooms. */
  get rooms(): readonly string[] {
    return [...this.#called.values()]
  }

  person(name: string): RoomPerson {
    return this.machine(name)
  }

  seat(name: string, room: string): Seat | undefined {
    return this.person(name).seats.get(room)
  }

  /** Keeps a copy of somebody's disk. */
  backUp(name: string, room: string): void {
    const copy = this.seat(name, room)?.disk.backUp()
    if (copy !== undefined) this.#copies.set(`${room}/${name}`, copy)
  }

  /** Restores the copy of a disk, and starts the program again. */
  goBack(name: string, room: string): void {
    const copy = this.#copies.get(`${room}/${name}`)
    if (copy === undefined) return
    this.person(name).crash('killed')
    this.restore(name, room, copy)
    this.person(name).start()
  }

  /** Somebody copies their data to a second machine, and uses both from now on. */
  copyMachine(name: string): void {
    const twin = `${name} II`
    if (this.machines.has(twin)) return
    const person = this.person(name)
    this.note(`${name} copies everything to a second machine`)
    this.checker.mayFork(person.author)
    const address = `10.0.0.${this.machines.size + 1}`
    const second = new RoomPerson(this.#context, twin, address, 'honest', 0, name)
    this.machines.set(twin, second)
    second.copy(person)
    second.start()
  }

  misbehave(name: string, room: string, what: Misbehaviour): void {
    this.person(name).misbehave(room, what, this.secrets)
  }

  /** The key of a room's rescue words. */
  rescueKeys(room: string): KeyPair {
    return keyPairOf(new SeededRandom(this.#seed, `rescue words of ${room}`).bytes(SEED_BYTES))
  }

  /** Restores an old copy of a disk. */
  restore(name: string, room: string, copy: SortedRows): void {
    this.note(`${name} restores a backup`)
    this.checker.restored(room, this.person(name).author)
    this.seat(name, room)?.disk.restore(copy)
  }

  /** Founds a room; `founder` is in it when its first operation is on disk. */
  async found(founder: string, room: string, hasRescue = false): Promise<void> {
    const person = this.person(founder)
    void person.found(room, hasRescue ? this.rescueKeys(room) : undefined)
    await this.runUntil(() => person.seats.get(room)?.isMember === true, 1_000)
    const seat = person.seats.get(room)
    if (seat?.members !== undefined) this.#called.set(hexOf(seat.members.room.id), room)
  }

  /** Makes an invitation with a number. */
  async invite(name: string, room: string, number: number, options: InviteOptions = {}): Promise<void> {
    const code = await this.#awaited(this.person(name).invite(room, options))
    if (code !== undefined) this.codes.set(number, code)
  }

  join(name: string, number: number): void {
    const code = this.codes.get(number)
    if (code !== undefined) this.person(name).join(code)
  }

  /** Invites and admits somebody. Reports a violation if that takes too long. */
  async enter(name: string, room: string, by: string, role: GivenRole = 'member'): Promise<void> {
    const number = this.codes.size + 1
    await this.invite(by, room, number, { role })
    this.join(name, number)
    const isIn = (): boolean => this.seat(name, room)?.isMember === true && this.seat(name, room)?.isOpen === true
    if (!(await this.runUntil(isIn, 60_000))) this.checker.violate(`${name} is not admitted to ${room}`)
    this.check()
  }

  /** Advances the time until an operation is signed and stored. */
  act(work: Promise<void> | undefined): Promise<void> {
    return this.#awaited(work ?? Promise.resolve())
  }

  remove(by: string, room: string, subject: string): Promise<void> {
    return this.act(this.seat(by, room)?.remove(this.person(subject).author))
  }

  /** Signs a removal that the program would refuse to sign. */
  removeAnyway(by: string, room: string, subject: string): Promise<void> {
    return this.act(this.seat(by, room)?.removeAnyway(this.person(subject).author))
  }

  /** Signs an admission that the program would refuse to sign. */
  admitAnyway(by: string, room: string, subject: string): Promise<void> {
    return this.act(this.seat(by, room)?.admitAnyway(this.person(subject).author))
  }

  admit(by: string, room: string, subject: string, role: GivenRole): Promise<void> {
    return this.act(this.seat(by, room)?.admit(this.person(subject).author, role))
  }

  /** A person who is not in the room tries to open it with its id. */
  intrude(name: string, room: string): void {
    for (const [id, called] of this.#called) if (called === room) this.person(name).intrude(Buffer.from(id, 'hex'))
  }

  get secrets(): Secrets {
    const invitations = [...this.codes.values()].flatMap(text => {
      const read = readCode(text)
      return read.kind === 'code' ? [Buffer.from(invitationKeys(read.code.seed).find, 'hex')] : []
    })
    return { rooms: [...this.#called.keys()].map(id => Buffer.from(id, 'hex')), invitations }
  }

  /**
   * Ends all faults and checks each room: all honest members agree on the members and the chat and have channels with each other, and
   * nobody whose code is valid still waits. Resolves with the time that it took.
   */
  async settle(msMax: Millis = SETTLE_MS_MAX): Promise<Millis> {
    this.heal()
    for (const person of this.machines.values()) {
      person.wake()
      person.start()
    }
    const from = this.time.now
    // Lets people finish the actions that their sleep interrupted.
    await this.run(SLEEPERS_MS)
    let tookMs = 0
    const faults = (): string[] => this.rooms.flatMap(room => this.#faults.in(room))
    for (let state = ''; state !== this.#state; ) {
      await this.runUntil(() => faults().length === 0, msMax)
      for (const fault of faults()) this.checker.violate(`after ${msMax / 1000} s ${fault}`)
      this.check()
      tookMs ||= this.time.now - from
      state = this.#state
      this.#histories.clear()
      for (const room of this.rooms) await this.#readHistories(room)
    }
    this.note(`settled after ${Math.ceil(tookMs)} ms`)
    for (const room of this.rooms) {
      this.checker.checkMembers(room)
      compareHistories(this.checker, room, this.#historiesOf(room))
    }
    this.check()
    return tookMs
  }

  /** Reports a violation unless exactly these people are members of a room, according to the operations of all honest peers. */
  expectMembers(room: string, ...expected: readonly string[]): void {
    const truth = this.checker.truth(room)
    const names = (membership: Membership | undefined): string =>
      [...(membership?.members.keys() ?? [])]
        .map(author => this.checker.nameOf(author))
        .sort()
        .join(' ')
    if (names(truth) !== [...expected].sort().join(' '))
      this.checker.violate(`${names(truth)} are in ${room}, and not ${[...expected].sort().join(' ')}`)
    this.check()
  }

  expectIn(room: string, name: string): void {
    if (this.checker.truth(room)?.members.has(this.person(name).author) !== true)
      this.checker.violate(`${name} is no member of ${room}`)
    this.check()
  }

  expectOut(room: string, name: string): void {
    if (this.checker.truth(room)?.members.has(this.person(name).author))
      this.checker.violate(`${name} is a member of ${room}`)
    this.check()
  }

  /** Reports a violation unless a removed person knows of their removal. */
  expectAware(name: string, room: string): void {
    if (this.seat(name, room)?.isMember) this.checker.violate(`${name} does not know that they are out of ${room}`)
    this.check()
  }

  /** Reports a violation unless everybody in a room is warned. */
  expectWarning(room: string, kind: string): void {
    for (const { name, seats } of this.insidersOf(room))
      if (!seats.get(room)?.members?.membership.warnings.some(warning => warning.kind === kind))
        this.checker.violate(`${name} is not warned of ${kind} in ${room}`)
    this.check()
  }

  /** Reports a violation unless exactly `count` invitations of a room are open. */
  expectOpenInvitations(room: string, count: number): void {
    const open = this.checker.truth(room)?.invitations.filter(({ state }) => state === 'open').length ?? 0
    if (open !== count) this.checker.violate(`${open} invitations of ${room} are open, and not ${count}`)
    this.check()
  }

  expectRefusal(name: string, reason: string): void {
    const { refusals } = this.person(name)
    if (!refusals.includes(reason)) this.checker.violate(`${name} was refused for ${refusals.join() || 'nothing'}`)
    this.check()
  }

  /** Reports a violation unless a person was shown exactly these lines, in any order, after settling. */
  expectLines(name: string, room: string, ...lines: readonly string[]): void {
    const shown = this.#histories.get(`${room}/${name}`)?.shown ?? []
    const texts = shown.flatMap(({ entry }) => textOf(entry)).sort()
    if (texts.join('\n') !== [...lines].sort().join('\n')) this.checker.violate(`${name} sees ${texts.join(', ')}`)
    this.check()
  }

  end(): void {
    for (const person of this.machines.values()) person.end()
  }

  /** The end of the trace. */
  story(lines = 60): string {
    return this.trace.slice(-lines).join('\n')
  }

  check(): void {
    if (this.checker.violations.length > 0) throw new Violation(this.checker.violations, this.story())
  }

  /** A room as it is once everybody has settled. */
  summaryOf(room: string): RoomSummary {
    const truth = this.checker.truth(room)
    const [first] = this.insidersOf(room)
    const shown = this.#histories.get(`${room}/${first?.name}`)?.shown ?? []
    return {
      room,
      members: truth?.members.size ?? 0,
      former: truth?.former.size ?? 0,
      warnings: truth?.warnings.length ?? 0,
      lines: shown.flatMap(({ entry }) => textOf(entry)).length,
    }
  }

  /**
   * Machines of honest members of a room, according to the operations of all honest peers. Excludes copies that were
   * made before their owner entered the room.
   */
  insidersOf(room: string): readonly RoomPerson[] {
    const truth = this.checker.truth(room)
    return [...this.machines.values()].filter(
      person => person.isHonest && truth?.members.has(person.author) && person.canKnow(room),
    )
  }

  protected override checkStep(): void {
    this.#checkChannels()
    this.check()
  }

  /** Checks that no honest person has a channel with somebody whom they do not know as a member. */
  #checkChannels(): void {
    for (const { name, isHonest, seats } of this.machines.values()) {
      if (!isHonest) continue
      for (const { called, members, channels } of seats.values())
        for (const other of channels)
          if (members?.isMember(other) !== true)
            this.checker.violate(`${name} has a channel of ${called} with ${this.checker.nameOf(other)}, who is out`)
    }
  }

  /** What all members know about all rooms. It is compared with an earlier state, to see whether it still changes. */
  get #state(): string {
    return this.rooms
      .flatMap(room =>
        this.insidersOf(room).map(({ seats }) => `${seats.get(room)?.report}\n${seats.get(room)?.counted}`),
      )
      .join('\n')
  }

  async #readHistories(room: string): Promise<void> {
    for (const { name, seats } of this.insidersOf(room)) {
      const history = await this.#awaited(seats.get(room)?.history() ?? Promise.resolve(undefined))
      if (history !== undefined) this.#histories.set(`${room}/${name}`, history)
    }
  }

  #historiesOf(room: string): [name: string, History][] {
    return this.insidersOf(room).flatMap(({ name }) => {
      const history = this.#histories.get(`${room}/${name}`)
      return history === undefined ? [] : [[name, history]]
    })
  }

  /** Advances the time until a promise is settled. */
  async #awaited<T>(promise: Promise<T>): Promise<T | undefined> {
    let result: { readonly value: T } | undefined
    let failure: { readonly error: unknown } | undefined
    promise.then(
      value => {
        result = { value }
      },
      error => {
        failure = { error }
      },
    )
    await this.runUntil(() => result !== undefined || failure !== undefined, 10_000)
    if (failure !== undefined) throw failure.error
    return result?.value
  }
}
