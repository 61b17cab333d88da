import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Cleanup } from '../helper/child.js'

export interface RunOptions {
  readonly cycles: number
  readonly seed: number
  /** Whether time is up: the run ends after what it is at. */
  readonly isOver?: () => boolean
  /** Of a simulated run, the steps that are not left out. */
  readonly keep?: string | undefined
}

/** Something that went wrong, and how it is done again: a run of so many cycles with this seed. */
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

/** A test that can go on for hours. */
export interface LongRun {
  readonly name: string
  /** What it shows, in a few words. */
  readonly shows: string
  /** How many cycles unless told. */
  readonly cycles: number
  /** Why it cannot be run here, if so. */
  missing?(): Promise<string | undefined>
  run(options: RunOptions): Promise<Outcome>
}

/** A database is used for so many cycles, then a new one is begun, with the next seed: beginnings are dangerous. */
const LIFE_CYCLES = 5

/** Runs `cycles` in lives of at most five, each with a seed and a directory of its own. */
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

/** Does something in a directory of its own, which is then gone. */
export async function inDirectory<T>(action: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'persisted-chat-'))
  try {
    return await action(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Does something with what has to be cleaned up behind it. */
export async function cleanedUp<T>(action: (cleanup: Cleanup) => Promise<T>): Promise<T> {
  const steps: (() => unknown)[] = []
  try {
    return await action({ after: step => void steps.push(step) })
  } finally {
    for (const step of steps.reverse()) await step()
  }
}
