import { isIP } from 'node:net'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ChatError } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import { GOSSIP_TTL_MAX } from '../../labs/gossip/limits.js'
import type { SweepRanges } from '../../labs/gossip/sim/sweep.js'
import { between, decimalBetween } from '../option-values.js'
import { type ExitWith, type Registration, subcommand } from '../registration.js'

interface GossipFlags {
  readonly port?: number
  readonly bootstrap?: number
  readonly host: string
  readonly every: number
  readonly fanout: number
  readonly ttl: number
  readonly repeat: number
  readonly pull: number
  readonly peers: number
  readonly json?: boolean
  readonly plain?: boolean
  readonly tethered?: boolean
}

const port = between(1, 65_535)

/** The favourite books. */
export const gossipCommands: Registration = (program, exitWith) => [
  subcommand(program, 'gossip', 'a node that gossips about favourite books, over HTTP')
    .option('-p, --port <port>', 'where this node listens, and who it is', port)
    .option('-b, --bootstrap <port>', 'the node that the first peers are learnt from', port)
    .option('--every <s>', 'about how often another book is chosen', decimalBetween(0.1, 86_400), 10)
    .addOption(
      new Option('--fanout <n>', 'to how many peers news is sent, drawn by chance')
        .argParser(between(1, 1_000))
        .default(Number.POSITIVE_INFINITY, 'all: it floods'),
    )
    .option('--ttl <n>', 'how many times news is sent on, at most', between(1, GOSSIP_TTL_MAX), 8)
    .option('--repeat <n>', 'in how many rounds, a second apart, news is sent', between(1, GOSSIP_TTL_MAX), 1)
    .option('--pull <s>', 'about how often a peer is asked for what was missed; 0 never', decimalBetween(0, 86_400), 5)
    .option('--peers <n>', 'how many live peers are remembered', between(1, 1_024), 128)
    .option('--host <address>', 'the address of this machine where all nodes listen', address, '127.0.0.1')
    .option('--plain', 'lines instead of a table, on a terminal too')
    .option('--json', 'one JSON object a line')
    .addOption(new Option('--tethered', 'end when standard input ends').hideHelp())
    .action(
      exitWith(async ({ every, pull, ...flags }: GossipFlags) => {
        if (flags.port === undefined)
          throw new ChatError('BAD_USAGE', 'the port is missing', {
            hint: 'Try: persisted-chat gossip -p 7001 -b 7000',
          })
        if (flags.port === flags.bootstrap)
          throw new ChatError('BAD_USAGE', 'a node cannot learn its peers from itself', {
            hint: 'Give the port of another node with -b, or none for the first.',
          })
        const { gossip } = await import('./gossip-command.js')
        return gossip({
          port: flags.port,
          bootstrap: flags.bootstrap,
          host: flags.host,
          everyMs: every * 1_000,
          fanout: flags.fanout,
          ttl: flags.ttl,
          repeat: flags.repeat,
          pullMs: pull * 1_000,
          peersMax: flags.peers,
          display: flags.json ? 'json' : flags.plain || !process.stdout.isTTY ? 'lines' : 'table',
          isTethered: flags.tethered ?? false,
        })
      }),
    ),
]

function address(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('It takes an address of this machine, as 127.0.0.1.')
  return text
}

interface SimulateGossipFlags {
  readonly nodes: number
  readonly processes?: number
  readonly seed?: number
  readonly fanout: number
  readonly ttl: number
  readonly repeat: number
  readonly pull: number
  readonly every?: number
  readonly rumours?: number
  readonly kill: number
  readonly view: number
  readonly delay: { readonly min: number; readonly max: number }
  readonly loss: number
  readonly json?: boolean
  readonly report?: string
  readonly sweep?: Partial<SweepRanges>
}

