import { isNotifyLevel, NOTIFY_LEVELS } from '../../session/notify-level.js'
import { command, formatNumber } from './context.js'
import { jump } from './lines.js'

const MEANINGS = {
  all: 'every line of others rings',
  mentions: 'mentions of you and answers to you ring',
  none: 'nothing rings',
} as const

export const notify = command({
  name: 'notify',
  argument: '[all|mentions|none]',
  help: 'set what rings in this room; alone: show it',
  run: ({ session, tell, complain }, argument) => {
    const level = argument === '' ? session.notifyLevel : argument.toLowerCase()
    if (!isNotifyLevel(level)) return complain(`what rings? /notify ${NOTIFY_LEVELS.join(', or ')}`)
    session.notifyLevel = level
    tell(`${MEANINGS[level]} in this room`)
  },
})

export const mentions = command({
  name: 'mentions',
  argument: '',
  help: 'list mentions of you and answers to you since you left; /next walks them',
  isOrdered: true,
  run: async ({ session, runTask, quote, tell }) => {
    await runTask('looking for mentions', async ({ signal }) => {
      const { messages, count } = await session.missedMentions(signal)
      if (signal.aborted) return
      if (count === 0) return tell('no one has mentioned you or answered you since you left')
      const newest = messages.length < count ? `, the newest ${formatNumber(messages.length)} here` : ''
      const lines = count === 1 ? 'line mentions or answers' : 'lines mention or answer'
      quote(`${formatNumber(count)} ${lines} you${newest}`, messages, 'end: /next walks them')
    })
  },
})

export const next = command({
  name: 'next',
  argument: '',
  help: 'print the next line that /mentions or /search listed, among those around it',
  isOrdered: true,
  run: async context => {
    const label = context.session.nextListed()
    if (label === undefined) return context.tell('that was the last one: /mentions and /search list lines')
    await jump.run(context, label)
  },
})
