import { momentOf } from '../../base/moment.js'
import { sanitise } from '../../base/safe-text.js'
import { command, formatNumber } from './context.js'
import { showLine } from './hidden-lines.js'
import { hiddenAs, SHORT_KEY, showAgain } from './people.js'
import { type Found, lastMessages, messagesSince } from './reading.js'

/** Messages that /last prints by default. */
const LAST_DEFAULT = 50

const shownOf = ({ messages, count }: Found): string =>
  messages.length < count ? `, the newest ${formatNumber(messages.length)} of them here` : ''

export const last = command({
  name: 'last',
  argument: '[n]',
  help: 'print the last n messages again, at most 2,000',
  isOrdered: true,
  run: async ({ session: { room }, quote, complain }, argument) => {
    const count = argument === '' ? LAST_DEFAULT : Number(argument)
    if (!Number.isInteger(count) || count < 1) return complain('how many? /last 50')
    const messages = await lastMessages(room, count)
    const isCut = messages.length < count && messages.length < room.heads.reduce((sum, { seq }) => sum + seq, 0)
    const more = isCut ? ', the most that is printed at once: /since and /search find older ones' : ''
    quote(`the last ${formatNumber(messages.length)}${more}`, messages, 'end')
  },
})

export const show = command({
  name: 'show',
  argument: '[name or line]',
  help: 'print a folded message whole, show what was hidden, or fetch dropped lines',
  completes: 'name',
  isOrdered: true,
  run: async (context, name) => {
    const { session, folded, quote, tell, complain } = context
    // The log may be gone from this disk; then only the key of its author is known.
    const found = name === '' ? [] : SHORT_KEY.test(name) ? [name] : session.authorsNamed(name)
    const hidden = hiddenAs(session, name)
    if (hidden.length > 0) return tell(await showAgain(context, name, hidden))
    if (await showLine(context, name)) return
    const message = folded().findLast(({ author }) => name === '' || found.some(each => author.startsWith(each)))
    if (name === '' && message === undefined) return complain('no message is folded; whose lines? /show bob')
    if (name !== '' && found.length === 0) return complain(`no one here is known as ${sanitise(name)}`)
    for (const author of found) session.room.showAll(author)
    if (message !== undefined) quote('the whole message', [message], 'end', { isWhole: true })
    else tell(`fetching the rest of the lines of ${sanitise(name)}`)
  },
})

export const since = command({
  name: 'since',
  argument: 'time',
  help: 'print the messages since 14:00, 2026-11-21, mon, 2h or 3d',
  isOrdered: true,
  run: async ({ session: { room }, runTask, quote, complain, now }, argument) => {
    const since = momentOf(argument, now())
    if (since === undefined) return complain('since when? /since 14:00, 2026-11-21, mon, 2h or 3d')
    await runTask('reading', async task => {
      const found = await messagesSince(room, since, task)
      quote(`${formatNumber(found.count)} messages since ${argument}${shownOf(found)}`, found.messages, 'end')
    })
  },
})