/** Nodes of the favourite books, many of them. */
export function simulateGossipCommand(program: Command, exitWith: ExitWith): Command {
  return subcommand(program, 'gossip', 'let nodes gossip: what a rumour reaches, how fast, and at what cost')
    .option('--nodes <n>', 'how many nodes, in virtual time', between(2, 100_000), 100)
    .option('--processes <n>', 'so many real nodes instead, each a process', between(2, 500))
    .option('--kill <share>', 'the share of nodes that is killed, then started again, as 20%', percentage, 0)
    .addOption(
      new Option('--fanout <n>', 'to how many peers news is sent')
        .argParser((text: string) => (text === 'all' ? Number.POSITIVE_INFINITY : between(1, 1_000)(text)))
        .default(3),
    )
    .option('--ttl <n>', 'how many times news is sent on, at most', between(1, GOSSIP_TTL_MAX), 12)
    .option('--repeat <n>', 'in how many rounds news is sent', between(1, GOSSIP_TTL_MAX), 1)
    .option('--pull <s>', 'how often a peer is asked for what was missed; 0 never', decimalBetween(0, 3_600), 0)
    .option(
      '--every <s>',
      'within what time everybody chooses a book (default: 10, or as processes keep up)',
      decimalBetween(1, 3_600),
    )
    .option(
      '--rumours <n>',
      'how many nodes choose a book (default: as many as there is room for)',
      between(1, 100_000),
    )
    .option('--view <n>', 'how many peers a node knows', between(1, 1_000), 128)
    .addOption(
      new Option('--delay <ms>', 'what a request takes, as 1000 or as 1-30')
        .argParser(delay)
        .default({ min: 1, max: 30 }, '1-30'),
    )
    .option('--loss <share>', 'requests that fail, as 5%', percentage, 0)
    .option('--seed <n>', 'the same seed gives the same run (default: a new one each time)', between(0, 999_999_999))
    .option('--sweep <ranges>', 'go through these, as fanout=1..6,ttl=2..10, instead of one run', ranges)
    .option('--json', 'one JSON object')
    .option('--report <file>', 'write a page with pictures')
    .action(
      exitWith(
        async ({ delay, pull, every, seed, processes, nodes, json, report, sweep, ...flags }: SimulateGossipFlags) => {
          const { simulateGossipNodes } = await import('./simulate-gossip-command.js')
          const count = processes ?? nodes
          if (sweep !== undefined && processes !== undefined)
            throw new ChatError('BAD_USAGE', 'a sweep goes through virtual nodes alone', {
              hint: 'Leave out --processes, or --sweep.',
            })
          return simulateGossipNodes({
            ...flags,
            nodes: count,
            isReal: processes !== undefined,
            view: Math.min(flags.view, count - 1),
            seed: seed ?? Math.floor(systemRandom.number() * 1_000_000),
            delayMsMin: delay.min,
            delayMsMax: delay.max,
            pullMs: pull * 1_000,
            everyMs: (every ?? (processes === undefined ? 10 : gentleEvery(processes, flags.fanout))) * 1_000,
            isJson: json ?? false,
            report,
            sweep: sweep && { fanout: [flags.fanout], ttl: [flags.ttl], ...sweep },
          })
        },
      ),
    )
}

/** Requests a second of all processes together: two cores manage about twice as many. */
const REQUESTS_PER_SECOND = 1_000

/** How often real nodes choose a book, in seconds, so that their machine keeps up. */
const gentleEvery = (nodes: number, fanout: number): number =>
  Math.max(10, Math.ceil((nodes * nodes * Math.min(fanout, nodes)) / REQUESTS_PER_SECOND))

function percentage(text: string): number {
  const [, number = '', sign = ''] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? []
  const share = sign === '' ? Number(number) : Number(number) / 100
  if (number === '' || share > 0.9) throw new InvalidArgumentError('It takes a share as 20% or as 0.2, at most 90%.')
  return share
}

const SWEPT_MAX = { fanout: 100, ttl: GOSSIP_TTL_MAX }
/** Simulations of one sweep. */
const CELLS_MAX = 1_000

function ranges(text: string): Partial<SweepRanges> {
  const swept: { fanout?: number[]; ttl?: number[] } = {}
  for (const part of text.split(',')) {
    const [, name, first = '', last = first] = /^(fanout|ttl)=(\d{1,3})(?:\.\.(\d{1,3}))?$/.exec(part) ?? []
    const [from, to] = [Number(first), Number(last)]
    if ((name !== 'fanout' && name !== 'ttl') || from < 1 || to < from || to > SWEPT_MAX[name])
      throw new InvalidArgumentError('It takes ranges as fanout=1..6,ttl=2..10.')
    swept[name] = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  }
  if ((swept.fanout?.length ?? 1) * (swept.ttl?.length ?? 1) > CELLS_MAX)
    throw new InvalidArgumentError(`These are more than ${CELLS_MAX} simulations.`)
  return swept
}

function delay(text: string): { readonly min: number; readonly max: number } {
  const [, first = '', second = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  if (first === '' || Number(first) < 1 || Number(second) < Number(first))
    throw new InvalidArgumentError('It takes milliseconds as 1000 or as 1-30.')
  return { min: Number(first), max: Number(second) }
}
