import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { diskFailureOf } from '../../base/files/disk-faults.js'
import { replaceFile } from '../../base/files/draft-file.js'
import { makeDirectory } from '../../base/files/make-directory.js'
import type { Random } from '../../base/random.js'
import { sameBytes } from '../../base/wire/bytes.js'
import type { LogEvent } from '../events.js'
import { type AuthorId, authorOfLog, type LogId, type Run, type Seq } from '../format/author.js'
import type { Digest } from '../format/heads.js'
import { encodeHeads, readHeads } from './heads-file.js'
import { type End, laterOf, type Mark } from './mark.js'
import { MarkFile, SLOTS } from './mark-file.js'

/** Where a mark is stored: its file, and a copy of it outside the data directory, so that backups do not contain the copy. */
export interface MarkPaths {
  readonly file: string
  readonly copy: string | undefined
}

export interface OwnMarkOptions extends MarkPaths {
  readonly author: AuthorId
  readonly random: Random
  readonly onEvent: (event: LogEvent) => void
}

/** The marks of a log, read without changing anything. */
export interface FoundMark {
  readonly mark: Mark | undefined
  /** The last seq of the logs of others at the last clean close. */
  readonly heads: ReadonlyMap<LogId, Seq>
}

/**
 * The end of our log, stored in two files outside the database, so that the next start detects a lost end. It is written in parallel with
 * the commit that it describes; nothing is acknowledged or sent before both are on disk.
 */
export class OwnMark {
  /** The later of the two marks found when opening them. */
  readonly found: Mark | undefined
  readonly #heads: Map<LogId, Seq>
  /** Whether neither mark was found in the very file that it was written to: the directory was copied or restored. */
  readonly isMoved: boolean
  readonly #options: OwnMarkOptions
  readonly #machine: string
  #files: MarkFile[]
  #end: End | undefined
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #isErasing = false

  private constructor(options: OwnMarkOptions, machine: string, files: MarkFile[], heads: Map<LogId, Seq>) {
    this.#options = options
    this.#machine = machine
    this.#files = files
    this.#heads = heads
    const own = files.filter(({ found }) => found?.author === options.author)
    this.found = own.map(({ found }) => found).reduce(laterOf, undefined)
    this.isMoved = own.length > 0 && !own.some(file => file.isHere(machine))
    this.#end = this.found
  }

  /** Opens both files, created if missing. Skips a file that cannot be written, and reports it. */
  static async open(options: OwnMarkOptions): Promise<OwnMark> {
    const { file, copy, random, onEvent } = options
    const files: MarkFile[] = []
    for (const place of [file, copy]) {
      if (place === undefined) continue
      try {
        await makeDirectory(path.dirname(place))
        files.push(await MarkFile.open(place, random))
      } catch (error) {
        onEvent({ kind: 'mark-failed', file: place, failure: diskFailureOf(error) })
      }
    }
    return new OwnMark(options, await machineId(), files, await headsIn(options))
  }

  /** Reads both marks without creating or changing anything. */
  static async read(paths: MarkPaths, author: AuthorId): Promise<FoundMark> {
    const places = [paths.file, ...(paths.copy === undefined ? [] : [paths.copy])]
    const marks = await Promise.all(places.map(place => MarkFile.read(place)))
    const mark = marks.filter(mark => mark?.author === author).reduce(laterOf, undefined)
    return { mark, heads: await headsIn(paths) }
  }

  /** The run that the mark names. */
  get run(): Run | undefined {
    return this.#end?.run
  }

  /** Records the end of the log unless a later one of its run is recorded. Resolves when it is on disk. */
  advance(end: End): Promise<void> {
    if (this.#end?.run !== end.run || end.seq > this.#end.seq) this.#end = end
    return this.#write()
  }

  /** Records that the log ends here, even if a later end was recorded before. */
  reset(end: End): Promise<void> {
    const before = this.#end
    // At a start the mark is usually correct, and is not written again.
    const isSame = before?.run === end.run && before.seq === end.seq && sameBytes(before.chain, end.chain)
    if (!isSame) this.#end = end
    const isEverywhere = this.#files.every(
      ({ found }) => found?.run === end.run && found.seq === end.seq && found.author === this.#options.author,
    )
    return isSame && isEverywhere && !this.isMoved ? Promise.resolve() : this.#write()
  }

  /** Erases the rows of the last commit from both files; resolves when they are gone. */
  async forgetBatch(): Promise<void> {
    if (this.#end !== undefined) this.#end = { ...this.#end, batch: undefined }
    // Each slot of a file is overwritten.
    for (let slot = 0; slot < SLOTS; slot++) await this.#write(true)
  }

  /** Closes both files without recording anything. */
  async release(): Promise<void> {
    await (this.#next ?? this.#writing)
    await Promise.all(this.#files.map(file => file.close()))
    this.#files = []
  }

  /** The last seq of the logs of others at the last clean close. */
  get heads(): ReadonlyMap<LogId, Seq> {
    return this.#heads
  }

  forget(log: LogId): void {
    this.#heads.delete(log)
  }

  /** Records the last seq of the logs of others, so that the next start notices lost entries, and closes both files. */
  async close(heads: readonly Digest[]): Promise<void> {
    if (this.#end !== undefined && this.#end.isClean !== true) {
      this.#end = { ...this.#end, isClean: true }
      await this.#write()
    }
    await this.release()
    const known = new Map(this.#heads)
    for (const { author, seq } of heads)
      if (authorOfLog(author) !== this.#options.author) known.set(author, Math.max(seq, known.get(author) ?? 0))
    const text = encodeHeads(known)
    for (const file of headFiles(this.#options)) await replaceFile(file, text, this.#options.random).catch(() => {})
  }

  #write(isErasing = false): Promise<void> {
    this.#isErasing ||= isErasing
    // Calls during a write share the next one.
    this.#next ??= this.#writing.then(() => {
      this.#writing = this.#next ?? this.#writing
      this.#next = undefined
      return this.#writeNow()
    })
    return this.#next
  }

  async #writeNow(): Promise<void> {
    const isErasing = this.#isErasing
    this.#isErasing = false
    const { author, onEvent } = this.#options
    const end = this.#end
    if (end === undefined) return
    const lost = new Set<MarkFile>()
    await Promise.all(
      this.#files.map(file =>
        file.write({ ...end, author }, this.#machine, isErasing).catch(error => {
          lost.add(file)
          onEvent({ kind: 'mark-failed', failure: diskFailureOf(error) })
        }),
      ),
    )
    this.#files = this.#files.filter(file => !lost.has(file))
  }
}

const headFiles = ({ file, copy }: MarkPaths): string[] =>
  [file, ...(copy === undefined ? [] : [copy])].map(name => `${name}.heads`)

async function headsIn(paths: MarkPaths): Promise<Map<LogId, Seq>> {
  const heads = new Map<LogId, Seq>()
  for (const file of headFiles(paths)) {
    for (const [author, seq] of await readHeads(file)) heads.set(author, Math.max(seq, heads.get(author) ?? 0))
  }
  return heads
}

/** The id of this machine; empty if it has none. */
async function machineId(): Promise<string> {
  return (await readFile('/etc/machine-id', 'latin1').catch(() => '')).trim()
}
