import { type FileHandle, readdir } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../../base/errors.js'
import { isNotAFile } from '../../../base/files/disk-faults.js'
import { beginningOf, withRegularFile } from '../../../base/files/regular-file.js'
import { distinctRecords, readJournal } from './journal.js'
import { decodeManifest, type Manifest } from './manifest.js'
import { type Depth, isTableIntact } from './table.js'

/** Bytes of the newest tables that are checked completely before a start. The other tables are checked later, or by `verify`. */
export const TABLE_BYTES_AT_START = 16 * 1024 * 1024

/** Marker file that is written when damage is found in an open database. */
export const DAMAGED = 'damaged'

/** A damaged or missing file of a database. */
export interface FileFault {
  readonly file: string
  readonly kind: 'current' | 'manifest' | 'journal' | 'table' | 'in-use'
  readonly problem: 'missing' | 'unreadable' | 'damaged' | 'damaged-in-use' | 'repeated-records'
  /** Where a journal is damaged. */
  readonly at?: number
  /** The file that CURRENT names, if that file is missing. */
  readonly names?: string
}

export interface DatabaseState {
  /** Whether any file of a database exists. A new database may be created only if none does. */
  readonly exists: boolean
  readonly faults: readonly FileFault[]
}

const DATABASE_FILE = /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:log|ldb|sst|dbtmp))$/
const CURRENT_BYTES_MAX = 64
const MANIFEST_BYTES_MAX = 256 * 1024 * 1024

/** Checks the files of a database without opening it, because LevelDB silently drops damaged data. */
export async function checkDatabase(
  directory: string,
  tableBytesMax = Number.POSITIVE_INFINITY,
): Promise<DatabaseState> {
  const names = await namesIn(directory)
  const files = names.filter(name => DATABASE_FILE.test(name))
  // A database whose creation was interrupted has a first manifest and nothing else.
  const exists = files.some(name => !/^(?:MANIFEST-0*1|\d+\.dbtmp)$/.test(name)) || names.includes(DAMAGED)
  if (!exists) return { exists, faults: [] }
  const faults: FileFault[] = []
  if (names.includes(DAMAGED)) faults.push({ file: DAMAGED, kind: 'in-use', problem: 'damaged-in-use' })
  const manifest = await manifestOf(directory, names, faults)
  const isRead = (number: number): boolean =>
    manifest === undefined || number >= manifest.journal || number === manifest.journalBefore
  const journals = files
    .flatMap(name => {
      const number = journalNumber(name)
      return number !== undefined && isRead(number) ? [{ name, number }] : []
    })
    .toSorted((a, b) => a.number - b.number)
  let last = 0n
  for (const { name } of journals) {
    const journal = await withFile(directory, name, async file => readJournal(await file.readFile()))
    if (journal === 'unreadable') {
      faults.push({ file: name, kind: 'journal', problem: 'unreadable' })
      continue
    }
    const distinct = distinctRecords(journal.records, last)
    last = distinct.last
    if (journal.damagedAt !== undefined)
      faults.push({ file: name, kind: 'journal', problem: 'damaged', at: journal.damagedAt })
    else if (distinct.records.length < journal.records.length)
      faults.push({ file: name, kind: 'journal', problem: 'repeated-records' })
  }
  if (manifest === undefined) {
    await checkTables(
      directory,
      files.flatMap(name => tableNumber(name) ?? []),
      undefined,
      tableBytesMax,
      faults,
    )
    return { exists, faults }
  }
  const hasJournal = (number: number): boolean => files.some(name => journalNumber(name) === number)
  for (const number of [manifest.journal, manifest.journalBefore])
    if (number > 0 && !hasJournal(number))
      faults.push({ file: `${digits(number)}.log`, kind: 'journal', problem: 'missing' })
  await checkTables(directory, [...manifest.tables.keys()], manifest.tables, tableBytesMax, faults)
  return { exists, faults }
}

/** Whether a file name is that of a journal. */
export const isJournal = (name: string): boolean => journalNumber(name) !== undefined

async function checkTables(
  directory: string,
  numbers: readonly number[],
  sizes: ReadonlyMap<number, number> | undefined,
  tableBytesMax: number,
  faults: FileFault[],
): Promise<void> {
  let bytes = 0
  for (const number of numbers.toSorted((a, b) => b - a)) {
    let name = `${digits(number)}.ldb`
    const look = async (file: FileHandle): Promise<boolean> => {
      const { size } = await file.stat()
      bytes += size
      const depth: Depth = bytes > tableBytesMax ? 'index' : 'all'
      return (sizes?.get(number) ?? size) === size && (await isTableIntact(file, size, depth))
    }
    let isWhole = await withFile(directory, name, look, 'absent')
    if (isWhole === 'absent') {
      const older = await withFile(directory, `${digits(number)}.sst`, look, 'absent')
      if (older !== 'absent') [name, isWhole] = [`${digits(number)}.sst`, older]
    }
    if (isWhole === 'absent') faults.push({ file: name, kind: 'table', problem: 'missing' })
    else if (isWhole === 'unreadable') faults.push({ file: name, kind: 'table', problem: 'unreadable' })
    else if (!isWhole) faults.push({ file: name, kind: 'table', problem: 'damaged' })
  }
}

/** The manifest that CURRENT names. If either is damaged, adds that to `faults` and returns undefined. */
async function manifestOf(
  directory: string,
  names: readonly string[],
  faults: FileFault[],
): Promise<Manifest | undefined> {
  const current = await withFile(directory, 'CURRENT', file => textIn(file), 'absent')
  const name = typeof current === 'object' ? /^(MANIFEST-\d+)\n$/.exec(current.text)?.[1] : undefined
  if (name === undefined || !names.includes(name)) {
    const isDamaged = current !== 'absent' && name === undefined
    const problem = isDamaged ? 'damaged' : 'missing'
    faults.push({ file: 'CURRENT', kind: 'current', problem, ...(name !== undefined && { names: name }) })
    return undefined
  }
  const manifest = await withFile(directory, name, async file => {
    if ((await file.stat()).size > MANIFEST_BYTES_MAX) return undefined
    const { records, damagedAt } = readJournal(await file.readFile())
    return damagedAt === undefined ? decodeManifest(records) : undefined
  })
  if (manifest === undefined || manifest === 'unreadable') {
    faults.push({ file: name, kind: 'manifest', problem: manifest === undefined ? 'damaged' : 'unreadable' })
    return undefined
  }
  return manifest
}

async function textIn(file: FileHandle): Promise<{ readonly text: string }> {
  return { text: (await beginningOf(file, CURRENT_BYTES_MAX)).toString('latin1') }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/** The result of `look` on a regular file. Any other kind of file is unreadable, and is never opened, because that could block. */
async function withFile<T, A = never>(
  directory: string,
  name: string,
  look: (file: FileHandle) => Promise<T>,
  absent?: A,
): Promise<T | A | 'unreadable'> {
  try {
    return await withRegularFile(path.join(directory, name), look)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return absent ?? 'unreadable'
    if (systemCode(error) === 'EIO' || isNotAFile(error)) return 'unreadable'
    throw error
  }
}

const journalNumber = (name: string): number | undefined => numberIn(/^(\d+)\.log$/, name)
const tableNumber = (name: string): number | undefined => numberIn(/^(\d+)\.(?:ldb|sst)$/, name)
const numberIn = (pattern: RegExp, name: string): number | undefined => {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The number of a file, as in its name. */
const digits = (number: number): string => String(number).padStart(6, '0')
