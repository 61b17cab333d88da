import { KEEP_USAGE } from '../keep-text.js'
import { fetchedText, olderLines, olderRows } from '../older-text.js'
import { command, formatNumber } from './context.js'

const BYTES_PER_MB = 1e6

export const keep = command({
  name: 'keep',
  argument: '[90d | 500MB | all] [here]',
  help: 'say for how long, or how much, lines of this room are kept',
  isOrdered: true,
  run: async ({ session, request, runTask, tell, list, complain }, text) => {
    const [typed = '', where, ...others] = text.split(/\s+/)
    if ((where !== undefined && where !== 'here') || others.length > 0) return complain(`/keep takes ${KEEP_USAGE}`)
    const fields = { ...(typed !== '' && { keep: typed }), isHere: where === 'here' }
    await runTask('keeping', async () => {
      for await (const item of request({ do: 'keep', room: session.room.room, ...fields })) {
        const { keep: ofRoom, here, bytes } = item
        tell(
          ofRoom === null || ofRoom === 'all'
            ? 'this room keeps everything'
            : `this room keeps ${String(ofRoom)}, for everybody`,
        )
        if (here !== null)
          tell(`this computer keeps ${here === 'all' ? 'everything of it that others keep' : `${String(here)} of it`}`)
        if (typeof bytes === 'number') tell(`it takes ${formatNumber(Math.ceil(bytes / BYTES_PER_MB))} MB here`)
      }
      list(...(await olderLines(session, request)))
    })
  },
})

export const fetch = command({
  name: 'fetch',
  argument: '[count | all]',
  help: 'fetch the latest older lines that others keep, for a day; default: 1000',
  run: async ({ session, request, runTask, tell, list, complain }, text) => {
    const count = text === 'all' ? Number.MAX_SAFE_INTEGER : text === '' ? undefined : Number(text)
    if (count !== undefined && (!Number.isInteger(count) || count < 1)) return complain('how many lines? /fetch 1000')
    await runTask('fetching', async () => {
      const fields = count === undefined ? {} : { count }
      for await (const { fetched, ...older } of request({ do: 'fetch', room: session.room.room, ...fields })) {
        tell(fetchedText(Number(fetched), '/last and /search find them'))
        list(...olderRows(session, older))
      }
    })
  },
})
