import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { Child, type ChildOptions, type Cleanup } from './child.js'

const PROGRAM = fileURLToPath(new URL('./command-lines-process.js', import.meta.url))

export interface CommandOutcome {
  readonly code: number
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

/** Runs command lines one after another in one process, because each start takes longer than most commands. For commands that end. */
export async function outcomesOf(
  cleanup: Cleanup,
  commandLines: readonly (readonly string[])[],
  options: Omit<ChildOptions, 'args'> = {},
): Promise<readonly CommandOutcome[]> {
  const child = new Child(cleanup, process.execPath, { ...options, args: [PROGRAM, JSON.stringify(commandLines)] })
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  return JSON.parse(child.stdout[0] ?? '[]')
}
