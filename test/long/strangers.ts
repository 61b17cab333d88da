import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { quantile } from '../../src/base/quantile.js'
import { openNode } from '../../src/node/open-node.js'
import type { Room } from '../../src/node/room.js'
import { KEPT_BYTES } from '../../src/sync/quota/stranger-pool.js'
import { STOPPED_MAX } from '../../src/sync/quota/stranger-quota.js'
import { storedOf } from '../attack/victims.js'
import { heapBytes } from '../helper/signed-memory.js'
import { inDirectory, type LongRun } from './long-run.js'

const MIB = 1024 * 1024
/** Disk limit. Strangers get a quarter of it, which they fill within minutes. */
const DISK_BYTES = 64 * MIB
/** Time between two samples of memory, for each of which all strangers leave for some seconds. */
const SAMPLE_MS = 30_000
/** How long a sample waits until the connections of strangers, and all that belongs to them, are closed. */
const LEAVING_MS_MAX = 10_000
const SETTLING_MS = 1_000
/** Logs of strangers that a node stores, plus those that it remembers as stopped. */
const TABLES = DISK_BYTES / 4 / KEPT_BYTES + STOPPED_MAX
/** Largest size of the database: the logs, rows that LevelDB keeps until it compacts, and the journal. */
const DATABASE_BYTES_MAX = 3 * (DISK_BYTES / 4) + 64 * MIB
const LINE_MS_MAX = 200
/** Collections of a sample of memory, and the time between two of them. */
const COLLECTIONS = 4
const COLLECTION_PAUSE_MS = 400
const SLOPE_MIB_MAX = 1

/**
 * Measures what strangers cost three people who chat, for as long as the run lasts: run it with --minutes. A flood of authors first fills
 * the tables: the bound of memory applies to full tables, and filling them is no leak. The slope leaves out the first third of the run, in
 * which the rest may still fill. Samples are taken while no stranger is connected, because the memory of open connections varies by more
 * than a leak may add in an hour. Several runs are more precise than one: the mean of their slopes has the standard error √(Σ error²) /
 * runs.
 */
export const strangers: LongRun = {
  name: 'strangers',
  shows: '100 strangers come and go: lines stay fast, memory does not grow, the disk stays within its bound',
  cycles: 120,
  async run({ cycles, seed, isOver = () => false }) {
    const latencies: number[] = []
    const heaps: { readonly hours: number; readonly mib: number }[] = []
    let [diskMiB, met] = [0, 0]
    await inDirectory(async directory => {
      const rooms = await openRooms(directory)
      // In another thread, so that the strangers' work is not measured with the nodes' work.
      const ports = rooms.map(({ address }) => Number(address.split(':').at(-1)))
      const work = { seed, ports, authors: TABLES }
      const guests = new Worker(new URL('./strangers-worker.js', import.meta.url), { workerData: work })
      await once(guests, 'message')
      guests.on('message', () => met++)
      const started = performance.now()
      let [isEnding, isSampling] = [false, false]
      const chat = (async () => {
        for (let line = 0; !isEnding; line++) {
          const speaker = rooms[line % rooms.length] as Room
          const ms = await say(speaker, rooms)
          if (!isSampling) latencies.push(ms)
          await pause(300)
        }
      })()
      for (let sample = 0; sample < cycles && !isOver(); sample++) {
        await pause(SAMPLE_MS)
        isSampling = true
        guests.postMessage('leave')
        await alone(rooms)
        heaps.push({ hours: (performance.now() - started) / 3_600_000, mib: (await leastHeapBytes()) / MIB })
        guests.postMessage('come')
        isSampling = false
        diskMiB = Math.max(diskMiB, (await sizeOf(directory)) / rooms.length / MIB)
      }
      isEnding = true
      await Promise.all([guests.terminate(), chat])
      await Promise.all(rooms.map(room => room.close()))
    })
    const { slope, error } = slopeOf(heaps.slice(Math.floor(heaps.length / 3)))
    const [median, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)]
    const texts = [
      ...(p99 > LINE_MS_MAX ? [`the 99th percentile of a line was ${p99.toFixed(0)} ms`] : []),
      ...(slope > SLOPE_MIB_MAX ? [`memory grew by ${slope.toFixed(1)} ± ${error.toFixed(1)} MiB an hour`] : []),
      ...(diskMiB > DATABASE_BYTES_MAX / MIB ? [`a database had ${diskMiB.toFixed(0)} MiB`] : []),
    ]
    return {
      figures: {
        strangers: met,
        lines: latencies.length,
        'ms a line, median': Math.round(median),
        'ms a line, 99th percentile': Math.round(p99),
        'MiB of heap at the end': Math.round(heaps.at(-1)?.mib ?? 0),
        'MiB an hour': Math.round(10 * slope) / 10,
        'standard error': Math.round(10 * error) / 10,
        'MiB on disk at most': Math.round(diskMiB),
      },
      faults: texts.map(text => ({ seed, cycles, text })),
    }
  },
}

