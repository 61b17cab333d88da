import { access, cp, mkdir, open as openFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ClassicLevel } from 'classic-level'
import { Level } from 'level'
import { unusableHint } from '../base/disk-faults.js'
import { ChatError, reasonOf, systemCode } from '../base/errors.js'
import { PAGE_BYTES_MAX } from '../base/limits.js'
import type { Range, Row, Store, Write } from './store.js'
import { damagedTables } from './table-check.js'

const ENCODING = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
/** Rows asked for at once; the byte limit of a page is usually met first. */
const PAGE_ROWS_MAX = 1_000

/** A file of this name says that the database was found damaged while it was in use. */
const DAMAGED = 'damaged'

type Database = Level<Uint8Array, Uint8Array>

/** A LevelDB database in a directory of its own. */
export class LevelStore implements Store {
  readonly #directory: string
  #database: Database
  /** Settles when the database is open, or closed for good; replaced at each reopen, so that readers can wait for it. */
  #opened: Promise<void>
  #wakeReaders: (() => void) | undefined
  #attempt: Promise<void> = Promise.resolve()

  private constructor(directory: string, database: Database) {
    this.#directory = directory
    this.#database = database
    this.#opened = Promise.resolve()
  }

  /** Opens the database in `directory`, making both where they are not. Rejects with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT. */
  static async open(directory: string): Promise<LevelStore> {
    try {
      await makeDirectory(path.resolve(directory))
    } catch (cause) {
      throw unusable(directory, cause)
    }
    return new LevelStore(directory, await openDatabase(directory))
  }

  /**
   * The same for a database that may be damaged: it is copied aside, and what can be saved is. What that lost shows as
   * missing entries. `onRepair` is told where the copy is.
   */
  static async openOrRepair(directory: string, onRepair: (copy: string) => void): Promise<LevelStore> {
    try {
      const store = await LevelStore.open(directory)
      if (!(await isFound(path.join(directory, DAMAGED)))) return store
      await store.close() // nobody else has it open
      throw corrupt(directory)
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== 'LOG_CORRUPT') throw error
      const copy = await copyAside(directory)
      try {
        // A repair would be led astray by them too. What was in them comes back from peers.
        for (const table of await damagedTables(directory)) await rm(table)
        await ClassicLevel.repair(directory)
      } catch {
        throw error // as damaged as it was said to be
      }
      await rm(path.join(directory, DAMAGED), { force: true })
      onRepair(copy)
      return LevelStore.open(directory)
    }
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#throughReopen(() => this.#database.get(key))
  }

  async *pages(range: Range): AsyncGenerator<readonly Row[]> {
    yield* this.#resumed<Row>(
      range,
      rest => {
        const iterator = this.#database.iterator({ ...rest, highWaterMarkBytes: PAGE_BYTES_MAX })
        return { next: () => iterator.nextv(PAGE_ROWS_MAX), close: () => iterator.close() }
      },
      row => row[0],
    )
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    yield* this.#resumed<Uint8Array>(
      range,
      rest => {
        const iterator = this.#database.keys({ ...rest, highWaterMarkBytes: PAGE_BYTES_MAX })
        return { next: () => iterator.nextv(PAGE_ROWS_MAX), close: () => iterator.close() }
      },
      key => key,
    )
  }

  async commit(writes: readonly Write[]): Promise<void> {
    // A chained batch costs a third of an array of operations.
    const batch = this.#database.batch()
    try {
      for (const write of writes) {
        if (write.type === 'put') batch.put(write.key, write.value)
        else batch.del(write.key)
      }
      await batch.write({ sync: true })
    } catch (error) {
      await batch.close()
      throw await this.#marked(error, 'LEVEL_CORRUPTION')
    }
  }

  async reopen(): Promise<void> {
    await this.#probe()
    // Where it cannot be opened yet, readers wait for the next attempt.
    if (this.#wakeReaders === undefined)
      this.#opened = new Promise(resolve => {
        this.#wakeReaders = resolve
      })
    this.#attempt = this.#openAgain()
    await this.#attempt
  }

  async close(): Promise<void> {
    await this.#attempt.catch(() => undefined)
    await this.#database.close()
    this.#wakeReaders?.()
  }

  async #openAgain(): Promise<void> {
    await this.#database.close()
    this.#database = await openDatabase(this.#directory)
    this.#wakeReaders?.()
    this.#wakeReaders = undefined
  }

  /** What a read or a write failed of. Where that is damage, the next start is told to repair it. */
  async #marked(error: unknown, ...damage: readonly string[]): Promise<unknown> {
    if (!damage.includes(systemCode(error) ?? '')) return error
    await writeFile(path.join(this.#directory, DAMAGED), '').catch(() => undefined)
    return corrupt(this.#directory, error, 'Start again: what can be saved is, and the rest comes back from peers.')
  }

  /** Whether the disk takes a write and a sync. */
  async #probe(): Promise<void> {
    const scratch = path.join(this.#directory, 'scratch')
    const file = await openFile(scratch, 'w', 0o600)
    try {
      await file.write(Buffer.alloc(PAGE_BYTES_MAX))
      await file.sync()
    } finally {
      await file.close()
      await rm(scratch, { force: true })
    }
  }

  async *#resumed<T>(
    range: Range,
    open: (rest: Range) => Pages<T>,
    keyOf: (item: T) => Uint8Array,
  ): AsyncGenerator<readonly T[]> {
    let rest = range
    let left = range.limit ?? Number.POSITIVE_INFINITY
    while (left > 0) {
      const database = this.#database
      let pages: Pages<T> | undefined
      try {
        pages = open(rest)
        for (let ahead: Promise<readonly T[]> | undefined; ; ) {
          const page = await (ahead ?? pages.next())
          const last = page.at(-1)
          if (last === undefined) return
          left -= page.length
          // Whoever asked for a second page is given the third while he asks for it.
          ahead = rest === range ? undefined : pages.next()
          ahead?.catch(() => undefined) // told when it is asked for, if it ever is
          rest = { ...beyond(rest, keyOf(last)), ...(left < Number.POSITIVE_INFINITY && { limit: left }) }
          yield page
        }
      } catch (error) {
        await this.#opened
        if (this.#database === database) throw await this.#marked(error, 'LEVEL_CORRUPTION', 'LEVEL_IO_ERROR')
      } finally {
        await pages?.close()
      }
    }
  }

  async #throughReopen<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      const database = this.#database
      try {
        return await read()
      } catch (error) {
        await this.#opened
        if (this.#database === database) throw await this.#marked(error, 'LEVEL_CORRUPTION', 'LEVEL_IO_ERROR')
      }
    }
  }
}

