import { fileURLToPath } from 'node:url'
import { Child } from '../helper/child.js'
import type { WriterOptions } from '../helper/durable-writer.js'

const SCRIPT = fileURLToPath(new URL('../helper/durable-writer.js', import.meta.url))
const DEADLINE_MS = 30_000

/** The process that writes until it is killed. */
export function startWriter(options: WriterOptions, env: Record<string, string> = {}): Child {
  return new Child({ after: () => {} }, process.execPath, { args: [SCRIPT, JSON.stringify(options)], env })
}

/** Kills a writer, and gives all that it printed. */
export async function killed(writer: Child): Promise<string[]> {
  await writer.stop('SIGKILL')
  return [...writer.stdout, ...writer.stderr.map(line => `problem stderr ${line}`)]
}

/** Resolves when `ms` have passed or the writer has ended. */
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

/** Resolves when the writer has printed a matching line, false where it ended before; rejects when it hangs. */
export async function printed(writer: Child, line: RegExp, from = 0): Promise<boolean> {
  try {
    await writer.waitForLine(line, { from, timeoutMs: DEADLINE_MS })
    return true
  } catch (error) {
    if (/ms passed/.test((error as Error).message)) throw error
    return false
  }
}
