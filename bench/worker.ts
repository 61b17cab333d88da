// A measured process: `worker <contestant> <directory> <keys> [task]`. Runs that task first, then those that its parent sends,
// and answers each with the result.
import { appendTasks } from './append.js'
import type { ContestantName, Program } from './contestant.js'
import { datasetTasks } from './dataset.js'
import { linkTasks } from './link.js'
import { liveTasks } from './live.js'
import { readTasks } from './read.js'
import { commonTasks, Subject, type Task } from './subject.js'

/** Loaded one at a time, because the start of a process is measured too. */
const PROGRAMS: Record<ContestantName, () => Promise<{ readonly program: Program }>> = {
  ours: () => import('./ours.js'),
  scuttleup: () => import('./scuttleup.js'),
  hypercore: () => import('./hypercore.js'),
}

const TASKS: Readonly<Record<string, Task>> = {
  ...commonTasks,
  ...appendTasks,
  ...datasetTasks,
  ...linkTasks,
  ...liveTasks,
  ...readTasks,
}

const [name = '', directory = '', keys = '[]', first] = process.argv.slice(2)
const { program } = await PROGRAMS[name as ContestantName]()
const subject = new Subject(program, directory, JSON.parse(keys))

async function perform({ task, argument }: { readonly task: string; readonly argument: unknown }): Promise<void> {
  try {
    process.send?.({ answer: await TASKS[task]?.(subject, argument as never) })
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) })
  }
}

process.on('message', (message: Parameters<typeof perform>[0]) => void perform(message))
process.on('disconnect', () => process.exit())
if (first !== undefined) await perform({ task: first, argument: undefined })
