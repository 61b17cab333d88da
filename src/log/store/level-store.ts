import { open as openFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ChatError, systemCode } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { checkDatabase, DAMAGED, type FileFault, TABLE_BYTES_AT_START } from './leveldb/check.js'
import { corrupt, locked, notRepaired, unusable } from './leveldb/errors.js'
import { checkFiles, checkTwice, copyOf, type Database, isLocked, openDatabase } from './leveldb/opening.js'
import { finishRepair, repairCopy, repairDatabase } from './leveldb/repair.js'
import type { Range, Row, Store, Write } from './store.js'
import { PAGE_BYTES_MAX } from './store.js'

/** Most rows in one page; usually PAGE_BYTES_MAX is reached first. */
const PAGE_ROWS_MAX = 1_000
/** Size from which rows are read one by one. */
const LONG_ROW_BYTES = 32 * 1024

/** Appended to a key, sorts after every key that begins with it. */
const KEY_END = new Uint8Array(64).fill(0xff)

/** A method of classic-level that the types of level omit, because level lacks it in browsers. */
type Compactable = { compactRange(start: Uint8Array, end: Uint8Array): Promise<void> }

/** A LevelDB database in its own directory. */
export class LevelStore implements Store {
  readonly #directory: string
  #database: Database
  /** Resolves when the database is open or closed for good; replaced on each reopen, so that readers can wait for it. */
  #opened: Promise<void>
  #wakeReaders: (() => void) | undefined
  #attempt: Promise<void> = Promise.resolve()
  #onClosed = async (): Promise<void> => {}
  /** The open iterators: LevelDB keeps the rows that were replaced since these were opened. */
  readonly #iterators = new Set<OpenPages>()
  #isRepaired = false

  private constructor(directory: string, database: Database) {
    this.#directory = directory
    this.#database = database
    this.#opened = Promise.resolve()
  }

  /**
   * Opens the database in `directory`; both are created if no file of a database exists. Its files are checked before LevelDB opens
   * them. Rejects with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT.
   */
  static async open(directory: string): Promise<LevelStore> {
    const { exists, faults } = await checkFiles(directory, TABLE_BYTES_AT_START)
    if (faults.length > 0) throw (await isLocked(directory)) ? locked(directory) : corrupt(directory, faults)
    return new LevelStore(directory, await openDatabase(directory, !exists))
  }

  /**
   * Like `open`, but repairs a damaged database: a repaired copy replaces it, and the damaged database is moved to a path that `onRepair`
   * receives. Lost rows appear as missing entries.
   */
  static async openOrRepair(
    directory: string,
    onRepair: (kept: string, faults: readonly FileFault[]) => void,
  ): Promise<LevelStore> {
    await finishRepair(directory)
    const { faults } = await checkFiles(directory, TABLE_BYTES_AT_START)
    if (faults.length === 0) return LevelStore.open(directory)
    if (await isLocked(directory)) throw locked(directory)
    const repair = await repairDatabase(directory, faults).catch(cause => {
      throw unusable(directory, cause)
    })
    if ('failure' in repair) throw notRepaired(directory, faults, repair.failure)
    onRepair(repair.kept, faults)
    const store = await LevelStore.open(directory)
    store.#isRepaired = true
    return store
  }

  /**
   * Opens a copy of the database for reading, and removes it on close. The database itself is neither opened nor changed, and may be
   * open in another process. Damage is repaired only in the copy; `faults` lists it.
   */
  static async openCopy(
    directory: string,
  ): Promise<{ readonly store: LevelStore; readonly faults: readonly FileFault[] }> {
    await finishRepair(directory).catch(() => {}) // fails on a read-only disk
    const { exists, faults } = await checkTwice(directory)
    const copy = await copyOf(directory)
    const remove = (): Promise<void> => rm(copy, { recursive: true, force: true })
    try {
      const failure = faults.length > 0 ? await repairCopy(copy, faults) : undefined
      if (failure !== undefined) throw notRepaired(directory, faults, failure)
      const store = new LevelStore(copy, await openDatabase(copy, !exists))
      store.#onClosed = remove
      store.#isRepaired = faults.length > 0
      return { store, faults }
    } catch (error) {
      await remove()
      throw error
    }
  }

  /** Whether it was repaired when it was opened, so that any rows may be missing. */
  get isRepaired(): boolean {
    return this.#isRepaired
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#throughReopen(() => this.#database.get(key))
  }

