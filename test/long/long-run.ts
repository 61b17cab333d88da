import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Cleanup } from '../helper/child.js'

export interface RunOptions {
  readonly cycles: number
  readonly seed: number
  /** Whether time is up: the run then ends after the current cycle. */
  readonly isOver?: () => boolean
  /** The remaining steps of a minimised simulation. */
  readonly keep?: string | undefined
}

/** A fault, and the seed and cycles that repeat it. */
export interface Fault {
  readonly seed: number
  readonly cycles: number
  readonly keep?: string
  readonly text: string
}

export interface Outcome {
  readonly figures: Readonly<Record<string, number>>
  readonly faults: readonly Fault[]
}

/** A test that can run for hours. */
export interface LongRun {
  readonly name: string
  /** The property that it shows. */
  readonly shows: string
  /** Default number of cycles. */
  readonly cycles: number
  /** Why it cannot run here, undefined if it can. */
  missing?(): Promise<string | undefined>
  run(options: RunOptions): Promise<Outcome>
}

/** Cycles per database. New databases are opened often, because creation is a critical phase. */
const LIFE_CYCLES = 5

/** Runs `cycles` in lives of at most LIFE_CYCLES, each with its seed and directory. */
export async function inLives(
  { cycles, seed, isOver = () => false }: RunOptions,
  live: (life: { readonly directory: string; readonly seed: number; readonly cycles: number }) => Promise<string[]>,
): Promise<Fault[]> {
  const faults: Fault[] = []
  for (let life = 0; life * LIFE_CYCLES < cycles && !isOver(); life++) {
    const count = Math.min(LIFE_CYCLES, cycles - life * LIFE_CYCLES)
    await inDirectory(async directory => {
      const texts = await live({ directory, seed: seed + life, cycles: count }).catch(error => [
        `it ended with ${(error as Error).message}`,
      ])
      faults.push(...texts.map(text => ({ seed: seed + life, cycles: count, text })))
    })
  }
  return faults
}

/** Runs an action in a temporary directory, which is removed afterwards. */
export async function inDirectory<T>(action: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'persisted-chat-'))
  try {
    return await action(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Runs an action, then its cleanup steps. */
export async function cleanedUp<T>(action: (cleanup: Cleanup) => Promise<T>): Promise<T> {
  const steps: (() => unknown)[] = []
  try {
    return await action({ after: step => void steps.push(step) })
  } finally {
    for (const step of steps.reverse()) await step()
  }
}
