import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/base/clock.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { quantile } from '../../src/base/quantile.js'
import { systemRandom } from '../../src/base/random.js'
import { LOBBY, roomId } from '../../src/log/format/room-id.js'
import { Connections } from '../../src/net/connections.js'
import { parseAddress } from '../../src/net/lan/address.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import { RoomChannels } from '../../src/net/room-channels.js'
import { type Fault, inDirectory, type LongRun } from './long-run.js'

const NODE = fileURLToPath(new URL('../helper/probed-node.js', import.meta.url))
const P_MIN = 0.01
const MEDIANS_MS_MAX = 0.05
/** Number of probes that is enough to detect the control. */
const CONTROL_PROBES = 300

/**
 * A stranger with the id or the name of a private room names that room to a node and measures how long the node then takes to answer in the
 * lobby. Compares this with rooms that do not exist, in turns. In the control, the node spends 1 ms more on the room that it has.
 */
export const roomTiming: LongRun = {
  name: 'room-timing',
  shows: 'a private room takes as long as one that does not exist, for strangers with its id or its name',
  cycles: 2_000,
  async run({ cycles, seed }) {
    const stolen = await compare(cycles, 'none', id => id)
    const named = await compare(cycles, 'none', () => roomId('ops'))
    const control = await compare(Math.min(cycles, CONTROL_PROBES), 'early', id => id)
    const faults: Fault[] = []
    for (const [what, { p, medianMs }] of [
      ['its id', stolen],
      ['its name', named],
    ] as const)
      if (p <= P_MIN || Math.abs(medianMs) > MEDIANS_MS_MAX)
        faults.push({
          seed,
          cycles,
          text: `told apart by ${what}: p ${p.toFixed(4)}, medians differ by ${medianMs} ms`,
        })
    if (control.p > P_MIN) faults.push({ seed, cycles, text: `the control is not told apart: p ${control.p}` })
    return {
      figures: {
        'probes each': cycles,
        'p with the id': rounded(stolen.p),
        'medians differ by µs': Math.round(1_000 * stolen.medianMs),
        'p with the name': rounded(named.p),
        'medians with the name differ by µs': Math.round(1_000 * named.medianMs),
        'p of the control': rounded(control.p),
        'medians of the control differ by µs': Math.round(1_000 * control.medianMs),
      },
      faults,
    }
  },
}

const rounded = (p: number): number => Math.round(p * 10_000) / 10_000

interface Comparison {
  readonly p: number
  /** Difference of the medians: with the room minus without it. */
  readonly medianMs: number
}

async function compare(
  probes: number,
  how: 'none' | 'early',
  roomOf: (id: Uint8Array) => Uint8Array,
): Promise<Comparison> {
  return inDirectory(async directory => {
    const node = spawn(process.execPath, ['--no-warnings', NODE, directory, how], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      const [line] = await once(createInterface(node.stdout), 'line')
      const { address, id }: { address: string; id: string } = JSON.parse(line)
      const room = roomOf(Buffer.from(id, 'hex'))
      const times: { readonly real: number[]; readonly none: number[] } = { real: [], none: [] }
      for (let probe = 0; probe < 20; probe++) await answerMs(address, room) // until V8 has compiled the code
      for (let probe = 0; probe < probes; probe++) {
        const order = probe % 2 === 0 ? (['real', 'none'] as const) : (['none', 'real'] as const)
        for (const which of order)
          times[which].push(await answerMs(address, which === 'real' ? room : systemRandom.bytes(32)))
      }
      const median = (of: readonly number[]): number =>
        quantile(
          [...of].sort((a, b) => a - b),
          0.5,
        )
      return { p: mannWhitney(times.real, times.none), medianMs: median(times.real) - median(times.none) }
    } finally {
      node.stdin.end()
      await once(node, 'close')
    }
  })
}

/** Milliseconds from naming the lobby and another room to the first answer in the lobby. */
async function answerMs(address: string, room: Uint8Array): Promise<number> {
  const connections = new Connections({
    me: '127.0.0.1:1',
    keys: keyPairOf(systemRandom.bytes(32)),
    plain: {},
    source: new TcpSource(systemClock, async host => [host]),
    clock: systemClock,
    random: systemRandom,
  })
  const [probe, lobby] = [new RoomChannels(room, connections), new RoomChannels(roomId(LOBBY), connections)]
  let provenAt = 0
  connections.onProven(() => {
    provenAt = performance.now()
  })
  const answered = new Promise<number>(resolve => {
    lobby.once('connection', ({ stream }) => stream.once('data', () => resolve(performance.now() - provenAt)))
  })
  probe.open()
  lobby.open()
  lobby.add('alice', parseAddress(address))
  const ms = await answered
  await connections.close()
  return ms
}

/** The two-sided p of the Mann–Whitney test, by the normal approximation. */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map(value => ({ value, isA: true })), ...b.map(value => ({ value, isA: false }))]
  all.sort((x, y) => x.value - y.value)
  let rankSum = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]?.value === all[from]?.value) to++
    const rank = (from + 1 + to) / 2
    for (let i = from; i < to; i++) if (all[i]?.isA) rankSum += rank
    from = to
  }
  const [n, m] = [a.length, b.length]
  const u = rankSum - (n * (n + 1)) / 2
  const z = (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
  return 2 * (1 - normal(Math.abs(z)))
}

/** The distribution function of the normal distribution: Abramowitz and Stegun 26.2.17. */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const sum = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum
}
