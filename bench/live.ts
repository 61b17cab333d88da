import type { ContestantName } from './contestant.js'
import type { Datasets } from './dataset.js'
import { lineOf, linesOf } from './entries.js'
import type { Counted } from './link.js'
import { now, type Subject, type Task } from './subject.js'
import { WorkerProcess } from './worker-process.js'
import { inWords, perSecond, type Workload } from './workload.js'

/** Lines that are said before it counts. */
const WARM_UP = 20

export const liveTasks = {
  /** When a line was said. It is stored, and on its way, later. */
  say: async (subject: Subject, index: number): Promise<number> => {
    const contestant = await subject.open()
    const line = lineOf(index)
    const saidAt = now()
    void contestant.append(line)
    return saidAt
  },

  /** When it was begun to say so many, as fast as they are taken. */
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
      { id: 'latency-50', what: `a line said until it is read there, median of ${latencies}`, unit: 'ms' },
      { id: 'latency-99', what: 'the same, 99th percentile', unit: 'ms' },
    ],
    run: async (name, datasets, { latencies }) => {
      const ms = await withTwo(name, datasets, 'texts read', async (speaker, listener) => {
        const taken: number[] = []
        for (let said = 1; said < WARM_UP + latencies; said++) {
          await listener.ask('expect', said + 1)
          const saidAt = await speaker.ask<number>('say', said)
          taken.push((await listener.ask<number>('arrived')) - saidAt)
        }
        return taken.slice(WARM_UP - 1).sort((a, b) => a - b)
      })
      return [0.5, 0.99].map(share => ms[Math.ceil(share * ms.length) - 1] ?? Number.NaN)
    },
  },
  {
    name: 'flood',
    measures: ({ flood }) => [
      { id: 'flood', what: `say ${inWords(flood)} at once, until all are stored there`, unit: 'entries/s' },
    ],
    run: async (name, datasets, { flood }) => {
      const ms = await withTwo(name, datasets, 'entries stored', async (speaker, listener) => {
        await listener.ask('expect', flood + 1)
        const startedAt = await speaker.ask<number>('flood', flood)
        return (await listener.ask<number>('arrived')) - startedAt
      })
      return [perSecond(flood, ms)]
    },
  },
]

/** Two who are linked, with a first line that has gone from one to the other. */
async function withTwo<T>(
  name: ContestantName,
  datasets: Datasets,
  counted: Counted,
  measure: (speaker: WorkerProcess, listener: WorkerProcess) => Promise<T>,
): Promise<T> {
  const [mine, theirs] = [datasets.empty(), datasets.empty()]
  const speaker = new WorkerProcess(name, mine)
  let listener: WorkerProcess | undefined
  try {
    const port = await speaker.ask<number>('serve')
    listener = new WorkerProcess(name, { ...theirs, keys: await speaker.ask<string[]>('keys') })
    await listener.ask('connect', { port, counted, target: 1 })
    await speaker.ask('say', 0)
    await listener.ask('arrived')
    return await measure(speaker, listener)
  } finally {
    await Promise.all([speaker.end(), listener?.end()])
    datasets.drop(mine)
    datasets.drop(theirs)
  }
}
