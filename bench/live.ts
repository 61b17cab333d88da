import type { ContestantName } from './contestant.js'
import type { Datasets } from './dataset.js'
import { lineOf, linesOf } from './entries.js'
import type { Counted } from './link.js'
import { now, type Subject, type Task } from './subject.js'
import { WorkerProcess } from './worker-process.js'
import { inWords, perSecond, type Workload } from './workload.js'

/** Lines sent before measuring. */
const WARM_UP = 20

export const liveTasks = {
  /** Appends a line. Resolves with the time of the call, before the line is stored. */
  send: async (subject: Subject, index: number): Promise<number> => {
    const contestant = await subject.open()
    const line = lineOf(index)
    const sentAt = now()
    void contestant.append(line)
    return sentAt
  },

  /** Appends `entries` at once. Resolves with the time of the call. */
  flood: async (subject: Subject, entries: number): Promise<number> => {
    const contestant = await subject.open()
    const lines = linesOf(entries)
    const startedAt = now()
    void contestant.appendAll(lines)
    return startedAt
  },
} satisfies Record<string, Task>

export const liveWorkloads: readonly Workload[] = [
  {
    name: 'latency',
    measures: ({ latencies }) => [
      { id: 'latency-50', what: `from sending a line to reading it there, median of ${latencies}`, unit: 'ms' },
      { id: 'latency-99', what: 'the same, 99th percentile', unit: 'ms' },
    ],
    run: async (name, datasets, { latencies }) => {
      const ms = await withTwo(name, datasets, 'texts read', async (sender, receiver) => {
        const taken: number[] = []
        for (let sent = 1; sent < WARM_UP + latencies; sent++) {
          await receiver.ask('expect', sent + 1)
          const sentAt = await sender.ask<number>('send', sent)
          taken.push((await receiver.ask<number>('arrived')) - sentAt)
        }
        return taken.slice(WARM_UP - 1).sort((a, b) => a - b)
      })
      return [0.5, 0.99].map(share => ms[Math.ceil(share * ms.length) - 1] ?? Number.NaN)
    },
  },
  {
    name: 'flood',
    measures: ({ flood }) => [
      { id: 'flood', what: `send ${inWords(flood)} at once until all are stored there`, unit: 'entries/s' },
    ],
    run: async (name, datasets, { flood }) => {
      const ms = await withTwo(name, datasets, 'entries stored', async (sender, receiver) => {
        await receiver.ask('expect', flood + 1)
        const startedAt = await sender.ask<number>('flood', flood)
        return (await receiver.ask<number>('arrived')) - startedAt
      })
      return [perSecond(flood, ms)]
    },
  },
]

/** Two connected processes; a first line has been delivered. */
async function withTwo<T>(
  name: ContestantName,
  datasets: Datasets,
  counted: Counted,
  measure: (sender: WorkerProcess, receiver: WorkerProcess) => Promise<T>,
): Promise<T> {
  const [mine, theirs] = [datasets.empty(), datasets.empty()]
  const sender = new WorkerProcess(name, mine)
  let receiver: WorkerProcess | undefined
  try {
    const port = await sender.ask<number>('serve')
    receiver = new WorkerProcess(name, { ...theirs, keys: await sender.ask<string[]>('keys') })
    await receiver.ask('connect', { port, counted, target: 1 })
    await sender.ask('send', 0)
    await receiver.ask('arrived')
    return await measure(sender, receiver)
  } finally {
    await Promise.all([sender.end(), receiver?.end()])
    datasets.drop(mine)
    datasets.drop(theirs)
  }
}
