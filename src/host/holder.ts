import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ChatError } from '../base/errors.js'
import { isRunning } from '../base/files/running-process.js'

export const pidFileOf = (directory: string): string => path.join(directory, 'node.pid')

/** The process that acquired the lock of a home last; undefined if unknown. */
export async function holderOf(directory: string): Promise<number | undefined> {
  const text = await readFile(pidFileOf(directory), 'utf8').catch(() => '')
  const pid = Number(text.trim())
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
}

/** The same, if that process is running. */
export async function liveHolderOf(directory: string): Promise<number | undefined> {
  const pid = await holderOf(directory)
  return pid !== undefined && isRunning(pid) ? pid : undefined
}

export const lockedError = (directory: string, pid: number | undefined): ChatError =>
  new ChatError(
    'LOG_LOCKED',
    `the logs in ${directory} are open in another process${pid === undefined ? '' : ` (pid ${pid})`}`,
    { hint: 'Wait until it has ended, or stop it.' },
  )
