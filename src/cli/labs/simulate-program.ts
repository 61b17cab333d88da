import { type Command, Option } from 'commander'
import { ChatError } from '../../base/errors.js'
import { CHAT_TOPOLOGIES } from '../../sim/runs/topologies.js'
import { between, number, share } from '../option-values.js'
import { type ExitWith, type Registration, subcommand } from '../registration.js'
import { simulateGossipCommand } from './gossip-program.js'
import { delayOption, type SimulationFlags, seedOption, simulationOptionsOf } from './simulation-options.js'

interface SimulateFlags extends SimulationFlags {
  readonly peers: number
  readonly topology: (typeof CHAT_TOPOLOGIES)[number]
  readonly minutes: number
  readonly lines: number
  readonly loss: number
  readonly churn: number
  readonly partition: number
  readonly report?: string
  readonly rooms?: boolean
  readonly byzantine?: number
}

interface OverlayFlags extends SimulationFlags {
  readonly peers: number
  readonly arrivals: number
  readonly leave: number
  readonly silent?: boolean
}

/** The commands that simulate networks. */
export const simulateCommands: Registration = (program, exitWith) => [
  subcommand(program, 'simulate', 'simulate networks in virtual time')
    .argument('[what]', 'chat, crowd or gossip')
    .action(what => {
      throw new ChatError(
        'BAD_USAGE',
        what === undefined ? 'what to simulate is missing' : `${what} cannot be simulated`,
        { hint: 'Try: persisted-chat simulate chat, simulate crowd, or simulate gossip' },
      )
    })
    .addCommand(simulateChatCommand(program, exitWith))
    .addCommand(overlayCommand(program, exitWith))
    .addCommand(simulateGossipCommand(program, exitWith)),
]

function simulateChatCommand(program: Command, exitWith: ExitWith): Command {
  return subcommand(program, 'chat', 'simulate a chat: how fast lines spread, and at what cost')
    .option('--peers <n>', 'number of peers', between(2, 2_000), 20)
    .addOption(seedOption())
    .addOption(new Option('--topology <kind>', 'who is connected to whom').choices(CHAT_TOPOLOGIES).default('regular'))
    .option('--minutes <n>', 'virtual minutes', between(1, 1_440), 2)
    .option('--lines <n>', 'lines per minute, of all peers together', between(1, 100_000), 30)
    .addOption(delayOption('packet', '5', 0))
    .option('--loss <share>', 'share of packets that are lost and resent, 0 to 0.9', share, 0)
    .option('--churn <n>', 'peers that crash and restart per minute', between(0, 100_000), 0)
    .option('--partition <minutes>', 'duration of a partition into two halves, in the middle of the run', number, 0)
    .option('--json', 'one JSON object')
    .option('--report <file>', 'write a page with charts')
    .option('--rooms', 'simulate private rooms instead: admissions, removals, Byzantine members, crashes')
    .option('--byzantine <n>', 'with --rooms: Byzantine members (default: up to 2)', between(0, 2))
    .action(
      exitWith(async (flags: SimulateFlags, command: Command) => {
        const { seed, delay, json, partition, report, rooms, byzantine, ...chat } = flags
        const run = simulationOptionsOf({ seed, delay, json })
        if (rooms) return simulateRoomsWith(command, { ...run, byzantine, peers: chat.peers, minutes: chat.minutes })
        if (byzantine !== undefined)
          throw new ChatError('BAD_USAGE', '--byzantine needs --rooms', { hint: 'Add --rooms.' })
        const { simulate } = await import('./simulate-command.js')
        return simulate({ ...chat, ...run, partitionMinutes: partition, report })
      }),
    )
}

const CHAT_ONLY = ['topology', 'lines', 'delay', 'loss', 'churn', 'partition', 'report']

interface RoomsFlags {
  readonly seed: number
  readonly isJson: boolean
  readonly peers: number
  readonly minutes: number
  readonly byzantine: number | undefined
}

async function simulateRoomsWith(
  command: Command,
  { seed, isJson, peers, minutes, byzantine }: RoomsFlags,
): Promise<number> {
  const isGiven = (name: string): boolean => command.getOptionValueSource(name) === 'cli'
  const foreign = CHAT_ONLY.find(isGiven)
  if (foreign !== undefined)
    throw new ChatError('BAD_USAGE', `--${foreign} cannot be used with --rooms`, {
      hint: 'The options with --rooms are --peers, --byzantine, --minutes, --seed and --json.',
    })
  const { simulateRoomsCommand } = await import('./simulate-rooms-command.js')
  return simulateRoomsCommand({
    seed,
    isJson,
    people: isGiven('peers') ? peers : undefined,
    byzantine,
    faultsMs: isGiven('minutes') ? minutes * 60_000 : undefined,
  })
}

function overlayCommand(program: Command, exitWith: ExitWith): Command {
  return subcommand(
    program,
    'crowd',
    'simulate the overlay of peers that know one address, and how it survives when some leave',
  )
    .option('--peers <n>', 'number of peers', between(2, 2_000), 1_000)
    .addOption(seedOption())
    .option('--arrivals <n>', 'peers that start per second', between(1, 10_000), 100)
    .option('--leave <share>', 'share of the peers that leave at the same time, 0 to 0.9', share, 0.3)
    .option('--silent', 'they leave without closing their connections, as in a power cut')
    .addOption(delayOption('packet', '5', 0))
    .option('--json', 'one JSON object')
    .action(
      exitWith(async ({ seed, delay, json, silent, ...flags }: OverlayFlags) => {
        const { simulateOverlayCommand } = await import('./overlay-command.js')
        const run = simulationOptionsOf({ seed, delay, json })
        return simulateOverlayCommand({ ...flags, ...run, isSilent: silent ?? false })
      }),
    )
}
