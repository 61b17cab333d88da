import { systemRandom } from '../../base/random.js'
import { sanitise } from '../../base/safe-text.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { Fields } from '../../host/protocol/codec.js'
import { keepOf } from '../../membership/keep.js'
import { KEEP_USAGE } from '../keep-text.js'
import { admittedText, formerText, personText } from '../member-text.js'
import { type CommandContext, command } from './context.js'

const DAY_MS = 86_400_000
const ROOM_FLAGS = ['--closed', '--no-rescue']
const KEEP_FLAG = '--keep'

/** Runs a command on the room that is shown. */
async function inRoom(
  { request, session, runTask }: CommandContext,
  title: string,
  fields: Fields,
  onItem: (item: Fields) => void,
): Promise<void> {
  await runTask(title, async () => {
    for await (const item of request({ room: session.room.room, ...fields })) onItem(item)
  })
}

export const invite = command({
  name: 'invite',
  argument: '[uses]',
  help: 'print a code that lets somebody into this private room for a day',
  isOrdered: true,
  run: (context, uses) => {
    const count = uses === '' ? 1 : Number(uses)
    if (!Number.isInteger(count) || count < 1) return context.complain('for how many people? /invite 3')
    return inRoom(context, 'inviting', { do: 'invite', uses: count, forMs: DAY_MS }, ({ code }) =>
      // Rows of a list have no margin, so that the code fits into one line and can be copied.
      context.list(
        String(code),
        `lets in ${count === 1 ? 'one person' : `${count} people`} within a day: persisted-chat join <name> <code>`,
      ),
    )
  },
})

export const invites = command({
  name: 'invites',
  argument: '',
  help: 'list the invitations of this private room',
  isOrdered: true,
  run: context =>
    inRoom(context, 'listing invitations', { do: 'invites' }, ({ invite: id, state, role, by, uses, admitted }) =>
      context.list(
        `${String(id).slice(0, 8)}  ${state}  ${role}, by ${sanitise(String(by))}, ${Array.isArray(admitted) ? admitted.length : 0} of ${uses} used`,
      ),
    ),
})

export const uninvite = command({
  name: 'uninvite',
  argument: 'id',
  help: 'revoke an invitation, named by the beginning of its id',
  isOrdered: true,
  run: (context, id) =>
    id === ''
      ? context.complain('which one? /invites lists them')
      : inRoom(context, 'revoking the invitation', { do: 'uninvite', invite: id }, () =>
          context.tell('the code no longer admits anybody'),
        ),
})

export const members = command({
  name: 'members',
  argument: '',
  help: 'list who is in this private room, and who was',
  isOrdered: true,
  run: context =>
    inRoom(context, 'listing members', { do: 'members' }, item => {
      const { key, name, role, removed, keeper } = item
      if (key !== undefined)
        context.list(
          `${personText(name, key)}  ${role}  ${String(key).slice(0, 8)}${keeper === true ? '  keeps the room' : ''}`,
        )
      if (removed !== undefined) context.list(formerText(item))
    }),
})

export const remove = command({
  name: 'remove',
  argument: 'name',
  help: 'end the membership of somebody in this private room',
  completes: 'name',
  isOrdered: true,
  run: (context, who) =>
    who === ''
      ? context.complain('whom? /remove bob')
      : inRoom(context, `removing ${who}`, { do: 'remove', who }, ({ name, removed }) =>
          context.tell(`removed ${personText(name, removed)}: what is written from now on does not reach them`),
        ),
})

export const admit = command({
  name: 'admit',
  argument: 'name [role]',
  help: 'admit somebody who waits or was removed, or raise the role of a member',
  completes: 'name',
  isOrdered: true,
  run: (context, text) => {
    const [who = '', role = 'member'] = text.split(/\s+/)
    if (who === '') return context.complain('whom? /admit bob host')
    return inRoom(context, `admitting ${who}`, { do: 'admit', who, role }, item =>
      context.tell(admittedText(item, 'now')),
    )
  },
})

export const refuse = command({
  name: 'refuse',
  argument: 'key',
  help: 'refuse somebody who waits at this closed room; they are not told',
  isOrdered: true,
  run: (context, who) =>
    who === ''
      ? context.complain('whom? /refuse 3fa1c20e, as the key was shown')
      : inRoom(context, 'refusing', { do: 'refuse', who }, ({ refused }) =>
          context.tell(`refused ${String(refused).slice(0, 8)}`),
        ),
})

export const room = command({
  name: 'room',
  argument: 'new name [--closed] [--keep 90d] [--no-rescue]',
  help: 'found a private room; the rescue words are shown once',
  run: async ({ request, runTask, rooms, tell, list, complain }, text) => {
    const [verb, name = '', ...typed] = text.split(/\s+/)
    const at = typed.indexOf(KEEP_FLAG)
    const keep = at === -1 ? undefined : typed[at + 1]
    const flags = at === -1 ? typed : typed.toSpliced(at, 2)
    if (at !== -1 && keepOf(keep ?? '') === undefined) return complain(`${KEEP_FLAG} takes ${KEEP_USAGE}`)
    if (verb !== 'new' || name === '' || flags.some(flag => !ROOM_FLAGS.includes(flag)))
      return complain('which one? /room new ops founds a private room, /join ops opens one')
    const { newRescueWords, rescueWordLines } = await import('../../membership/rescue-words.js')
    const rescue = flags.includes('--no-rescue') ? undefined : newRescueWords(systemRandom)
    const options = { isClosed: flags.includes('--closed'), ...(keep !== undefined && { keep }) }
    const fields = { ...options, ...(rescue !== undefined && { rescue: hexOf(rescue.key) }) }
    let show: (() => void) | undefined
    await runTask(`founding ${name}`, async () => {
      for await (const _ of request({ do: 'room-new', name, ...fields })) {
        show = rooms === undefined ? () => {} : await rooms.join(name)
      }
    })
    if (show === undefined) return
    show()
    tell(`founded the private room ${name}; /invite there invites somebody`)
    if (rescue === undefined) return
    tell(
      'if your key is ever lost or stolen, these words take the room over; they are shown only now, and stored nowhere:',
    )
    list(...rescueWordLines(rescue))
  },
})
