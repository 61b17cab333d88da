import { type Command, InvalidArgumentError } from 'commander'
import { historyOf } from '../../membership/history.js'
import { keepOf } from '../../membership/keep.js'
import { KEEP_USAGE } from '../../ui/keep-text.js'
import { between, oneOf, seconds } from '../option-values.js'
import { type Registration, subcommand, withChatOptions } from '../registration.js'
import type { InviteFlags } from './invitation-command.js'
import type { JoinFlags } from './join-command.js'
import type { RoomFlags } from './output.js'
import type { NewRoomFlags } from './room-command.js'

const USES_MAX = 1_000
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Parses a time such as 30m, 24h, 7d or 2w into milliseconds. */
function duration(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,4})([mhdw])$/.exec(text) ?? []
  const ms = Number(count) * (UNITS[unit] ?? 0)
  if (ms === 0) throw new InvalidArgumentError('Expected a time, as in 30m, 24h, 7d or 2w.')
  return ms
}

function keepBound(text: string): string {
  if (keepOf(text) === undefined) throw new InvalidArgumentError(`Expected ${KEEP_USAGE}.`)
  return text
}

function historyLines(text: string): string {
  if (historyOf(text) === undefined) throw new InvalidArgumentError('Expected all, none, or a number of lines.')
  return text
}

const role = oneOf(['member', 'host', 'admin'])

const options = (command: Command): Command =>
  withChatOptions(command, ['data']).option('--json', 'one JSON object a line')

const command = (program: Command, name: string, description: string): Command =>
  options(subcommand(program, name, description).argument('<me>', 'your name').argument('<room>', 'the private room'))

/** The last two options are for the node that `--seed` starts. */
const JOIN_OPTIONS = ['listen', 'discovery', 'maxDisk', 'direct'] as const

const AS_HELP = 'the role: member, host (may admit members) or admin (may admit and remove)'

/** Commands on private rooms. */
export const roomCommands: Registration = (program, exitWith) => [
  roomCommand(program, exitWith),
  command(program, 'invite', 'print a code that lets somebody into a private room')
    .option('--uses <n>', 'how many people it lets in', between(1, USES_MAX), 1)
    .option('--for <time>', 'how long it is valid, as in 30m, 24h or 7d', duration, UNITS['d'])
    .option('--as <role>', `${AS_HELP} (default: host by an admin, else member)`, role)
    .option('--qr', 'print it as a QR code too')
    .action(
      exitWith(async (me: string, room: string, flags: InviteFlags) =>
        (await import('./invitation-command.js')).invite(me, room, flags),
      ),
    ),
  command(program, 'invites', 'list the invitations of a private room').action(
    exitWith(async (me: string, room: string, flags: RoomFlags) =>
      (await import('./invitation-command.js')).listInvitations(me, room, flags),
    ),
  ),
  command(program, 'uninvite', 'revoke an invitation')
    .argument('<invite>', 'how its id begins')
    .action(
      exitWith(async (me: string, room: string, id: string, flags: RoomFlags) =>
        (await import('./invitation-command.js')).withdraw(me, room, id, flags),
      ),
    ),
  withChatOptions(options(subcommand(program, 'join', 'enter a private room with a code')), JOIN_OPTIONS)
    .argument('<me>', 'your name')
    .argument('<code>', 'the code, PC-…')
    .argument('[peer...]', 'names on the local network, or addresses as host:port, to ask')
    .option('--timeout <s>', 'how many seconds to wait (default: until you are admitted)', seconds)
    .option('--seed', 'then stay in the room, and store and relay its messages')
    .action(
      exitWith(async (me: string, code: string, peers: string[], flags: JoinFlags) =>
        (await import('./join-command.js')).join(me, code, peers, flags),
      ),
    ),
  command(program, 'members', 'list who is in a private room, and who was')
    .option('--tree', 'show who admitted whom')
    .action(
      exitWith(async (me: string, room: string, flags: RoomFlags & { readonly tree?: boolean }) =>
        (await import('./members-command.js')).listMembers(me, room, flags),
      ),
    ),
  command(program, 'remove', 'end the membership of somebody')
    .argument('<who>', 'their name, or how their key begins')
    .action(
      exitWith(async (me: string, room: string, who: string, flags: RoomFlags) =>
        (await import('./members-command.js')).removeMember(me, room, who, flags),
      ),
    ),
  command(program, 'admit', 'admit somebody again who was removed, or raise a role')
    .argument('<who>', 'their name, or how their key begins')
    .option('--as <role>', AS_HELP, role, 'member')
    .action(
      exitWith(async (me: string, room: string, who: string, flags: RoomFlags & { readonly as?: string }) =>
        (await import('./members-command.js')).admitMember(me, room, who, flags),
      ),
    ),
  command(program, 'leave', 'end your own membership')
    .option('--forget', 'delete the room here')
    .action(
      exitWith(async (me: string, room: string, flags: RoomFlags & { readonly forget?: boolean }) =>
        (await import('./members-command.js')).leaveRoom(me, room, flags),
      ),
    ),
]

function roomCommand(program: Command, exitWith: Parameters<Registration>[1]): Command {
  const room = subcommand(program, 'room', 'found a private room, or take one over with its rescue words')
  const found = command(program, 'new', 'found a private room')
    .option('--closed', 'only admins admit')
    .option('--keep <bound>', `for how long, or how much, its lines are kept: ${KEEP_USAGE}`, keepBound)
    .option(
      '--history <lines>',
      'which earlier lines newcomers read: all, none, or how many (default: all)',
      historyLines,
    )
    .option('--no-rescue', 'without rescue words: if your key is lost, nobody takes your place')
    .action(
      exitWith(async (me: string, name: string, flags: NewRoomFlags) =>
        (await import('./room-command.js')).newRoom(me, name, flags),
      ),
    )
  const rescue = command(program, 'rescue', 'take a private room over with its rescue words').action(
    exitWith(async (me: string, name: string, flags: RoomFlags) =>
      (await import('./room-command.js')).rescueRoom(me, name, flags),
    ),
  )
  const confirm = command(
    program,
    'confirm',
    'confirm that your copy of a private room lacks nothing that you did there',
  ).action(
    exitWith(async (me: string, name: string, flags: RoomFlags) =>
      (await import('./room-command.js')).confirmRoom(me, name, flags),
    ),
  )
  const keep = command(program, 'keep', 'print, or set, what a private room keeps')
    .argument('[bound]', KEEP_USAGE, keepBound)
    .action(
      exitWith(async (me: string, name: string, bound: string | undefined, flags: RoomFlags) =>
        (await import('./room-command.js')).keepRoom(me, name, bound, flags),
      ),
    )
  const history = command(
    program,
    'history',
    'print, or set, which earlier lines later newcomers of a private room read',
  )
    .argument('[lines]', 'all, none, or how many', historyLines)
    .action(
      exitWith(async (me: string, name: string, lines: string | undefined, flags: RoomFlags) =>
        (await import('./room-command.js')).historyOfRoom(me, name, lines, flags),
      ),
    )
  return room.addCommand(found).addCommand(keep).addCommand(history).addCommand(rescue).addCommand(confirm)
}
