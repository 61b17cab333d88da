import { ChatError } from '../../base/errors.js'
import { shownRoom } from '../../base/names.js'
import { type CommandContext, command, formatNumber, ONE_ROOM, type OpenRoom } from './context.js'

export const join = command({
  name: 'join',
  argument: 'room or code',
  help: 'open a room, or go to it (Alt-1 … Alt-9, Alt-A); a code enters a private one',
  run: async (context, given) => {
    const { rooms, complain, runTask } = context
    if (given === '') return complain('join which room? /join ops')
    let show = (): void => {}
    await runTask(isCode(given) ? 'entering' : `joining ${given}`, async () => {
      const name = isCode(given) ? await enter(context, given) : given
      if (rooms === undefined) complain(ONE_ROOM)
      else if (name !== undefined) show = await rooms.join(name)
    })
    show()
  },
})

const isCode = (text: string): boolean => /^PC-/i.test(text)

/** Enters a private room with a code; resolves with the name of the room. */
async function enter({ request, tell }: CommandContext, code: string): Promise<string | undefined> {
  let name: string | undefined
  for await (const { is, room, asked, isClosed } of request({ do: 'join', code, peers: [] })) {
    if (is === 'waiting') tell(`waiting for somebody who may admit you: ${asked} connected peers do not know this code`)
    else if (is === 'found')
      tell(
        `found ${String(room)}: ${isClosed === true ? 'waiting until an admin of it lets you in' : 'asking to be admitted'}`,
      )
    else name = String(room)
  }
  if (name !== undefined) tell(`you are a member of ${name} now`)
  return name
}

export const rooms = command({
  name: 'rooms',
  argument: '',
  help: 'list the open rooms, and how many messages you have not read in each',
  run: ({ rooms, session, list }) => {
    if (rooms === undefined) return list(shownRoom(session.room.room))
    list(...rooms.badges().map(rowOf))
  },
})

export const close = command({
  name: 'close',
  argument: '',
  help: 'close this room on the screen; its history stays, and /join opens it again',
  run: closeRoom,
})

export const leave = command({
  name: 'leave',
  argument: '[room]',
  help: 'leave this private room for good, confirmed by its name; closes a public one',
  run: async (context, confirmed) => {
    const { session, request, complain, tell, runTask, rooms } = context
    const { room } = session.room
    if (!(await isPrivate(context))) return closeRoom(context)
    if (confirmed !== room)
      return complain(`this ends your membership of ${room}: /leave ${room} confirms it, /close only closes the room`)
    let hasLeft = false
    await runTask(`leaving ${room}`, async () => {
      for await (const _ of request({ do: 'leave', room, forget: false })) hasLeft = true
    })
    if (!hasLeft) return
    tell(`you left ${room}; its history stays here`)
    if (rooms !== undefined && rooms.badges().length > 1) rooms.leave()
  },
})

function closeRoom({ rooms, complain, session }: CommandContext): void {
  if (rooms === undefined) complain(ONE_ROOM)
  else if (rooms.badges().length === 1)
    complain(`${shownRoom(session.room.room)} is the only open room: /quit ends the chat`)
  else rooms.leave()
}

/** Whether the room that is shown has members. */
async function isPrivate({ request, session }: CommandContext): Promise<boolean> {
  try {
    for await (const _ of request({ do: 'members', room: session.room.room })) return true
  } catch (error) {
    if (!(error instanceof ChatError && error.code === 'BAD_USAGE')) throw error
  }
  return false
}

function rowOf({ number, room, isShown, isParked, unread, mentions }: OpenRoom): string {
  const counts = [
    ...(isShown ? ['shown'] : isParked ? ['closed until you go to it'] : []),
    ...(unread > 0 ? [`${formatNumber(unread)} unread`] : []),
    ...(mentions > 0 ? [`${formatNumber(mentions)} mention you`] : []),
  ]
  return `${number}  ${shownRoom(room)}  ${counts.join(', ')}`.trimEnd()
}
