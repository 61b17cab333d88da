import { isIP } from 'node:net'
import { Command, InvalidArgumentError, Option } from 'commander'
import { ChatError } from '../base/errors.js'
import { GOSSIP_TTL_MAX } from '../gossip/limits.js'
import { between, decimalBetween } from './option-values.js'

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
export function gossipCommand(program: Command, onDone: (code: number) => void): Command {
  return new Command('gossip')
    .copyInheritedSettings(program)
    .description('a node that gossips about favourite books, over HTTP')
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
    .action(async ({ every, pull, ...flags }: GossipFlags) => {
      if (flags.port === undefined)
        throw new ChatError('BAD_USAGE', 'the port is missing', { hint: 'Try: persisted-chat gossip -p 7001 -b 7000' })
      if (flags.port === flags.bootstrap)
        throw new ChatError('BAD_USAGE', 'a node cannot learn its peers from itself', {
          hint: 'Give the port of another node with -b, or none for the first.',
        })
      const { gossip } = await import('./gossip-command.js')
      onDone(
        await gossip({
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
        }),
      )
    })
}

function address(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('It takes an address of this machine, as 127.0.0.1.')
  return text
}