interface Pages<T> {
  next(): Promise<readonly T[]>
  close(): Promise<void>
}

/** What of `range` lies behind `key`, in the range's own direction. */
function beyond(range: Range, key: Uint8Array): Range {
  return range.reverse ? { ...range, lt: key } : { ...range, gte: Buffer.concat([key, Buffer.of(0)]) }
}

/** A whole copy beside the directory, under a name that is free. */
async function copyAside(directory: string): Promise<string> {
  for (let number = 1; ; number++) {
    const copy = `${path.resolve(directory)}.damaged-${number}`
    try {
      await mkdir(copy, { mode: 0o700 })
    } catch (error) {
      if (systemCode(error) === 'EEXIST') continue
      throw unusable(copy, error)
    }
    await cp(directory, copy, { recursive: true })
    return copy
  }
}

/** Makes a directory and those above it. (mkdir's own recursion never ends where the file system denies that a parent is.) */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || path.dirname(directory) === directory) throw error
    await makeDirectory(path.dirname(directory))
    await mkdir(directory, { mode: 0o700 })
  }
}

async function openDatabase(directory: string): Promise<Database> {
  const database: Database = new Level(directory, ENCODING)
  try {
    await database.open()
    await syncDirectory(directory)
    if ((await damagedTables(directory)).length > 0) throw corrupt(directory)
    return database
  } catch (cause) {
    await database.close()
    throw openingError(directory, cause)
  }
}

/**
 * LevelDB names its newest manifest by a rename that it does not sync, and what a new database's first manifest says was
 * never synced either: without this a power cut can take all that was acknowledged since.
 */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await openFile(directory)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function openingError(directory: string, cause: unknown): ChatError {
  if (cause instanceof ChatError) return cause
  switch (systemCode(cause)) {
    case 'LEVEL_LOCKED':
      return new ChatError('LOG_LOCKED', `the logs in ${directory} are open in another process`, {
        cause,
        hint: 'Stop that one first, or choose another directory with --data.',
      })
    case 'LEVEL_CORRUPTION':
      return corrupt(directory, cause)
    default:
      // Of a database that is there, a file is not: CURRENT names a manifest that was never written.
      return systemReason(cause).endsWith('No such file or directory')
        ? corrupt(directory, cause)
        : unusable(directory, cause)
  }
}

function corrupt(
  directory: string,
  cause?: unknown,
  hint = 'Move the directory aside: what other peers hold comes back from them.',
): ChatError {
  return new ChatError('LOG_CORRUPT', `the logs in ${directory} are damaged`, { cause, hint })
}

async function isFound(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

function unusable(directory: string, cause: unknown): ChatError {
  return new ChatError('DATA_UNUSABLE', `the data directory ${directory} cannot be used: ${systemReason(cause)}`, {
    cause,
    hint: unusableHint(cause),
  })
}

function systemReason(error: unknown): string {
  return reasonOf(error instanceof Error && error.cause instanceof Error ? error.cause : error)
}
