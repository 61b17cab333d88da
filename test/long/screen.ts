import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../src/base/clock.js'
import { loadKey } from '../../src/base/crypto/key-file.js'
import { systemRandom } from '../../src/base/random.js'
import { roomId } from '../../src/log/format/room-id.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { NodeNetwork } from '../../src/node/connections/node-network.js'
import { openRoom } from '../../src/node/open-room.js'
import { homeOf } from '../../src/node/paths.js'
import { CHAT_PROGRAM } from '../helper/chat-process.js'
import { logOver } from '../helper/logs.js'
import { localAddresses } from '../helper/ports.js'
import { inDirectory, type LongRun } from './long-run.js'

const HISTORIES = [0, 100_000, 1_000_000]
/** Size of the history, and incoming lines per second during the measurement. */
const BUSY_HISTORY = 100_000
const LINES_PER_SECOND = 50
const WAIT_MS = 30_000

/** The program on a pseudo-terminal of util-linux's `script`. Its output is read as it arrives. */
class OnTerminal {
  readonly #process: ChildProcessWithoutNullStreams
  #output = ''
  #look: () => void = () => {}

  constructor(command: string) {
    this.#process = spawn('script', ['-qfec', `stty cols 100 rows 30; ${command}`, '/dev/null'])
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#look()
    })
  }

  press(keys: string): void {
    this.#output = ''
    this.#process.stdin.write(keys)
  }

  /** Milliseconds until all of these were written. */
  async shows(...wanted: readonly string[]): Promise<number> {
    const from = performance.now()
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never shown: ${wanted}`)), WAIT_MS)
      this.#look = () => {
        if (!wanted.every(text => this.#output.includes(text))) return
        clearTimeout(timer)
        resolve()
      }
      this.#look()
    })
    return performance.now() - from
  }

  async close(): Promise<void> {
    this.#process.stdin.write('\u0003')
    await once(this.#process, 'close')
  }
}

async function fill(directory: string, entries: number): Promise<void> {
  const home = homeOf(directory, 'alice')
  const store = await LevelStore.open(home.database)
  const log = await logOver(store, await loadKey(home.keyFile, systemRandom), { room: roomId(home.room) })
  for (let from = 0; from < entries; from += 10_000) {
    const count = Math.min(10_000, entries - from)
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        log.append({ username: 'alice', message: `line ${from + index} of a history, long enough to be one` }),
      ),
    )
  }
  await log.close()
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const command = (directory: string, listen: string): string =>
  `${process.execPath} ${CHAT_PROGRAM} alice --listen ${listen} --no-discovery --data ${directory}`

/** Time from the start to the history, and to the input line. */
async function startMs(directory: string, entries: number): Promise<{ history: number; ready: number }> {
  const [listen = ''] = await localAddresses(1)
  const terminal = new OnTerminal(command(directory, listen))
  const history = await terminal.shows(entries === 0 ? 'listening on' : `line ${entries - 1} `)
  const ready = history + (await terminal.shows('alice>'))
  await terminal.close()
  return { history, ready }
}

/** Latency of keys and lines in a long history, while others send lines. */
async function busyMs(directory: string, cycles: number): Promise<{ echo: number; line: number; search: number }> {
  const [a = '', b = ''] = await localAddresses(2)
  const terminal = new OnTerminal(command(directory, a))
  await terminal.shows('alice>', 'listening on')
  const bob = await openRoom({
    me: 'bob',
    network: new NodeNetwork('bob'),
    peers: [a],
    listen: b,
    data: path.join(directory, 'b'),
    isDiscovering: false,
    onEvent: () => {},
  })
  await bob.say('here I am')
  await terminal.shows('here I am')
  const [echo, line]: [number[], number[]] = [[], []]
  let count = 0
  const talk = setInterval(() => void bob.say(`chatter ${count++}`), 1_000 / LINES_PER_SECOND)
  let written = ''
  for (let cycle = 0; cycle < cycles; cycle++) {
    await new Promise<void>(resolve => void systemClock.after(37, resolve))
    const key = String.fromCharCode(97 + (cycle % 26))
    written = `${written}${key}`.slice(-20)
    if (written.length === 20) {
      terminal.press('\u0015')
      written = key
    }
    terminal.press(key)
    echo.push(await terminal.shows(`alice> ${written}`))
    terminal.press('')
    const said = `said ${cycle}.`
    const shown = terminal.shows(said)
    await bob.say(said)
    line.push(await shown)
  }
  clearInterval(talk)
  terminal.press('\u0015/search 99999 \r')
  const search = await terminal.shows('end of search')
  await bob.close()
  await terminal.close()
  return { echo: median(echo), line: median(line), search }
}

/** Latencies of the screen. */
export const screen: LongRun = {
  name: 'screen',
  shows:
    'medians in ms: start to first screen with any history; key to echo, and arrival to display, while others write',
  cycles: 100,
  missing: async () => {
    const found = await promisify(execFile)('script', ['--version']).then(
      () => true,
      () => false,
    )
    return found ? undefined : 'util-linux’s script is not there'
  },
  run: async ({ cycles }) => {
    const figures: Record<string, number> = {}
    for (const entries of HISTORIES) {
      await inDirectory(async directory => {
        await fill(directory, entries)
        const starts: Awaited<ReturnType<typeof startMs>>[] = []
        for (let i = 0; i < 5; i++) starts.push(await startMs(directory, entries))
        figures[`history of ${entries}`] = median(starts.map(({ history }) => history))
        figures[`ready with ${entries}`] = median(starts.map(({ ready }) => ready))
        if (entries !== BUSY_HISTORY) return
        const { echo, line, search } = await busyMs(directory, cycles)
        figures['key to echo'] = echo
        figures['line said to line shown'] = line
        figures[`search of ${entries}`] = search
      })
    }
    return { figures, faults: [] }
  },
}
