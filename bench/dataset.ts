import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import type { ContestantName, Shape } from './contestant.js'
import type { Subject, Task } from './subject.js'
import { type Database, WorkerProcess } from './worker-process.js'

export const datasetTasks = {
  fill: async ({ program, directory }: Subject, shape: Shape) => program.fill(directory, shape),
} satisfies Record<string, Task>

export const bulk = (entries: number): Shape => ({ authors: 1, entries, appended: 'in bulk', areJoined: true })

/** The databases of a benchmark run: filled when first needed, then read by all runs. */
export class Datasets {
  readonly #root: string
  readonly #made = new Map<string, Promise<Database>>()

  constructor(root: string) {
    this.#root = root
  }

  empty(): Database {
    return { directory: mkdtempSync(path.join(this.#root, 'database-')), keys: [] }
  }

  of(name: ContestantName, shape: Shape): Promise<Database> {
    const title = `${name} ${JSON.stringify(shape)}`
    const made = this.#made.get(title) ?? this.#make(name, shape)
    this.#made.set(title, made)
    return made
  }

  drop({ directory }: Database): void {
    rmSync(directory, { recursive: true, force: true })
  }

  async #make(name: ContestantName, shape: Shape): Promise<Database> {
    const { directory } = this.empty()
    const worker = new WorkerProcess(name, { directory, keys: [] })
    try {
      return { directory, keys: await worker.ask<string[]>('fill', shape) }
    } finally {
      await worker.end()
    }
  }
}

export function bytesOnDisk(directory: string): number {
  let bytes = 0
  for (const name of readdirSync(directory)) {
    const status = statSync(path.join(directory, name))
    bytes += status.isDirectory() ? bytesOnDisk(path.join(directory, name)) : status.size
  }
  return bytes
}