/** Three nodes in this process, each connected to the others by an address that its user gave. */
async function openRooms(directory: string): Promise<Room[]> {
  const rooms: Room[] = []
  for (const name of ['alice', 'bob', 'carol']) {
    const data = path.join(directory, name)
    const node = await openNode({ name, data, discovery: false, diskBytesMax: DISK_BYTES })
    rooms.push(await node.room('lobby', { listen: '127.0.0.1:0', peers: rooms.map(({ address }) => address) }))
  }
  const [alice, bob, carol] = rooms as [Room, Room, Room]
  for (const dialled of [bob, carol]) alice.connect(dialled.address)
  bob.connect(carol.address)
  while (rooms.some(room => room.connectionSummary.connected.length < 2)) await pause(50)
  return rooms
}

/** Sends a line. Resolves with the time until the others stored it. */
async function say(speaker: Room, rooms: readonly Room[]): Promise<number> {
  const from = performance.now()
  await speaker.say('hello')
  const seq = storedOf(speaker, speaker.id)
  const hasLine = (room: Room): boolean => storedOf(room, speaker.id) >= seq
  await Promise.all(
    rooms.map(
      room =>
        new Promise<void>(resolve => {
          const look = (): void => {
            if (!hasLine(room)) return
            room.off('heads', look)
            resolve()
          }
          room.on('heads', look)
          look()
        }),
    ),
  )
  return performance.now() - from
}

/** The least memory of several collections: a collection in the midst of work also counts what that work will free. */
async function leastHeapBytes(): Promise<number> {
  const samples = [heapBytes()]
  while (samples.length < COLLECTIONS) {
    await pause(COLLECTION_PAUSE_MS)
    samples.push(heapBytes())
  }
  return Math.min(...samples)
}

/** Resolves when only the three are connected with each other. */
async function alone(rooms: readonly Room[]): Promise<void> {
  const end = performance.now() + LEAVING_MS_MAX
  const isAlone = (): boolean => rooms.every(room => room.connectionSummary.connected.length < rooms.length)
  while (!isAlone() && performance.now() < end) await pause(50)
  await pause(SETTLING_MS)
}

/** The slope of a regression line, and its standard error. */
function slopeOf(samples: readonly { readonly hours: number; readonly mib: number }[]) {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [hours, mib] = [mean(samples.map(each => each.hours)), mean(samples.map(each => each.mib))]
  const over = samples.reduce((sum, each) => sum + (each.hours - hours) * (each.mib - mib), 0)
  const under = samples.reduce((sum, each) => sum + (each.hours - hours) ** 2, 0)
  const slope = under === 0 ? 0 : over / under
  const rest = samples.reduce((sum, each) => sum + (each.mib - mib - slope * (each.hours - hours)) ** 2, 0)
  return { slope, error: Math.sqrt(rest / Math.max(1, samples.length - 2) / under) }
}

async function sizeOf(directory: string): Promise<number> {
  let sum = 0
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const file = path.join(directory, entry.name)
    sum += entry.isDirectory() ? await sizeOf(file) : ((await stat(file).catch(() => undefined))?.size ?? 0)
  }
  return sum
}
