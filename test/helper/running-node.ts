import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Child } from './child.js'
import { PATIENCE_MS } from './patience.js'

interface Home {
  readonly me: string
  readonly data: string
}

/** The pid of the node that serves a home; undefined if none does. */
export async function nodePid({ me, data }: Home): Promise<number | undefined> {
  const text = await readFile(path.join(data, me, 'node.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return pid > 0 && isRunning(pid) ? pid : undefined
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Resolves when a process has exited. */
export async function ended(pid: number): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (isRunning(pid)) {
    if (Date.now() > end) throw new Error(`process ${pid} does not end`)
    await pause(10)
  }
}

/** Kills a face and its node at once, as a crash of the machine does. */
export async function crash(face: Child, home: Home): Promise<void> {
  const pid = await nodePid(home)
  const ending = face.stop('SIGKILL')
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  await ending
  if (pid !== undefined) await ended(pid)
}
