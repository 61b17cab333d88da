import { fileURLToPath } from 'node:url'
import { Child } from '../helper/child.js'
import type { WriterOptions } from '../helper/durable-writer.js'
import { PATIENCE_MS } from '../helper/patience.js'

const SCRIPT = fileURLToPath(new URL('../helper/durable-writer.js', import.meta.url))

/** Starts the writer, kills it when `action` is done, and resolves with its output. */
export async function lifeOf(
  options: WriterOptions,
  env: Record<string, string>,
  action: (writer: Child) => Promise<void>,
): Promise<string[]> {
  return killedAfter(
    new Child({ after: () => {} }, process.execPath, { args: [SCRIPT, JSON.stringify(options)], env }),
    action,
  )
}

/** Kills a process when `action` has settled, and resolves with its output. */
export async function killedAfter(process: Child, action: (process: Child) => Promise<void>): Promise<string[]> {
  try {
    await action(process)
  } finally {
    await process.stop('SIGKILL')
  }
  return [...process.stdout, ...process.stderr.map(line => `problem stderr ${line}`)]
}

/** Resolves when `ms` have passed or the writer has exited. */
export async function pause(ms: number, writer: Child): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([
    new Promise(resolve => {
      timer = setTimeout(resolve, ms)
    }),
    writer.exited,
  ])
  clearTimeout(timer)
}

/** Resolves when the writer has printed this many acknowledged entries, or has exited. */
export async function acknowledged(count: number, writer: Child): Promise<void> {
  let from = 0
  for (let left = count; left > 0 && (await printed(writer, /^appended/, from)); left--)
    from = writer.stdout.findIndex((line, index) => index >= from && line.startsWith('appended')) + 1
}

/** Resolves when the writer has printed a matching line, with false if it exited before. Rejects when it hangs. */
export async function printed(writer: Child, line: RegExp, from = 0): Promise<boolean> {
  try {
    await writer.waitForLine(line, { from, timeoutMs: PATIENCE_MS })
    return true
  } catch (error) {
    if (/ms passed/.test((error as Error).message)) throw error
    return false
  }
}
