import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ChatError } from '../base/errors.js'
import { isRunning } from '../base/files/running-process.js'

export const pidFileOf = (directory: string): string => path.join(directory, 'node.pid')

/** The second line of the pid file once the node is closing its databases. */
const ENDING = 'ending'

const linesOf = async (directory: string): Promise<string[]> =>
  (await readFile(pidFileOf(directory), 'utf8').catch(() => '')).trim().split('\n')

/** The content of the pid file of this process. */
export const pidText = (isEnding: boolean): string => `${process.pid}\n${isEnding ? `${ENDING}\n` : ''}`

/** The process that acquired the lock of a home last; undefined if unknown. */
export async function holderOf(directory: string): Promise<number | undefined> {
  const [line = ''] = await linesOf(directory)
  const pid = Number(line)
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
}

/** Whether the holder of the lock is opening or closing databases, which can take long on a busy disk. */
export async function isHolderBusy(directory: string): Promise<boolean> {
  const pid = await holderOf(directory)
  return pid === undefined || !isRunning(pid) || (await linesOf(directory))[1] === ENDING
}

export const lockedError = (directory: string, pid: number | undefined): ChatError =>
  new ChatError(
    'LOG_LOCKED',
    `the logs in ${directory} are open in another process${pid === undefined ? '' : ` (pid ${pid})`}`,
    { hint: 'Wait until it has ended, or stop it.' },
  )
