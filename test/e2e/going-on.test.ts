import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { connectedTo, openChat, startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { localAddresses } from '../helper/ports.js'
import { crash } from '../helper/running-node.js'
import { Stopwatch } from '../helper/stopwatch.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// After any fault of a user's disk, the next line is stored and delivered within two seconds, and no line is lost or duplicated.

const BOUND = { timeout: 300_000 }
const GOES_ON_MS = 2_000

/** The home of alice on one machine. */
interface Machine {
  readonly listen: string
  readonly data: string
  readonly state: string
}

class World {
  readonly alice: Machine
  readonly clone: Machine
  readonly bob: Child
  readonly #t: TestContext
  readonly #root: string
  readonly #bobAt: string
  readonly #carolAt: string
  readonly #lines: string[] = []
  readonly #faces: Child[] = []

  private constructor(t: TestContext, root: string, addresses: readonly string[], bob: Child) {
    const [a = '', b = '', c = '', d = ''] = addresses
    this.#t = t
    this.#root = root
    this.alice = { listen: a, data: path.join(root, 'alice'), state: path.join(root, 'state') }
    this.clone = { listen: c, data: path.join(root, 'clone'), state: path.join(root, 'state of the clone') }
    this.#bobAt = b
    this.#carolAt = d
    this.bob = bob
  }

  static async open(t: TestContext): Promise<World> {
    const root = await temporaryDirectory(t)
    const addresses = await localAddresses(4)
    const bob = await openChat(t, { me: 'bob', listen: addresses[1] ?? '', data: path.join(root, 'bob') })
    return new World(t, root, addresses, bob)
  }

  /** Starts alice with a line to say, which has to be stored and to arrive at bob within two seconds of the start. */
  async start(machine: Machine, line: string): Promise<Child> {
    const { listen, data, state } = machine
    const args = ['alice', this.#bobAt, '--data', data, '--listen', listen, '--no-discovery']
    const stopwatch = new Stopwatch()
    const face = startChat(this.#t, args, { env: { XDG_STATE_HOME: state } })
    this.#faces.push(face)
    face.type(line)
    await this.#arrived(face, line, stopwatch)
    return face
  }

  /** The same for a line of a running face. */
  async say(face: Child, line: string): Promise<void> {
    const stopwatch = new Stopwatch()
    face.type(line)
    await this.#arrived(face, line, stopwatch)
  }

  async #arrived(face: Child, line: string, stopwatch: Stopwatch): Promise<void> {
    this.#lines.push(line)
    await Promise.all([face, this.bob].map(each => each.waitForLine(`alice> ${line}`)))
    const ms = Math.round(stopwatch.ms)
    this.#t.diagnostic(`${line}: ${ms} ms`)
    assert.ok(ms < GOES_ON_MS, `${line}: ${ms} ms\n${face.transcript()}`)
  }

  copyTo(name: string, directory: string): Promise<void> {
    return cp(directory, path.join(this.#root, name), { recursive: true })
  }

  copy(name: string): string {
    return path.join(this.#root, name)
  }

  /** Asserts that all peers have every line once: the running ones, and a new one that connects to bob after alice's machines have ended. */
  async check(...running: readonly Child[]): Promise<void> {
    for (const peer of running) for (const line of this.#lines) await peer.waitForLine(`alice> ${line}`)
    for (const peer of running) await peer.stop()
    const carol = await openChat(this.#t, {
      me: 'carol',
      listen: this.#carolAt,
      peers: [this.#bobAt],
      data: this.copy('carol'),
    })
    await connectedTo(carol, this.#bobAt)
    for (const peer of [carol, this.bob]) for (const line of this.#lines) await peer.waitForLine(`alice> ${line}`)
    await carol.stop()
    for (const peer of [...running, this.bob, carol])
      for (const line of this.#lines)
        assert.equal(peer.stdout.filter(each => each === `alice> ${line}`).length, 1, `${line}\n${peer.transcript()}`)
  }
}

/** Restores a directory in place, so that the inodes stay the same: as if the whole disk had been restored. */
async function putBack(copy: string, directory: string): Promise<void> {
  const filesIn = async (of: string): Promise<string[]> => {
    const entries = await readdir(of, { recursive: true, withFileTypes: true })
    return entries.filter(entry => entry.isFile()).map(entry => path.relative(of, path.join(entry.path, entry.name)))
  }
  const old = new Set(await filesIn(copy))
  for (const file of await filesIn(directory)) if (!old.has(file)) await rm(path.join(directory, file))
  for (const file of old) await writeFile(path.join(directory, file), await readFile(path.join(copy, file)))
}

/** Cuts the end off the journal that was written to last: the last lines are damaged. */
async function cutJournal(database: string): Promise<void> {
  const journals = (await readdir(database))
    .filter(name => name.endsWith('.log'))
    .map(name => path.join(database, name))
  const sizes = await Promise.all(journals.map(async file => ({ file, size: (await stat(file)).size })))
  const { file = '', size = 0 } = sizes.toSorted((a, b) => b.size - a.size)[0] ?? {}
  assert.ok(size > 100, 'there is something to lose')
  await truncate(file, size - 60)
}

const database = ({ data }: Machine): string => path.join(data, 'alice', 'lobby')

/** Faults of alice's disk between two starts. Called after a first start, and after a second one that ended or crashed. */
const DISASTERS: readonly {
  readonly name: string
  readonly crashes?: boolean
  readonly before?: (world: World) => Promise<void>
  readonly happens: (world: World) => Promise<void>
}[] = [
  { name: 'the machine crashed', crashes: true, happens: async () => {} },
  {
    name: 'the machine crashed and the end of the journal is damaged',
    crashes: true,
    happens: world => cutJournal(database(world.alice)),
  },
  {
    name: 'a backup of the data was restored',
    before: world => world.copyTo('backup', world.alice.data),
    happens: async world => {
      await rm(world.alice.data, { recursive: true })
      await cp(world.copy('backup'), world.alice.data, { recursive: true })
    },
  },
  {
    name: 'an old copy of the database was put back',
    before: world => world.copyTo('old', database(world.alice)),
    happens: async world => {
      await rm(database(world.alice), { recursive: true })
      await cp(world.copy('old'), database(world.alice), { recursive: true })
    },
  },
  {
    name: 'the whole disk was put back unnoticed',
    before: async world => {
      await world.copyTo('old data', world.alice.data)
      await world.copyTo('old state', world.alice.state)
    },
    happens: async world => {
      await putBack(world.copy('old data'), world.alice.data)
      await putBack(world.copy('old state'), world.alice.state)
    },
  },
  {
    name: 'the disk was put back after a crash in the middle of it',
    crashes: true,
    before: world => world.copyTo('old', database(world.alice)),
    happens: async world => {
      await rm(database(world.alice), { recursive: true })
      await cp(world.copy('old'), database(world.alice), { recursive: true })
    },
  },
]

for (const { name, crashes = false, before, happens } of DISASTERS) {
  test(`goes on within two seconds after ${name}`, BOUND, async t => {
    const world = await World.open(t)
    const first = await world.start(world.alice, 'kept')
    await first.stop()
    await before?.(world)
    const second = await world.start(world.alice, 'back 1')
    await world.say(second, 'back 2')
    if (crashes) await crash(second, { me: 'alice', data: world.alice.data })
    else await second.stop()
    await happens(world)
    const third = await world.start(world.alice, 'next')
    await world.say(third, 'and the one after')
    await world.check(third)
  })
}

test('two machines with one key go on within two seconds, in turns and at once', BOUND, async t => {
  const world = await World.open(t)
  const { alice, clone } = world
  const first = await world.start(alice, 'before the copy')
  await first.stop()
  await cp(alice.data, clone.data, { recursive: true })
  for (const round of [1, 2]) {
    for (const [machine, name] of [
      [clone, 'clone'],
      [alice, 'first'],
    ] as const) {
      const face = await world.start(machine, `the ${name} in turn ${round}`)
      await world.say(face, `the ${name} again in turn ${round}`)
      if (round === 1) await face.stop()
      else await crash(face, { me: 'alice', data: machine.data })
    }
  }
  const both = await Promise.all([world.start(alice, 'the first at once'), world.start(clone, 'the clone at once')])
  for (const number of [1, 2, 3])
    await Promise.all(both.map((face, index) => world.say(face, `${index === 0 ? 'first' : 'clone'} ${number}`)))
  await world.check(...both)
})
