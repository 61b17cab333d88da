import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { median } from './median.js'

/** The machine that measured, without anything that identifies it. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly system: string
  readonly disk: string
  /** Median duration of appending 4 KiB to a file and syncing it. */
  readonly syncMs: number
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  2035054128: 'overlay',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  801189825: 'zfs',
}
const SYNCS = 200

/** Describes this machine and the disk that holds `directory`. */
export function machineOf(directory: string): Machine {
  const [cpu] = os.cpus()
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 1024 ** 3),
    node: process.version,
    system: `${os.type()} ${os.release().split('-')[0]} ${os.arch()}`,
    disk: [diskOf(directory), FILE_SYSTEMS[statfsSync(directory).type]].filter(Boolean).join(', ') || 'unknown',
    syncMs: syncMsOf(directory),
  }
}

/** The kind of disk, if the system reports it. */
function diskOf(directory: string): string | undefined {
  const { dev } = statSync(directory)
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)]
  for (const place of ['queue', '../queue']) {
    try {
      const text = readFileSync(`/sys/dev/block/${major}:${minor}/${place}/rotational`, 'utf8')
      return text.trim() === '1' ? 'hard disk or virtual disk' : 'solid state'
    } catch {
      // this system or device does not report it
    }
  }
  return undefined
}

function syncMsOf(directory: string): number {
  const name = path.join(directory, 'synced')
  const file = openSync(name, 'w')
  const taken: number[] = []
  for (let index = 0; index < SYNCS; index++) {
    const startedAt = performance.now()
    writeSync(file, Buffer.alloc(4096))
    fdatasyncSync(file)
    taken.push(performance.now() - startedAt)
  }
  closeSync(file)
  rmSync(name)
  return Number(median(taken).toPrecision(2))
}
