import assert from 'node:assert/strict'
import { hash } from '../../src/base/crypto/hash.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { utf8 } from '../../src/base/wire/bytes.js'
import { authorOfKey, type Run } from '../../src/log/format/author.js'
import { segmentRange } from '../../src/log/format/segment-rows.js'
import type { Log } from '../../src/log/log.js'
import { type End, laterOf, type Mark } from '../../src/log/mark/mark.js'
import type { LogMark } from '../../src/log/options.js'
import { between, type Chance, chance } from '../long/chance.js'
import { meet, messagesOf } from './fork-schedule.js'
import { logOver } from './logs.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { allRows } from './signed-world.js'
import { VirtualClock } from './virtual-clock.js'

const ALICE = keyPairOf(hash(utf8('author alice')))
const author = authorOfKey(ALICE.publicKey)

/** A mark in one place. `file`: the file that the mark was written to, and the file that it is in. They differ in a copy. */
interface Place {
  mark: Mark | undefined
  file: number
}

let files = 0
const newPlace = (): Place => ({ mark: undefined, file: ++files })
const copyOf = ({ mark, file }: Place): Place => ({ mark, file })

/** What a copy of a machine contains. */
interface Copy {
  readonly disk: MemoryDisk
  readonly home: Place
  readonly state: Place
}

/** Both marks of a machine. */
class PlacedMark implements LogMark {
  readonly found: End | undefined
  readonly heads = new Map()
  readonly isMoved: boolean
  readonly #places: readonly Place[]
  #end: End | undefined

  constructor(places: readonly Place[]) {
    this.#places = places
    const marks = places.flatMap(({ mark }) => mark ?? [])
    this.found = marks.reduce<Mark | undefined>(laterOf, undefined)
    this.isMoved = marks.length > 0 && !places.some(({ mark, file }) => mark?.place.inode === String(file))
    this.#end = this.found
  }

  get run(): Run | undefined {
    return this.#end?.run
  }

