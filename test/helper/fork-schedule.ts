import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import { hash } from '../../src/base/crypto/hash.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import type { Random } from '../../src/base/random.js'
import { utf8 } from '../../src/base/wire/bytes.js'
import { logOfKey } from '../../src/log/format/author.js'
import { LOBBY, roomId } from '../../src/log/format/room-id.js'
import type { Log } from '../../src/log/log.js'
import { between, type Chance, chance } from '../long/chance.js'
import { logOver, replicate } from './logs.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { VirtualClock } from './virtual-clock.js'

const keysOf = (name: string) => keyPairOf(hash(utf8(`author ${name}`)))
const PEERS = ['bob', 'carol', 'dave', 'erin', 'frank'].map(keysOf)
const MALLORY = keysOf('mallory')
export const mallory = logOfKey(MALLORY.publicKey)
const room = roomId(LOBBY)
const clock = new VirtualClock()
/** Equal salts, so that equal lines make equal logs. */
const SALTS: Random = { number: () => 0, bytes: length => new Uint8Array(length) }

const openOn = (disk: MemoryDisk, keys = MALLORY): Promise<Log> =>
  logOver(new MemoryStore(disk), keys, { room, clock, random: SALTS })

/** Opens an empty log of mallory, who has several. */
export const openMallory = (): Promise<Log> => openOn(new MemoryDisk())
export const openBob = (): Promise<Log> => openOn(new MemoryDisk(), PEERS[0])
export const openCarol = (): Promise<Log> => openOn(new MemoryDisk(), PEERS[1])

/** Turns of the event loop without a byte after which two logs in memory have exchanged everything. */
const QUIET_TURNS = 40

/** Replicates two logs until neither sends anything more. */
export async function meet(a: Log, b: Log): Promise<void> {
  const [one, other] = [a, b].map(log => replicate(log, { live: true, dialect: 'native' }))
  if (one === undefined || other === undefined) return
  let quiet = 0
  for (const stream of [one, other]) {
    stream.on('data', () => {
      quiet = 0
    })
  }
  pipeline(one, other, one, () => {})
  while (quiet++ < QUIET_TURNS) await new Promise(resolve => setImmediate(resolve))
  one.destroy()
  other.destroy()
}

export async function textsOf(log: Log): Promise<string[]> {
  const texts: string[] = []
  for await (const entries of log.read()) for (const { entry } of entries) texts.push(Buffer.from(entry).toString())
  return texts
}

/** The messages in a log, sorted, without openings of runs. */
export async function messagesOf(log: Log): Promise<string[]> {
  const texts = await textsOf(log)
  return texts
    .map(text => JSON.parse(text).message)
    .filter(message => message !== '')
    .sort()
}

/** Appends up to four groups of up to three lines, so that segments end at different seqs each time. */
async function appendGroups(log: Log, label: string, random: Chance): Promise<string[]> {
  const all: string[] = []
  for (let group = between(random, 1, 5); group > 0; group--) {
    const lines = Array.from({ length: between(random, 1, 4) }, (_, line) => `${label} ${group} ${line}`)
    all.push(...lines)
    await Promise.all(lines.map(message => log.append({ username: 'mallory', message })))
  }
  return all
}

/** A peer that can be restarted. */
class Peer {
  readonly #disk = new MemoryDisk()
  readonly #keys: (typeof PEERS)[number]
  log!: Log

  constructor(keys: (typeof PEERS)[number]) {
    this.#keys = keys
  }

  async start(): Promise<void> {
    await this.log?.close()
    this.log = await openOn(this.#disk, this.#keys)
  }
}

/**
 * Mallory's log forks into two or three branches, and peers meet in random order, some of them restarted in between. In the end all
 * peers know the fork at the same seq and have every line of every branch once, and no other log has forked. Rejects otherwise.
 */
export async function forkSchedule(seed: number): Promise<{ readonly meetings: number; readonly branches: number }> {
  const random = chance(seed)
  const common = Array.from({ length: between(random, 0, 6) }, (_, line) => `common ${line}`)
  const disk = new MemoryDisk()
  const branches = [await openOn(disk)]
  const [left] = branches as [Log]
  for (const message of common) await left.append({ username: 'mallory', message })
  // A copy of the disk, as in a backup. Two branches begin here; a third may begin later.
  branches.push(await openOn(disk.copy()))
  const lines = [...common, 'honest']
  lines.push(...(await appendGroups(left, 'left', random)))
  lines.push(...(await appendGroups(branches[1] as Log, 'right', random)))
  if (random() < 0.3) {
    branches.push(await openOn(disk.copy()))
    lines.push(...(await appendGroups(left, 'more left', random)))
    lines.push(...(await appendGroups(branches[2] as Log, 'third', random)))
  }

  const peers = PEERS.slice(0, between(random, 2, 6)).map(keys => new Peer(keys))
  for (const peer of peers) await peer.start()
  const [bob] = peers as [Peer]
  const honest = await bob.log.append({ username: 'bob', message: 'honest' })
  let meetings = 0
  for (let turn = between(random, 0, 10); turn > 0; turn--) {
    const peer = peers[between(random, 0, peers.length)] as Peer
    const other = between(random, 0, branches.length + peers.length)
    if (random() < 0.1) await peer.start()
    if (peers[other - branches.length] === peer) continue
    await meet(peer.log, branches[other] ?? (peers[other - branches.length] as Peer).log)
    meetings++
  }
  // Everything reaches everyone: bob meets each branch, then the peers meet in a ring.
  for (let round = 0; round < 2; round++) {
    for (const log of branches) await meet(bob.log, log)
    for (let turn = 0; turn < 2; turn++) {
      for (const [index, peer] of peers.entries()) await meet(peer.log, (peers[(index + 1) % peers.length] as Peer).log)
    }
    meetings += branches.length + 2 * peers.length
  }
  for (const log of branches) await meet(bob.log, log)

  const place = common.length + 1
  for (const log of [...peers.map(peer => peer.log), ...branches]) {
    assert.equal(log.forkOf(mallory), place, 'the fork is known')
    assert.equal(log.forkOf(honest.author), undefined, 'no honest author has forked')
    assert.equal(log.head.find(({ author }) => author === mallory)?.seq ?? 0, place - 1, 'the common part is stored')
    for (const { author } of log.head) assert.equal((await log.verify(author)).fault, undefined)
    assert.deepEqual(await messagesOf(log), lines.toSorted(), 'every peer has every line once')
  }
  for (const log of branches) {
    const next = await log.append({ username: 'mallory', message: 'more' })
    assert.deepEqual([next.author === mallory, next.seq], [false, 2], 'it continues in a new run')
  }
  for (const log of [...peers.map(peer => peer.log), ...branches]) await log.close()
  return { meetings, branches: branches.length }
}
