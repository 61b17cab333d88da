import { mkdir, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import path from 'node:path'
import { between, type Chance } from '../long/chance.js'
import { compilePreload, type Preload } from './preload.js'

/** Indices of the control words of power-cut.c, 8 bytes each. */
const ORDERS = { calls: 0, from: 1, count: 2, error: 3, kinds: 4, failures: 5, killAt: 6 } as const
const ORDERS_BYTES = 64

/** Kinds of system calls on database files that can be made to fail. */
export type FailingKind = 'writes' | 'syncs' | 'opens'
const KINDS: Record<FailingKind, number> = { writes: 1, syncs: 2, opens: 4 }

export interface FailingCalls {
  /** Number of calls from now that still succeed. */
  readonly after: number
  /** Number of calls in a row that fail then. */
  readonly count: number
  readonly error: 'EIO' | 'ENOSPC'
  readonly kinds: readonly FailingKind[]
}

/** Builds the library that records and fails calls, in `directory`. Resolves with its file, or why it cannot be built. */
export const buildPowerCut = (directory: string): Promise<Preload> => compilePreload(directory, 'power-cut')

/** A change of a directory entry, with what is needed to undo it. */
type Change =
  | { readonly kind: 'create'; readonly file: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly grave: string }
  | { readonly kind: 'unlink'; readonly file: string; readonly grave: string }

/** The changes of a directory, in order; the first `kept` of them are synced. */
interface Directory {
  readonly changes: Change[]
  kept: number
}

/** A directory that loses its unsynced changes in a simulated power cut. It contains the database directories. */
export class PowerCut {
  /** Parent of the database directories. */
  readonly data: string
  readonly #library: string
  readonly #notes: string
  readonly #graves: string
  readonly #orders: string
  #lengths = new Map<string, number>()

  constructor(library: string, base: string) {
    this.#library = library
    this.data = path.join(base, 'data')
    this.#notes = path.join(base, 'notes')
    this.#graves = path.join(base, 'graves')
    this.#orders = path.join(base, 'orders')
  }

  /** Starts to record; the present content counts as synced. Resolves with the environment for the process. */
  async arm({ killAt = 0 }: { readonly killAt?: number } = {}): Promise<Record<string, string>> {
    await mkdir(this.data, { recursive: true })
    await rm(this.#notes, { force: true })
    await rm(this.#graves, { recursive: true, force: true })
    await mkdir(this.#graves)
    await writeFile(this.#orders, Buffer.alloc(ORDERS_BYTES))
    await this.#order({ killAt })
    this.#lengths = new Map()
    for (const file of await filesBelow(this.data)) {
      const { ino, size } = await stat(file)
      this.#lengths.set(String(ino), size)
    }
    return {
      LD_PRELOAD: this.#library,
      POWER_CUT_DIR: this.data,
      POWER_CUT_NOTES: this.#notes,
      POWER_CUT_GRAVES: this.#graves,
      POWER_CUT_ORDERS: this.#orders,
      UV_USE_IO_URING: '0',
    }
  }

  /** Makes calls of the running process fail. Resolves with the index of the first call that succeeds again. */
  async fail({ after, count, error, kinds }: FailingCalls): Promise<number> {
    const { calls } = await this.#read()
    await this.#order({ count: 0 })
    await this.#order({
      error: constants.errno[error],
      kinds: kinds.reduce((mask, kind) => mask | KINDS[kind], 0),
      from: calls + after,
    })
    await this.#order({ count })
    return calls + after + count
  }

  /** Number of calls that could have failed, and of those that did. */
  async counts(): Promise<{ readonly calls: number; readonly failures: number }> {
    return this.#read()
  }

  /**
   * Cuts the power; the process must have exited. Undoes a random number of unsynced directory changes. Truncates each file to
   * its synced length or, as disks may do, to more than that, or appends zeros to it.
   */
  async cut(random: Chance): Promise<{ readonly undone: number; readonly bytes: number }> {
    const { lengths, directories } = await this.#notesByDirectory()
    let changed = 0
    for (const { changes, kept } of directories.values()) {
      const undone = changes.splice(between(random, kept, changes.length + 1)).reverse()
      for (const change of undone) await this.#undo(change)
      changed += undone.length
    }
    let bytes = 0
    for (const file of await filesBelow(this.data)) {
      const { ino, size } = await stat(file)
      const length = lengths.get(String(ino)) ?? 0
      bytes += Math.max(0, size - length)
      if (size > length) await forget(file, length, size, random)
    }
    return { undone: changed, bytes }
  }

  /** Reads the record: the synced length of each file, and the changes of each directory. */
  async #notesByDirectory(): Promise<{
    readonly lengths: ReadonlyMap<string, number>
    readonly directories: ReadonlyMap<string, Directory>
  }> {
    const lengths = new Map(this.#lengths)
    const spoiled = new Map<string, number>()
    const directories = new Map<string, Directory>()
    for (const entry of await readdir(this.data, { withFileTypes: true })) {
      if (entry.isDirectory()) directories.set(path.join(this.data, entry.name), { changes: [], kept: 0 })
    }
    const ids = new Map<string, Directory>()
    for (const [name, directory] of directories) ids.set(String((await stat(name)).ino), directory)
    /** The directory in which a file was created, and the number of its changes at that time. */
    const createdAt = new Map<string, { readonly directory: Directory; readonly count: number }>()
    const add = (file: string, change: Change): void => {
      directories.get(path.dirname(file))?.changes.push(change)
    }
    const notes = await readFile(this.#notes, 'utf8').catch(() => '')
    for (const line of notes.split('\n')) {
      const [what, a = '', b = '', c = ''] = line.split('\t')
      if (what === 'create') {
        add(b, { kind: 'create', file: b })
        const directory = directories.get(path.dirname(b))
        if (directory !== undefined) createdAt.set(a, { directory, count: directory.changes.length })
        lengths.set(a, 0)
      }
      if (what === 'link') add(a, { kind: 'create', file: a })
      if (what === 'rename') add(b, { kind: 'rename', from: a, to: b, grave: c })
      if (what === 'unlink') add(a, { kind: 'unlink', file: a, grave: b })
      if (what === 'truncate') lengths.set(a, Math.min(lengths.get(a) ?? 0, Number(b)))
      if (what === 'spoil') spoiled.set(a, Math.min(spoiled.get(a) ?? Number.POSITIVE_INFINITY, lengths.get(a) ?? 0))
      if (what === 'sync') {
        lengths.set(a, Math.min(Number(b), spoiled.get(a) ?? Number.POSITIVE_INFINITY))
        const created = createdAt.get(a)
        if (created !== undefined) created.directory.kept = Math.max(created.directory.kept, created.count)
      }
      const directory = what === 'directory' ? ids.get(a) : undefined
      if (directory !== undefined) directory.kept = directory.changes.length
    }
    return { lengths, directories }
  }

  async #undo(change: Change): Promise<void> {
    const unbury = (grave: string, file: string) => rename(path.join(this.#graves, grave), file)
    switch (change.kind) {
      case 'create':
        await rm(change.file, { force: true })
        return
      case 'rename':
        await rename(change.to, change.from)
        if (change.grave !== '') await unbury(change.grave, change.to)
        return
      case 'unlink':
        if (change.grave !== '') await unbury(change.grave, change.file)
    }
  }

  async #order(values: Partial<Record<keyof typeof ORDERS, number>>): Promise<void> {
    const file = await open(this.#orders, 'r+')
    try {
      for (const [name, value] of Object.entries(values)) {
        const bytes = Buffer.alloc(8)
        bytes.writeBigInt64LE(BigInt(value))
        await file.write(bytes, 0, 8, ORDERS[name as keyof typeof ORDERS] * 8)
      }
    } finally {
      await file.close()
    }
  }

  async #read(): Promise<{ readonly calls: number; readonly failures: number }> {
    const bytes = await readFile(this.#orders)
    return {
      calls: Number(bytes.readBigInt64LE(ORDERS.calls * 8)),
      failures: Number(bytes.readBigInt64LE(ORDERS.failures * 8)),
    }
  }
}

/** Discards the unsynced end of a file in one of the ways in which disks do. */
async function forget(file: string, length: number, size: number, random: Chance): Promise<void> {
  const way = random()
  await truncate(file, way < 0.5 || way >= 0.75 ? length : between(random, length, size + 1))
  if (way >= 0.75) await truncate(file, size) // the length was written, the bytes were not
}

/** Files below a directory, except the LOCK and LOG files of LevelDB. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile() && !/^LO(G|CK)/.test(entry.name))
    .map(entry => path.join(entry.parentPath, entry.name))
    .sort()
}
