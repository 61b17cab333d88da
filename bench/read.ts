import type { ContestantName } from './contestant.js'
import { bulk, type Datasets } from './dataset.js'
import { now, type Subject, type Task } from './subject.js'
import { WorkerProcess } from './worker-process.js'
import { inWords, perSecond, type Workload } from './workload.js'

export const readTasks = {
  /** Reads everything. Resolves with the time and the count. */
  'read-all': async (subject: Subject): Promise<{ at: number; count: number }> => {
    const contestant = await subject.open()
    let total = 0
    await contestant.readAll(count => {
      total += count
    })
    return { at: now(), count: total }
  },

  /** Resolves with the time of the first entry, or with count 0 for an empty log. */
  'read-first': async (subject: Subject): Promise<{ at: number; count: number }> => {
    const contestant = await subject.open()
    return new Promise((resolve, reject) => {
      contestant
        .readAll(count => resolve({ at: now(), count }))
        .then(() => resolve({ at: now(), count: 0 }))
        .catch(reject)
    })
  },
} satisfies Record<string, Task>

export const readWorkloads: readonly Workload[] = [
  {
    name: 'replay',
    measures: ({ entries }) => [{ id: 'replay', what: `start a process, read ${inWords(entries)}`, unit: 'entries/s' }],
    run: async (name, datasets, { entries }) => [
      perSecond(entries, await sinceStart(name, datasets, 'read-all', entries, entries)),
    ],
  },
  {
    name: 'first',
    measures: ({ entries }) => [
      { id: 'first', what: `start a process, read the first of ${inWords(entries)}`, unit: 'ms' },
    ],
    run: async (name, datasets, { entries }) => [await sinceStart(name, datasets, 'read-first', entries, 1)],
  },
  {
    name: 'empty',
    measures: () => [{ id: 'empty', what: 'start a process, find an empty log', unit: 'ms' }],
    run: async (name, datasets) => [await sinceStart(name, datasets, 'read-first', 0, 0)],
  },
]

/** Milliseconds from the start of a process to the end of its first task. */
async function sinceStart(
  name: ContestantName,
  datasets: Datasets,
  task: keyof typeof readTasks,
  entries: number,
  read: number,
): Promise<number> {
  const worker = new WorkerProcess(name, await datasets.of(name, bulk(entries)), task)
  try {
    const { at, count } = await worker.answer<{ at: number; count: number }>()
    if (count < read) throw new Error(`${name} read ${count} entries instead of ${read}`)
    return at - worker.startedAt
  } finally {
    await worker.end()
  }
}
