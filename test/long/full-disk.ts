import { execFile } from 'node:child_process'
import { mkdir, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ChatError, systemCode } from '../../src/base/errors.js'
import { decodeEntry } from '../../src/log/format/entry.js'
import { Child } from '../helper/child.js'
import { logIn } from '../helper/logs.js'
import { between, type Chance, chance, tokenOf } from './chance.js'
import { keysOf } from './ledger.js'
import { inDirectory, inLives, type LongRun } from './long-run.js'
import { killedAfter, printed } from './writer.js'

const SCRIPT = fileURLToPath(new URL('../helper/durable-speaker.js', import.meta.url))
const run = promisify(execFile)

/** Small lines too: the rest of the last page of the journal can be written on a full disk. */
const LINES_THAT_FILL_A_PAGE = 45

/** A disk that can be filled and freed for one process. */
interface Disk {
  fill(pid: number): Promise<void>
  free(pid: number): Promise<void>
  remove(): Promise<void>
}

type MakeDisk = (directory: string) => Promise<Disk>

/** A real file system of 4 MiB, filled by a file. */
const smallDisk: MakeDisk = async directory => {
  await mkdir(directory)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', directory])
  const ballast = path.join(directory, 'ballast')
  return {
    fill: async () => {
      const file = await open(ballast, 'w')
      try {
        for (let size = 64 * 1024; size >= 1; size /= 16) await writeUntilFull(file, Buffer.alloc(size))
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast),
    remove: async () => {
      await run('umount', [directory])
    },
  }
}

/** A limit on the size of files, which fails writes like a full disk. */
const limitedFiles: MakeDisk = async directory => {
  await mkdir(directory)
  const limit = async (pid: number, bytes: string): Promise<void> => {
    await run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
  }
  return { fill: pid => limit(pid, '16'), free: pid => limit(pid, 'unlimited'), remove: async () => {} }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<void> {
  try {
    for (;;) await file.write(bytes)
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC') throw error
  }
}

/** The kinds of full disks that this machine supports: only root can mount a file system; anyone can limit a process. */
async function disks(): Promise<MakeDisk[]> {
  return inDirectory(async directory => {
    const found: MakeDisk[] = []
    try {
      await (await smallDisk(path.join(directory, 'mount'))).remove()
      found.push(smallDisk)
    } catch {
      // Not root.
    }
    try {
      await run('prlimit', ['--version'])
      found.push(limitedFiles)
    } catch {
      // Not Linux.
    }
    return found
  })
}

/** A peer sends lines while its disk is full; then the disk is freed, or the peer is killed first. */
export const fullDisk: LongRun = {
  name: 'full-disk',
  shows: 'lines sent while the disk is full are stored once and in order when it is freed',
  cycles: 200,
  missing: async () => ((await disks()).length === 0 ? 'nothing here can fill a disk' : undefined),
  run: async options => {
    const ways = await disks()
    const figures = { cycles: 0, lines: 0, lost: 0 }
    const faults = await inLives(options, async ({ directory, seed, cycles }) => {
      const random = chance(seed)
      const found: string[] = []
      for (const [index, makeDisk] of ways.entries()) {
        const mount = path.join(directory, String(index))
        const disk = await makeDisk(mount)
        try {
          let lines = 0
          for (let cycle = index; cycle < cycles; cycle += ways.length) {
            const life = await fillAndFree(path.join(mount, 'log'), disk, random, lines, found)
            lines = life.stored
            if (life.lost > 0) found.push(`${life.lost} acknowledged lines lost`)
            figures.lost += life.lost
            figures.cycles++
          }
          figures.lines += lines
        } finally {
          await disk.remove()
        }
      }
      return found
    })
    return { figures, faults }
  },
}

/** One run of the peer, whose log has `before` lines. Resolves with the number of lines after it. */
async function fillAndFree(
  directory: string,
  disk: Disk,
  random: Chance,
  before: number,
  found: string[],
): Promise<{ readonly stored: number; readonly lost: number }> {
  const speaker = new Child({ after: () => {} }, process.execPath, { args: [SCRIPT, directory] })
  const pid = speaker.pid ?? 0
  let next = before + 1
  const say = (count: number): void => {
    speaker.type(`say ${next} ${count}`)
    next += count
  }
  const isFreed = random() < 0.8
  const lines = await killedAfter(speaker, async () => {
    await printed(speaker, /^open/)
    say(between(random, 1, 20))
    await printed(speaker, /^stored/)
    await disk.fill(pid)
    say(1)
    say(between(random, LINES_THAT_FILL_A_PAGE, 120))
    if (!(await printed(speaker, /^read-only/))) found.push('the disk was never full')
    say(between(random, 1, 20))
    if (!isFreed) return
    await disk.free(pid)
    await printed(speaker, new RegExp(`^stored ${next - 1}$`))
    say(1)
    await printed(speaker, new RegExp(`^stored ${next - 1}$`))
  })
  if (!isFreed) {
    const refusal = await openingOf(directory)
    if (refusal !== undefined) found.push(refusal)
    await disk.free(pid).catch(() => {}) // a limit ends with its process
  }
  found.push(...lines.filter(line => line.startsWith('problem')))
  const persisted = Math.max(
    0,
    ...lines.flatMap(line => /^(?:persisted|stored) (\d+)$/.exec(line)?.[1] ?? []).map(Number),
  )
  const stored = await storedLines(directory, found)
  if (isFreed && stored !== next - 1) found.push(`${next - 1} lines were said, and ${stored} are stored`)
  return { stored, lost: Math.max(0, persisted - stored) }
}

/** A full disk may prevent opening a log, which is reported in one line. */
async function openingOf(directory: string): Promise<string | undefined> {
  try {
    await (await logIn(directory, { keys: keysOf('alice') })).close()
    return undefined
  } catch (error) {
    const isSaid = error instanceof ChatError && error.code === 'DATA_UNUSABLE' && !error.toLine().includes('\n')
    return isSaid ? undefined : `with a full disk it ends with ${error}`
  }
}

/** The number of lines, which must all be there once and in order. */
async function storedLines(directory: string, found: string[]): Promise<number> {
  const log = await logIn(directory, { keys: keysOf('alice') })
  let count = 0
  for await (const entries of log.read()) {
    for (const { seq, entry } of entries) {
      count++
      const token = tokenOf(decodeEntry(entry)?.message ?? '')
      if (seq !== count || token !== `line-${count}`) found.push(`entry ${seq} is ${token}`)
    }
  }
  const { last, fault } = await log.verify(log.id)
  if (last !== count || fault !== undefined) found.push(`the log holds up to ${last}: ${fault}`)
  await log.close()
  return count
}
