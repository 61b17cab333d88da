import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../../base/errors.js'
import { isRunning } from '../../../base/files/running-process.js'
import { programFile } from '../../../base/program-files.js'
import { type FileFault, isJournal } from './check.js'
import { type CopyFailure, copyDatabase, syncAll, syncPath } from './copy.js'
import { distinctRecords, readJournal, writeJournal } from './journal.js'

/** How long another process may take to repair a database before its claim expires. */
const REPAIR_MS_MAX = 10 * 60_000

const WORKER = programFile('log/store/leveldb/repair-worker')

/** Why a database cannot be repaired. */
export type RepairFailure = CopyFailure | 'beyond-repair' | 'busy'

/**
 * Repairs a copy of a damaged database in place: keeps the intact records of damaged journals, and drops damaged tables. Opens the
 * result in a separate process first, because damage can make LevelDB abort.
 */
export async function repairCopy(copy: string, faults: readonly FileFault[]): Promise<RepairFailure | undefined> {
  for (const { file, kind, problem } of faults) {
    if (kind === 'in-use' || (kind === 'table' && problem !== 'missing'))
      await rm(path.join(copy, file), { force: true, recursive: true })
  }
  const journals = faults.filter(({ kind }) => kind === 'journal').map(({ file }) => file)
  if (journals.length > 0) await keepWholeRecords(copy, new Set(journals))
  const isFilesOnly = faults.every(({ kind }) => kind === 'journal')
  if (isFilesOnly && (await survives(copy, 'open'))) return undefined
  return (await survives(copy, 'repair')) ? undefined : 'beyond-repair'
}

/**
 * Repairs the database in `directory`, which no process may have open. Two renames replace it by the repaired copy; after a crash
 * between them, `finishRepair` does the second. Returns the path at which the damaged database is kept.
 */
export async function repairDatabase(
  directory: string,
  faults: readonly FileFault[],
): Promise<{ readonly kept: string } | { readonly failure: RepairFailure }> {
  const base = path.resolve(directory)
  const release = await claim(`${base}.repairing`)
  if (release === undefined) return { failure: 'busy' }
  const copy = await mkdtemp(`${base}.repair-`)
  try {
    const failure = (await copyDatabase(base, copy, false)) ?? (await repairCopy(copy, faults))
    if (failure !== undefined) return { failure }
    await syncAll(copy)
    await rm(repairedName(base), { recursive: true, force: true })
    await rename(copy, repairedName(base))
    const kept = await freeName(base)
    await rename(base, kept)
    await finishRepair(base)
    return { kept }
  } finally {
    await rm(copy, { recursive: true, force: true })
    await release()
  }
}

/** Moves a repaired database into place if the damaged one was already moved away. */
export async function finishRepair(directory: string): Promise<void> {
  const base = path.resolve(directory)
  if (!(await exists(repairedName(base))) || (await exists(base))) return
  await rename(repairedName(base), base)
  await syncPath(path.dirname(base))
}

const repairedName = (base: string): string => `${base}.repaired`

async function freeName(base: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = `${base}.damaged-${number}`
    if (!(await exists(name))) return name
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

/** Rewrites damaged journals with their intact records, each change once. Skips a missing journal, and deletes an unreadable one. */
async function keepWholeRecords(copy: string, damaged: ReadonlySet<string>): Promise<void> {
  const journals = (await readdir(copy))
    .filter(isJournal)
    .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
  let last = 0n
  for (const name of journals) {
    const file = path.join(copy, name)
    const bytes = await readFile(file).catch(() => undefined)
    const { records, last: lastHere } = distinctRecords(bytes === undefined ? [] : readJournal(bytes).records, last)
    last = lastHere
    if (!damaged.has(name)) continue
    await rm(file, { force: true, recursive: true })
    if (bytes !== undefined) await writeFile(file, writeJournal(records), { flag: 'wx', mode: 0o600 })
  }
}

/** Whether a child process can open the database, or with the task `repair` repair it, and then read every row without aborting. */
async function survives(directory: string, task: 'open' | 'repair'): Promise<boolean> {
  const child = spawn(process.execPath, [WORKER, task, directory], { stdio: 'ignore' })
  const [code] = await once(child, 'close')
  return code === 0
}

/** Claims the repair for this process; undefined if another live process has claimed it. */
async function claim(file: string): Promise<(() => Promise<void>) | undefined> {
  for (let tries = 0; tries < 2; tries++) {
    try {
      const handle = await open(file, 'wx', 0o600)
      await handle.writeFile(String(process.pid))
      await handle.close()
      return () => rm(file, { force: true })
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
      const owner = Number(await readFile(file, 'latin1').catch(() => ''))
      const { mtimeMs } = await lstat(file)
      // Ignore an old claim: the pid of a killed process may have been reused.
      if (isRunning(owner) && Date.now() - mtimeMs < REPAIR_MS_MAX) return undefined
      await rm(file, { force: true })
    }
  }
  return undefined
}
