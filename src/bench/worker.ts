// One measurement in a process of its own: `worker <contestant> <task> <directory> <entries> [port]`.
// Prints one JSON object: milliseconds, and the most memory that the process held.
import { once } from 'node:events'
import net from 'node:net'
import { pipeline } from 'node:stream'
import { type Contestant, entryText } from './contestant.js'

/** Each is loaded alone, for the start of a process is measured too. */
const OPENERS = {
  ours: async () => (await import('./ours.js')).openOurs,
  scuttleup: async () => (await import('./scuttleup.js')).openScuttleup,
}

const [name = '', task = '', directory = '', count = '', port = ''] = process.argv.slice(2)
const open = await OPENERS[name as keyof typeof OPENERS]()
const entries = Number(count)
const contestant = await open(directory)
const startedAt = performance.now()

const tasks: Record<string, (contestant: Contestant) => Promise<number>> = {
  'append-one': async ({ append }) => {
    for (let i = 0; i < entries; i++) await new Promise<void>(resolve => append(entryText(i), resolve))
    return performance.now() - startedAt
  },
  'append-bulk': async ({ append }) => {
    let left = entries
    await new Promise<void>(resolve => {
      for (let i = 0; i < entries; i++) {
        append(entryText(i), () => {
          if (--left === 0) resolve()
        })
      }
    })
    return performance.now() - startedAt
  },
  // Counted from the start of the process.
  replay: async ({ readAll }) => {
    let read = 0
    await readAll(() => {
      read++
    })
    if (read !== entries) throw new Error(`${read} entries instead of ${entries}`)
    return performance.now()
  },
  serve: async ({ replicate }) => {
    const server = net.createServer(socket => pipeline(socket, replicate(), socket, () => server.close()))
    server.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'))
    await once(server, 'close')
    return 0
  },
  sync: async ({ replicate, onStored }) => {
    let left = entries
    const done = new Promise<void>(resolve =>
      onStored(stored => {
        left -= stored
        if (left === 0) resolve()
      }),
    )
    const socket = net.connect(Number(port), '127.0.0.1')
    pipeline(socket, replicate(), socket, () => {})
    await done
    const ms = performance.now() - startedAt
    socket.destroy()
    return ms
  },
}

const ms = (await tasks[task]?.(contestant)) ?? Number.NaN
process.stdout.write(`${JSON.stringify({ ms, memoryMiB: process.resourceUsage().maxRSS / 1024 })}\n`)
process.exit(0)
