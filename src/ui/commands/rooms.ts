import { type CommandContext, command, formatNumber } from './context.js'

const ONE_ROOM = 'a face in lines shows one room, chosen at the start with --room'

export const join = command({
  name: 'join',
  argument: 'room',
  help: 'open a room, or go to it; Alt-1 … Alt-9 do too, Alt-A where most is unread',
  run: async ({ rooms, complain, runTask }, name) => {
    if (rooms === undefined) return complain(ONE_ROOM)
    if (name === '') return complain('join which room? /join ops')
    let show = (): void => {}
    await runTask(`joining ${name}`, async () => {
      show = await rooms.join(name)
    })
    show()
  },
})

export const rooms = command({
  name: 'rooms',
  argument: '',
  help: 'list the open rooms, and how many messages you have not read in each',
  run: ({ rooms, session, list }) => {
    if (rooms === undefined) return list(`#${session.room.room}`)
    list(...rooms.badges().map(rowOf))
  },
})

export const leave = command({
  name: 'leave',
  argument: '',
  help: 'close this room; its history stays, and /join opens it again',
  run: ({ rooms, complain, session }: CommandContext) => {
    if (rooms === undefined) return complain(ONE_ROOM)
    if (rooms.badges().length === 1) return complain(`#${session.room.room} is the only open room: /quit ends the chat`)
    rooms.leave()
  },
})

function rowOf({
  number,
  room,
  isShown,
  unread,
  mentions,
}: ReturnType<NonNullable<CommandContext['rooms']>['badges']>[number]): string {
  const counts = [
    ...(isShown ? ['shown'] : []),
    ...(unread > 0 ? [`${formatNumber(unread)} unread`] : []),
    ...(mentions > 0 ? [`${formatNumber(mentions)} mention you`] : []),
  ]
  return `${number}  #${room}  ${counts.join(', ')}`.trimEnd()
}
