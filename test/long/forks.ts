import { forkSchedule } from '../helper/fork-schedule.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import type { Fault, LongRun } from './long-run.js'

/** Largest growth of memory. Closed logs are freed; only compiled code and caches may stay. */
const GROWN_MIB_MAX = 64

/** Two or three branches of a log reach peers in random order. */
export const forks: LongRun = {
  name: 'forks',
  shows: 'every peer proves the fork at the same entry, and has every line of every branch once',
  cycles: 100_000,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const figures = { schedules: 0, ofThreeBranches: 0, meetings: 0, grownMiB: 0 }
    const faults: Fault[] = []
    let before: number | undefined
    for (let schedule = 0; schedule < cycles && !isOver(); schedule++) {
      try {
        const { meetings, branches } = await forkSchedule(seed + schedule)
        figures.meetings += meetings
        figures.ofThreeBranches += branches === 3 ? 1 : 0
      } catch (error) {
        faults.push({ seed: seed + schedule, cycles: 1, text: (error as Error).message })
      }
      figures.schedules++
      if (schedule === 50) before = heapBytes()
    }
    if (before !== undefined) figures.grownMiB = Math.round((heapBytes() - before) / MEGABYTE)
    if (figures.grownMiB > GROWN_MIB_MAX) faults.push({ seed, cycles, text: `${figures.grownMiB} MiB more are in use` })
    return { figures, faults }
  },
}
