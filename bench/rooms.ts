// How long a line in one room waits while another room syncs over the same connection. `node dist/bench/rooms.js [--entries <n>] [--window <KiB>]`
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net, { type AddressInfo, type Socket } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { systemRandom } from '../src/base/random.js'
import { hexOf } from '../src/base/wire/bytes.js'
import { openRowStore } from '../src/compat/scuttleup/row-store.js'
import { decodeEntry, type Entry } from '../src/log/format/entry.js'
import { Log } from '../src/log/log.js'
import { Multiplexer } from '../src/net/channels/multiplexer.js'
import { Replicator } from '../src/sync/replicator.js'
import { bulk, Datasets } from './dataset.js'
import { sealed } from './link.js'
import { median } from './median.js'
import { now } from './subject.js'
import { inWords, perSecond } from './workload.js'

const BULK = Buffer.alloc(32, 1)
const LIVE = Buffer.alloc(32, 2)
/** Lines in the room that is measured, and the time between two. */
const LINE_MS = 10
const QUIET_MS = 3_000

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    window: { type: 'string', default: '256' },
    directory: { type: 'string' },
    live: { type: 'string' },
  },
})

if (values.directory !== undefined && values.live !== undefined) await send(values.directory, values.live)
else await measure(Number(values.entries))

/** Replicates each room over its channel. */
function replicate(socket: Socket, isDialler: boolean, rooms: ReadonlyMap<string, Replicator>): Multiplexer {
  const windowBytes = Number(values.window) * 1024
  const role = isDialler ? 'dialler' : 'listener'
  const connection = sealed(socket, isDialler)
  const multiplexer = new Multiplexer(connection, {
    role,
    handshakeHash: Buffer.alloc(64),
    random: systemRandom,
    windowBytes,
  })
  multiplexer.on('channel', (room, channel) => {
    const replicator = rooms.get(room)
    if (replicator !== undefined) pipeline(channel, replicator.createStream(), channel, () => {})
  })
  return multiplexer
}

/** The side that has the large room, and sends lines in the other. */
async function send(directory: string, live: string): Promise<void> {
  const [large, small] = await Promise.all([openLog(directory), openLog(live)])
  const rooms = roomsOf(large, small)
  const server = net.createServer({ noDelay: true }, socket => replicate(socket, false, rooms).offer([BULK, LIVE]))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.on('disconnect', () => process.exit())
  process.send?.((server.address() as AddressInfo).port)
  for (;;) {
    await small.append({ username: 'bench', message: String(now()) })
    await setTimeout(LINE_MS)
  }
}

async function measure(entries: number): Promise<void> {
  const root = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))
  process.on('exit', () => rmSync(root, { recursive: true, force: true }))
  const datasets = new Datasets(root)
  const { directory } = await datasets.of('ours', bulk(entries))
  const args = ['--directory', directory, '--live', datasets.empty().directory, '--window', values.window]
  const sender: ChildProcess = fork(fileURLToPath(import.meta.url), args)
  const [port] = (await once(sender, 'message')) as [number]
  const [large, small] = await Promise.all([openLog(datasets.empty().directory), openLog(datasets.empty().directory)])
  const delays: number[] = []
  small.createReadStream({ live: true, tail: true }).on('data', ({ entry }: Entry) => {
    const said = decodeEntry(entry)?.message
    if (said !== undefined) delays.push(now() - Number(said))
  })
  const rooms = roomsOf(large, small)
  const multiplexer = replicate(net.connect({ port, host: '127.0.0.1', noDelay: true }), true, rooms)
  multiplexer.offer([LIVE])
  await setTimeout(QUIET_MS)
  report('alone', delays.splice(0))
  const startedAt = now()
  let stored = 0
  const synced = new Promise<void>(resolve =>
    large.on('entries', ({ from, to }) => {
      stored += to - from
      if (stored >= entries) resolve()
    }),
  )
  multiplexer.offer([BULK])
  await synced
  const rate = Math.round(perSecond(entries, now() - startedAt))
  report(`while ${inWords(entries)} entries sync, at ${inWords(rate)} entries/s`, delays)
  process.exit() // the sender ends with it
}

function openLog(directory: string): Promise<Log> {
  return Log.open(directory, { unsigned: openRowStore })
}

function roomsOf(large: Log, small: Log): ReadonlyMap<string, Replicator> {
  return new Map([
    [hexOf(BULK), new Replicator(large)],
    [hexOf(LIVE), new Replicator(small)],
  ])
}

function report(what: string, delays: readonly number[]): void {
  const sorted = delays.toSorted((a, b) => a - b)
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
  const most = sorted.at(-1) ?? Number.NaN
  process.stdout.write(
    `${what}: ${delays.length} lines, p50 ${median(delays).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${most.toFixed(1)} ms\n`,
  )
}