  async *pages(range: Range): AsyncGenerator<readonly Row[]> {
    yield* this.#resumed<Row>(
      range,
      rest => {
        const iterator = this.#database.iterator({ ...rest, highWaterMarkBytes: PAGE_BYTES_MAX })
        return { next: rows => iterator.nextv(rows), close: () => iterator.close() }
      },
      row => row[0],
      ([key, value]) => key.length + value.length,
    )
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    yield* this.#resumed<Uint8Array>(
      range,
      rest => {
        const iterator = this.#database.keys({ ...rest, highWaterMarkBytes: PAGE_BYTES_MAX })
        return { next: rows => iterator.nextv(rows), close: () => iterator.close() }
      },
      key => key,
      ({ length }) => length,
    )
  }

  async commit(writes: readonly Write[]): Promise<void> {
    // A chained batch takes a third of the time that an array of operations takes.
    const batch = this.#database.batch()
    try {
      for (const write of writes) {
        if (write.type === 'put') batch.put(write.key, write.value)
        else batch.del(write.key)
      }
      await batch.write({ sync: true })
    } catch (error) {
      await batch.close()
      throw await this.#markDamage(error, 'LEVEL_CORRUPTION')
    }
  }

  async compact({ gte, lt }: Range): Promise<void> {
    for (const iterator of this.#iterators) {
      iterator.isStale = true
      await iterator.close()
    }
    const compactRange = (): Promise<void> =>
      this.#throughReopen(() => (this.#database as unknown as Compactable).compactRange(gte, lt))
    // LevelDB does not rewrite a file that no newer file overlaps, and a small database is flushed into one such file, with all versions of
    // its rows. Tombstones at both ends of the range are newer and overlap it, so that the second compaction rewrites it too. No stored row
    // has the key of a tombstone.
    await compactRange()
    const ends = [Buffer.concat([gte, Buffer.of(0)]), keyBefore(lt)].map(key => ({ type: 'del' as const, key }))
    await this.#throughReopen(() => this.#database.batch(ends))
    await compactRange()
  }

  async sweep(): Promise<void> {
    // LevelDB deletes replaced files after a compaction.
    await this.compact({ gte: Uint8Array.of(0), lt: Uint8Array.of(0, 1) })
  }

  async bytes(): Promise<number> {
    const names = await readdir(this.#directory)
    const sizes = names.map(name =>
      stat(path.join(this.#directory, name)).then(
        ({ size }) => size,
        () => 0, // LevelDB has just removed it
      ),
    )
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  }

  async reopen(): Promise<void> {
    await this.#probe()
    // Readers wait until an attempt succeeds.
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
    await this.#onClosed()
  }

  /** Checks all tables completely, including tables that were not checked on opening. The next start repairs a damaged table. */
  async inspect(): Promise<void> {
    const { faults } = await checkDatabase(this.#directory)
    const damaged = faults.filter(({ kind, problem }) => kind === 'table' && problem === 'damaged')
    if (damaged.length > 0) throw await this.#markDamage(corrupt(this.#directory, damaged), 'LOG_CORRUPT')
  }

  async #openAgain(): Promise<void> {
    await this.#database.close()
    this.#database = await openDatabase(this.#directory, false)
    this.#wakeReaders?.()
    this.#wakeReaders = undefined
  }

  /** The error of a failed read or write. If it is damage, a marker file makes the next start repair the database. */
  async #markDamage(error: unknown, ...damage: readonly string[]): Promise<unknown> {
    if (!damage.includes(systemCode(error) ?? '')) return error
    await writeFile(path.join(this.#directory, DAMAGED), '', { flag: 'wx' }).catch(() => undefined)
    return new ChatError('LOG_CORRUPT', `the logs in ${this.#directory} are damaged`, {
      cause: error,
      hint: 'Start again: intact entries are kept, and the rest is fetched from peers.',
    })
  }

  /** Tests whether the disk accepts a write and a sync. */
  async #probe(): Promise<void> {
    const scratch = path.join(this.#directory, `scratch-${hexOf(systemRandom.bytes(8))}`)
    const file = await openFile(scratch, 'wx', 0o600)
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
    sizeOf: (item: T) => number,
  ): AsyncGenerator<readonly T[]> {
    let rest = range
    let left = range.limit ?? Number.POSITIVE_INFINITY
    while (left > 0) {
      const database = this.#database
      let pages: (Pages<T> & OpenPages) | undefined
      try {
        pages = { ...open(rest), isStale: false }
        this.#iterators.add(pages)
        let rows = 1
        for (let ahead: Promise<readonly T[]> | undefined; ; ) {
          const page = await (ahead ?? pages.next(rows))
          const last = page.at(-1)
          if (last === undefined) return
          left -= page.length
          const bytes = page.reduce((sum, item) => sum + sizeOf(item), 0)
          const isFull = bytes >= PAGE_BYTES_MAX
          // A long row is often the last that the caller needs, and reading on may decompress an equally long row of another log.
          rows = page.length === 1 && bytes >= LONG_ROW_BYTES ? 1 : PAGE_ROWS_MAX
          // After the second page, the next one is read ahead.
          ahead = isFull && rest !== range ? pages.next(rows) : undefined
          ahead?.catch(() => undefined) // reported when the page is used
          rest = { ...after(rest, keyOf(last)), ...(left < Number.POSITIVE_INFINITY && { limit: left }) }
          yield page
        }
      } catch (error) {
        await this.#opened
        if (this.#database === database && pages?.isStale !== true)
          throw await this.#markDamage(error, 'LEVEL_CORRUPTION', 'LEVEL_IO_ERROR')
      } finally {
        await pages?.close()
        if (pages !== undefined) this.#iterators.delete(pages)
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
        if (this.#database === database) throw await this.#markDamage(error, 'LEVEL_CORRUPTION', 'LEVEL_IO_ERROR')
      }
    }
  }
}

/** A key before `key`, and after all rows before it. */
function keyBefore(key: Uint8Array): Uint8Array {
  const last = key.at(-1) ?? 0
  if (last === 0) return key.subarray(0, -1)
  return Buffer.concat([key.subarray(0, -1), Buffer.of(last - 1), KEY_END])
}

interface Pages<T> {
  next(rows: number): Promise<readonly T[]>
  close(): Promise<void>
}

/** An iterator that is closed when files are compacted; its reader continues with another one. */
interface OpenPages {
  isStale: boolean
  close(): Promise<void>
}

/** The part of `range` after `key`, in the direction of the range. */
function after(range: Range, key: Uint8Array): Range {
  return range.reverse ? { ...range, lt: key } : { ...range, gte: Buffer.concat([key, Buffer.of(0)]) }
}
