import type { ContestantName } from './contestant.js'
import { bytesOnDisk, type Datasets } from './dataset.js'
import { linesOf } from './entries.js'
import { now, type Subject, type Task } from './subject.js'
import { WorkerProcess } from './worker-process.js'
import { inWords, perSecond, type Workload } from './workload.js'

export const appendTasks = {
  /** Milliseconds for `entries` appends, each started when the one before is stored. */
  'append-singly': async (subject: Subject, entries: number): Promise<number> => {
    const contestant = await subject.open()
    const lines = linesOf(entries)
    const startedAt = now()
    for (const line of lines) await contestant.append(line)
    return now() - startedAt
  },

  'append-in-bulk': async (subject: Subject, entries: number): Promise<number> => {
    const contestant = await subject.open()
    const lines = linesOf(entries)
    const startedAt = now()
    await contestant.appendAll(lines)
    return now() - startedAt
  },
} satisfies Record<string, Task>

export const appendWorkloads: readonly Workload[] = [
  {
    name: 'append',
    measures: ({ appends }) => [{ id: 'append', what: `append ${inWords(appends)} one by one`, unit: 'entries/s' }],
    run: async (name, datasets, { appends }) => [(await append(name, datasets, 'append-singly', appends)).rate],
  },
  {
    name: 'bulk',
    measures: ({ entries }) => [
      { id: 'bulk', what: `append ${inWords(entries)} in bulk`, unit: 'entries/s' },
      { id: 'disk', what: 'on disk after appending in bulk, per entry', unit: 'bytes' },
    ],
    run: async (name, datasets, { entries }) => {
      const { rate, bytes } = await append(name, datasets, 'append-in-bulk', entries)
      return [rate, bytes]
    },
  },
]

async function append(
  name: ContestantName,
  datasets: Datasets,
  task: keyof typeof appendTasks,
  entries: number,
): Promise<{ rate: number; bytes: number }> {
  const database = datasets.empty()
  const worker = new WorkerProcess(name, database)
  try {
    const ms = await worker.ask<number>(task, entries)
    await worker.ask('close')
    return { rate: perSecond(entries, ms), bytes: bytesOnDisk(database.directory) / entries }
  } finally {
    await worker.end()
    datasets.drop(database)
  }
}
