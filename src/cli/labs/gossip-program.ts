import { isIP } from 'node:net'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ChatError } from '../../base/errors.js'
import { GOSSIP_TTL_MAX } from '../../labs/gossip/limits.js'
import type { SweepRanges } from '../../labs/gossip/sim/sweep.js'
import { between, decimalBetween } from '../option-values.js'
import { type ExitWith, type Registration, subcommand } from '../registration.js'
import { delayOption, type SimulationFlags, seedOption, simulationOptionsOf } from './simulation-options.js'

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

/** The command `gossip`: a node that gossips about favourite books. */
export const gossipCommands: Registration = (program, exitWith) => [
  subcommand(program, 'gossip', 'run a node that gossips about favourite books over HTTP')
    .option('-p, --port <port>', 'port to listen on; it identifies the node', port)
    .option('-b, --bootstrap <port>', 'port of the node from which it learns its first peers', port)
    .option('--every <s>', 'mean time between two chosen books', decimalBetween(0.1, 86_400), 10)
    .addOption(
      new Option('--fanout <n>', 'number of random peers that news is sent to')
        .argParser(between(1, 1_000))
        .default(Number.POSITIVE_INFINITY, 'all: flooding'),
    )
    .option('--ttl <n>', 'most hops of news', between(1, GOSSIP_TTL_MAX), 8)
    .option('--repeat <n>', 'rounds, a second apart, in which news is sent', between(1, GOSSIP_TTL_MAX), 1)
    .option('--pull <s>', 'mean time between pulls of missed news; 0 for none', decimalBetween(0, 86_400), 5)
    .option('--peers <n>', 'largest number of live peers', between(1, 1_024), 128)
    .option('--host <address>', 'address of this machine on which all nodes listen', address, '127.0.0.1')
    .option('--plain', 'print lines instead of a table, on a terminal too')
    .option('--json', 'print one JSON object per line')
    .addOption(new Option('--tethered', 'exit when standard input ends').hideHelp())
    .action(
      exitWith(async ({ every, pull, ...flags }: GossipFlags) => {
        if (flags.port === undefined)
          throw new ChatError('BAD_USAGE', 'the port is missing', {
            hint: 'Try: persisted-chat gossip -p 7001 -b 7000',
          })
        if (flags.port === flags.bootstrap)
          throw new ChatError('BAD_USAGE', 'a node cannot learn its peers from itself', {
            hint: 'Give the port of another node with -b, or omit it for the first node.',
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
  if (isIP(text) === 0) throw new InvalidArgumentError('Expected an address of this machine, as in 127.0.0.1.')
  return text
}

interface SimulateGossipFlags extends SimulationFlags {
  readonly nodes: number
  readonly processes?: number
  readonly fanout: number
  readonly ttl: number
  readonly repeat: number
  readonly pull: number
  readonly every?: number
  readonly rumours?: number
  readonly kill: number
  readonly view: number
  readonly loss: number
  readonly report?: string
  readonly sweep?: Partial<SweepRanges>
}

/** Declares `simulate gossip`: many nodes that gossip about favourite books. */
export function simulateGossipCommand(program: Command, exitWith: ExitWith): Command {
  return subcommand(program, 'gossip', 'simulate gossip: the coverage of a rumour, its speed and its cost')
    .option('--nodes <n>', 'number of nodes in virtual time', between(2, 100_000), 100)
    .option('--processes <n>', 'number of real nodes instead, each a process', between(2, 500))
    .option('--kill <share>', 'share of the nodes that are killed and restarted, as 20%', percentage, 0)
    .addOption(
      new Option('--fanout <n>', 'number of peers that news is sent to')
        .argParser((text: string) => (text === 'all' ? Number.POSITIVE_INFINITY : between(1, 1_000)(text)))
        .default(3),
    )
    .option('--ttl <n>', 'most hops of news', between(1, GOSSIP_TTL_MAX), 12)
    .option('--repeat <n>', 'rounds in which news is sent', between(1, GOSSIP_TTL_MAX), 1)
    .option('--pull <s>', 'time between pulls of missed news; 0 for none', decimalBetween(0, 3_600), 0)
    .option(
      '--every <s>',
      'time in which every node chooses a book (default: 10, longer for many processes)',
      decimalBetween(1, 3_600),
    )
    .option(
      '--rumours <n>',
      'number of nodes that choose a book (default: as many as memory allows)',
      between(1, 100_000),
    )
    .option('--view <n>', 'number of peers that a node knows', between(1, 1_000), 128)
    .addOption(delayOption('request', '1000', 1))
    .option('--loss <share>', 'share of requests that fail, as 5%', percentage, 0)
    .addOption(seedOption())
    .option('--sweep <ranges>', 'simulate all combinations, as fanout=1..6,ttl=2..10', ranges)
    .option('--json', 'one JSON object')
    .option('--report <file>', 'write a page with charts')
    .action(
      exitWith(
        async ({ delay, pull, every, seed, processes, nodes, json, report, sweep, ...flags }: SimulateGossipFlags) => {
          const { simulateGossipNodes } = await import('./simulate-gossip-command.js')
          const count = processes ?? nodes
          if (sweep !== undefined && processes !== undefined)
            throw new ChatError('BAD_USAGE', 'a sweep needs virtual nodes', {
              hint: 'Omit --processes or --sweep.',
            })
          return simulateGossipNodes({
            ...flags,
            nodes: count,
            isReal: processes !== undefined,
            view: Math.min(flags.view, count - 1),
            ...simulationOptionsOf({ seed, delay, json }),
            pullMs: pull * 1_000,
            everyMs: (every ?? (processes === undefined ? 10 : gentleEvery(processes, flags.fanout))) * 1_000,
            report,
            sweep: sweep && { fanout: [flags.fanout], ttl: [flags.ttl], ...sweep },
          })
        },
      ),
    )
}

/** Requests per second of all processes together: two cores manage about twice as many. */
const REQUESTS_PER_SECOND = 1_000

/** How often real nodes choose a book, in seconds, so that their machine keeps up. */
const gentleEvery = (nodes: number, fanout: number): number =>
  Math.max(10, Math.ceil((nodes * nodes * Math.min(fanout, nodes)) / REQUESTS_PER_SECOND))

function percentage(text: string): number {
  const [, number = '', sign = ''] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? []
  const share = sign === '' ? Number(number) : Number(number) / 100
  if (number === '' || share > 0.9) throw new InvalidArgumentError('Expected a share, as in 20% or 0.2, at most 90%.')
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
      throw new InvalidArgumentError('Expected ranges, as in fanout=1..6,ttl=2..10.')
    swept[name] = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  }
  if ((swept.fanout?.length ?? 1) * (swept.ttl?.length ?? 1) > CELLS_MAX)
    throw new InvalidArgumentError(`Expected at most ${CELLS_MAX} simulations.`)
  return swept
}
