import type { ContestantName, Shape } from './contestant.js'
import { bulk, type Datasets } from './dataset.js'
import { type Database, WorkerProcess } from './worker-process.js'
import { entriesByAuthor, inWords, perSecond, type Workload } from './workload.js'

const typed = (entries: number, areJoined: boolean): Shape => ({ authors: 1, entries, appended: 'singly', areJoined })

export const syncWorkloads: readonly Workload[] = [
  {
    name: 'sync',
    measures: ({ entries }) => [
      { id: 'sync', what: `fetch ${inWords(entries)} of one author`, unit: 'entries/s' },
      { id: 'sync-sender', what: `peak memory of the sender of ${inWords(entries)}`, unit: 'MiB' },
      { id: 'sync-receiver', what: `peak memory of the receiver of ${inWords(entries)}`, unit: 'MiB' },
    ],
    run: async (name, datasets, { entries }) => {
      const { rate, sender, receiver } = await sync(name, datasets, bulk(entries))
      return [rate, sender, receiver]
    },
  },
  {
    name: 'authors',
    measures: sizes => [
      {
        id: 'authors',
        what: `fetch ${inWords(entriesByAuthor(sizes))} of each of ${sizes.authors} authors`,
        unit: 'entries/s',
      },
    ],
    run: async (name, datasets, sizes) => {
      const shape = { ...bulk(entriesByAuthor(sizes)), authors: sizes.authors }
      return [(await sync(name, datasets, shape)).rate]
    },
  },
  {
    name: 'typed',
    measures: ({ singles }) => [
      { id: 'typed', what: `fetch ${inWords(singles)} that were appended one by one`, unit: 'entries/s' },
    ],
    run: async (name, datasets, { singles }) => [(await sync(name, datasets, typed(singles, true))).rate],
  },
  {
    name: 'unjoined',
    measures: () => [{ id: 'unjoined', what: 'the same, before segments are joined', unit: 'entries/s' }],
    run: async (name, datasets, { singles }) => {
      // Only our log joins segments; the others use the same database as before.
      return [(await sync(name, datasets, typed(singles, name !== 'ours'))).rate]
    },
  },
]

/** Fetches a whole database into an empty one. The time runs from the connect to the last stored entry. */
async function sync(
  name: ContestantName,
  datasets: Datasets,
  shape: Shape,
): Promise<{ rate: number; sender: number; receiver: number }> {
  const from = await datasets.of(name, shape)
  const to: Database = { ...datasets.empty(), keys: from.keys }
  const sender = new WorkerProcess(name, from)
  const receiver = new WorkerProcess(name, to)
  try {
    const port = await sender.ask<number>('serve')
    await receiver.ask('open')
    const target = shape.authors * shape.entries
    const startedAt = await receiver.ask<number>('connect', { port, counted: 'entries stored', target })
    const endedAt = await receiver.ask<number>('arrived')
    return {
      rate: perSecond(target, endedAt - startedAt),
      sender: await sender.ask<number>('memory'),
      receiver: await receiver.ask<number>('memory'),
    }
  } finally {
    await Promise.all([sender.end(), receiver.end()])
    datasets.drop(to)
  }
}
