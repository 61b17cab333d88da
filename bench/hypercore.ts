import { generateKeyPairSync } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Contestant, Program, Shape } from './contestant.js'
import { lineOf, linesOf, plainEntry } from './entries.js'
import { load } from './packages.js'

interface Core {
  readonly key: Buffer
  readonly length: number
  ready(): Promise<void>
  append(blocks: string | readonly string[]): Promise<unknown>
  get(index: number): Promise<Buffer>
  download(range: { start: number; end: number }): unknown
  replicate(isInitiator: boolean | Duplex): Duplex
  on(event: 'download', listener: (index: number) => void): void
  close(): Promise<void>
}

interface KeyPair {
  readonly publicKey: Buffer
  readonly secretKey: Buffer
}

interface Hypercore {
  new (storage: object, key?: Buffer | null, options?: { keyPair?: KeyPair }): Core
  /** One database for any number of cores. */
  defaultStorage(directory: string): object
}

const Hypercore = load('hypercore') as Hypercore

/** Blocks per append and concurrent gets. More or fewer of either measured slower; so did the read stream. */
const APPEND_BLOCKS = 5_000
const GET_BLOCKS = 300

async function appendAll(core: Core, lines: readonly string[]): Promise<void> {
  for (let from = 0; from < lines.length; from += APPEND_BLOCKS)
    await core.append(lines.slice(from, from + APPEND_BLOCKS).map(plainEntry))
}

async function readAll(core: Core, onEntries: (count: number) => void): Promise<void> {
  // Reads the first entry alone, so that its time does not include the others.
  for (let from = 0, count = Math.min(1, core.length); count > 0; count = Math.min(GET_BLOCKS, core.length - from)) {
    await Promise.all(Array.from({ length: count }, (_, index) => core.get(from + index)))
    onEntries(count)
    from += count
  }
}

/** Waits for one block after the other, as the live read stream does. */
async function followFrom(core: Core, start: number, onText: () => void): Promise<void> {
  for (let index = start; ; index++) {
    await core.get(index)
    onText()
  }
}

/** hypercore 11: signed, on RocksDB, not synced to disk, one author per core. */
export const program: Program = {
  async open(directory, keys): Promise<Contestant> {
    const storage = Hypercore.defaultStorage(directory)
    const cores =
      keys.length === 0 ? [new Hypercore(storage)] : keys.map(key => new Hypercore(storage, Buffer.from(key, 'hex')))
    await Promise.all(cores.map(core => core.ready()))
    const [own] = cores as [Core, ...Core[]]
    return {
      keys: cores.map(({ key }) => key.toString('hex')),
      append: line => own.append(plainEntry(line)),
      appendAll: lines => appendAll(own, lines),
      readAll: onEntries => readAll(own, onEntries),
      replicate: isInitiator => {
        const stream = own.replicate(isInitiator)
        for (const core of cores.slice(1)) core.replicate(stream)
        return stream
      },
      onStored: listener => {
        for (const core of cores) {
          core.on('download', () => listener(1))
          core.download({ start: 0, end: -1 })
        }
      },
      onText: listener => {
        own.download({ start: own.length, end: -1 })
        void followFrom(own, own.length, listener)
      },
      close: () => own.close(),
    }
  },

  async fill(directory, { authors, entries, appended }: Shape) {
    const storage = Hypercore.defaultStorage(directory)
    const keys: string[] = []
    let last: Core | undefined
    for (let author = 0; author < authors; author++) {
      const keyPair = newKeyPair()
      const core = authors === 1 ? new Hypercore(storage) : new Hypercore(storage, keyPair.publicKey, { keyPair })
      await core.ready()
      if (appended === 'in bulk') await appendAll(core, linesOf(entries))
      else for (let index = 0; index < entries; index++) await core.append(plainEntry(lineOf(index)))
      keys.push(core.key.toString('hex'))
      last = core
    }
    await last?.close() // closes the storage too
    return keys
  },
}

function newKeyPair(): KeyPair {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const publicKey = Buffer.from(x, 'base64url')
  return { publicKey, secretKey: Buffer.concat([Buffer.from(d, 'base64url'), publicKey]) }
}