  async advance(end: End): Promise<void> {
    if (end.run !== this.#end?.run || end.seq > this.#end.seq) this.#write(end)
  }

  async reset(end: End): Promise<void> {
    this.#write(end)
  }

  forget(): void {}

  async forgetBatch(): Promise<void> {
    if (this.#end !== undefined) this.#write({ ...this.#end, batch: undefined })
  }

  async close(): Promise<void> {}

  #write(end: End): void {
    this.#end = end
    for (const place of this.#places)
      place.mark = {
        ...end,
        generation: (place.mark?.generation ?? 0) + 1,
        author,
        place: { machine: '', inode: String(place.file), bornMs: 0 },
      }
  }
}

/** The parts of an append that survive a power cut. */
interface Survivors {
  readonly disk?: boolean
  readonly home?: boolean
  readonly state?: boolean
}

const SURVIVORS: readonly Survivors[] = [{ disk: true }, { home: true, state: true }, { home: true }, {}]

/** A machine of alice. */
export class Machine {
  disk = new MemoryDisk()
  home = newPlace()
  state = newPlace()
  log: Log | undefined
  #isNew = true

  async open(): Promise<Log> {
    this.log ??= await logOver(new MemoryStore(this.disk), ALICE, {
      clock: new VirtualClock(),
      mark: new PlacedMark([this.home, this.state]),
      isNewKey: this.#isNew,
    })
    this.#isNew = false
    return this.log
  }

  async close(): Promise<void> {
    await this.log?.close()
    this.log = undefined
  }

  copy(): Copy {
    return { disk: this.disk.copy(), home: copyOf(this.home), state: copyOf(this.state) }
  }

  /** A second machine with a copy: of the data directory, or of the whole disk. */
  clone(isWhole: boolean): Machine {
    const other = new Machine()
    const { disk, home, state } = this.copy()
    other.disk = disk
    other.home = isWhole ? home : { ...home, file: ++files }
    if (isWhole) other.state = state
    other.#isNew = false
    return other
  }

  /** Restores a copy: only the data directory; also the state directory, file by file; or the whole disk, which leaves no trace in the files. */
  async restore({ disk, home, state }: Copy, how: 'data' | 'files' | 'rollback'): Promise<void> {
    await this.close()
    this.disk = disk.copy()
    this.home = how === 'rollback' ? copyOf(home) : { mark: home.mark, file: ++files }
    if (how === 'rollback') this.state = copyOf(state)
    if (how === 'files') this.state = { mark: state.mark, file: ++files }
  }

  /** Appends a line while the power fails: the commit and the marks that survived are on disk afterwards. */
  async crash(line: string, survivors: Survivors): Promise<void> {
    await this.open()
    const before = this.copy()
    await this.say(line)
    const after = this.copy()
    await this.close()
    this.disk = (survivors.disk ? after : before).disk
    this.home = (survivors.home ? after : before).home
    this.state = (survivors.state ? after : before).state
  }

  async say(line: string): Promise<void> {
    await (await this.open()).append({ username: 'alice', message: line })
  }

  /** Forgets the room: the database and both marks are deleted. */
  async forget(): Promise<void> {
    await this.close()
    this.disk = new MemoryDisk()
    this.home = newPlace()
    this.state = newPlace()
  }

  /** Loses the last segments of the database without an error. */
  async damage(count: number): Promise<void> {
    await this.close()
    const rows = allRows(this.disk).filter(([key]) => key[0] === segmentRange(new Uint8Array(0), 0, 1).gte[0])
    this.disk.write(rows.slice(-count).map(([key]) => ({ type: 'del', key })))
  }
}

/**
 * One key on machines that crash, are damaged, copied and put back, and peers, which meet at random. In the end everyone meets, and
 * each line that any disk had then is on all of them, once. Rejects otherwise.
 */
export async function runSchedule(seed: number): Promise<{ readonly forks: number; readonly runs: number }> {
  const random = chance(seed)
  const machines = [new Machine()]
  const peers = await Promise.all(
    ['bob', 'carol'].map(name =>
      logOver(new MemoryStore(), keyPairOf(hash(utf8(name))), { clock: new VirtualClock() }),
    ),
  )
  const copies: Copy[] = []
  let line = 0
  const machine = (): Machine => machines[between(random, 0, machines.length)] as Machine
  const steps: readonly ((random: Chance) => Promise<void>)[] = [
    async () => machine().say(`line ${++line}`),
    async () => machine().say(`line ${++line}`),
    async random => {
      await machine().crash(`line ${++line}`, SURVIVORS[between(random, 0, 4)] ?? {})
    },
    async () => void copies.push(machine().copy()),
    async random => {
      const copy = copies[between(random, 0, Math.max(1, copies.length))]
      const how = (['data', 'files', 'rollback'] as const)[between(random, 0, 3)] ?? 'data'
      if (copy !== undefined) await machine().restore(copy, how)
    },
    async random => {
      if (machines.length < 3) machines.push(machine().clone(random() < 0.5))
    },
    async random => {
      if (random() < 0.3) await machine().damage(between(random, 1, 3))
    },
    async () => machine().close(),
    async random => meet(await machine().open(), peers[between(random, 0, 2)] as Log),
    async random => meet(await machine().open(), peers[between(random, 0, 2)] as Log),
    async () => meet(peers[0] as Log, peers[1] as Log),
  ]
  for (let step = between(random, 5, 25); step > 0; step--)
    await (steps[between(random, 0, steps.length)] as (random: Chance) => Promise<void>)(random)

  const result = await allMeet(machines, peers)
  for (const log of peers) await log.close()
  return result
}

/**
 * Everyone meets: each line that any disk has now is on all of them afterwards, once. Then all machines go on. Returns how many logs
 * forked, and how many there are. Closes the machines.
 */
export async function allMeet(
  machines: readonly Machine[],
  peers: readonly Log[],
): Promise<{ readonly forks: number; readonly runs: number }> {
  const logs = [...(await Promise.all(machines.map(each => each.open()))), ...peers]
  const expected = new Set((await Promise.all(logs.map(messagesOf))).flat())
  for (let round = 0; round < 4; round++)
    for (const [index, log] of logs.entries()) await meet(log, logs[(index + 1) % logs.length] as Log)
  // A second round, because the peer that learns of a fork last still has to relay the proof.
  for (const log of logs) await meet(log, peers[0] as Log)
  for (const log of logs) {
    assert.deepEqual(await messagesOf(log), [...expected].sort(), 'every line is on every peer, once')
    for (const { author } of log.head) assert.equal((await log.verify(author)).fault, undefined)
  }
  const [bob] = peers as [Log]
  const result = { forks: bob.head.filter(head => bob.forkOf(head.author)).length, runs: bob.head.length }
  for (const each of machines) {
    await each.say('and on')
    await each.close()
  }
  return result
}
