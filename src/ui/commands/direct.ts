import { sanitise } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import type { Asking } from '../../node/people/pin.js'
import { dateAndTimeOf } from '../../session/dates.js'
import { command } from './context.js'

/** Largest number of lines of a request that are shown. */
const LINES_MAX = 12

export const msg = command({
  name: 'msg',
  argument: 'name [text]',
  help: 'write to one person; alone: open the room of the two of you, @name',
  completes: 'name',
  run: async ({ request, rooms, tell, complain, runTask }, argument) => {
    const [, who = '', text = ''] = /^(\S*)\s*([\s\S]*)$/.exec(argument) ?? []
    if (who === '') return complain('write to whom? /msg bob hello')
    let show = (): void => {}
    await runTask(`writing to ${who}`, async () => {
      for await (const { room, name, presence } of request({ do: 'msg', who, text })) {
        if (rooms !== undefined) show = await rooms.join(String(room))
        else if (text !== '') tell(`sent to ${String(name)} in ${String(room)}; --room ${String(room)} shows it`)
        if (presence !== 'here') tell(awaitedText(String(name), presence === 'elsewhere'))
      }
    })
    show()
  },
})

/** What the delivery of a line in a direct room waits for. */
export const awaitedText = (name: string, isElsewhere: boolean): string =>
  isElsewhere
    ? `${name} is connected, but has not accepted your request to talk yet: ${name} gets everything when they accept`
    : `${name} is not connected: what you write is stored here, and ${name} gets it when you are both connected`

export const requests = command({
  name: 'requests',
  argument: '',
  help: 'show the messages of people who ask to talk with you',
  isOrdered: true,
  run: async ({ request, list, tell, runTask }) => {
    let count = 0
    await runTask('reading', async () => {
      for await (const { key, name, since, text } of request({ do: 'requests' })) {
        const author = typeof key === 'string' ? authorOf(key) : undefined
        if (author === undefined || typeof text !== 'string') continue
        count++
        const asking = { key: author, name: String(name ?? ''), since: Number(since), isKnown: false }
        const lines = text.split('\n')
        list(
          `${sanitise(calledText(asking))} wrote on ${dateAndTimeOf(asking.since)}:`,
          ...lines.slice(0, LINES_MAX).map(line => `  ${sanitise(line)}`),
          ...(lines.length > LINES_MAX ? [`  and ${lines.length - LINES_MAX} more lines`] : []),
          `  ${answersText(asking)}`,
        )
      }
    })
    if (count === 0) tell('nobody asks to talk with you')
  },
})

export const decline = command({
  name: 'decline',
  argument: 'name [key]',
  help: 'decline a request to talk, and delete it; the person is not told',
  completes: 'name',
  isOrdered: true,
  run: async ({ request, tell, complain, runTask }, argument) => {
    const [who = '', digits = ''] = argument.split(/\s+/)
    if (who === '') return complain('decline whom? /requests shows who asks')
    await runTask('declining', async () => {
      for await (const { key, name } of request({ do: 'decline', who, digits })) tell(declinedText(key, name))
    })
  },
})

/** The notice that the request of a person was declined. */
export const declinedText = (key: unknown, name: unknown): string =>
  `declined ${sanitise(calledText({ key: String(key) as AuthorId, name: String(name) }))}: their request was deleted`

const calledText = ({ name, key }: Pick<Asking, 'key' | 'name'>): string =>
  name === '' ? `somebody (${shortKey(key)})` : `${name} (${shortKey(key)})`

const answersText = ({ name, key }: Asking): string =>
  name === ''
    ? `/accept name ${shortKey(key)} or /decline ${shortKey(key)}`
    : `/accept ${name} ${shortKey(key)} or /decline ${name} ${shortKey(key)}`
