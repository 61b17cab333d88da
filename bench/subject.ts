import { readFileSync } from 'node:fs'
import type { Contestant, Program } from './contestant.js'

/** The program and the database of a measured process, opened when a task first needs them. */
export class Subject {
  readonly program: Program
  readonly directory: string
  readonly #keys: readonly string[]
  #contestant: Promise<Contestant> | undefined

  constructor(program: Program, directory: string, keys: readonly string[]) {
    this.program = program
    this.directory = directory
    this.#keys = keys
  }

  open(): Promise<Contestant> {
    this.#contestant ??= this.program.open(this.directory, this.#keys)
    return this.#contestant
  }
}

/** A request to a measured process. Argument and result are JSON. */
export type Task = (subject: Subject, argument: never) => Promise<unknown>

/** Milliseconds of the monotonic clock, which all processes of a machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

export const commonTasks = {
  open: async (subject: Subject) => void (await subject.open()),

  keys: async (subject: Subject) => (await subject.open()).keys,

  close: async (subject: Subject) => void (await (await subject.open()).close()),

  /** CPU time of this process so far, in ms. */
  cpu: async () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },

  /** Peak memory of this process in MiB. (`maxRSS` includes the parent's memory at the fork.) */
  memory: async () => {
    try {
      const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
      return Number(kibibytes) / 1024
    } catch {
      return process.resourceUsage().maxRSS / 1024
    }
  },
} satisfies Record<string, Task>
