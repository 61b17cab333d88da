import { ChatError } from '../../../base/errors.js'
import { sanitise } from '../../../base/safe-text.js'
import { typedEmoji } from '../../../chat/emoji.js'
import { eraseLine, holdersText, NOBODY_MET } from '../../commands/lines.js'
import { TYPED_LENGTH_MAX } from '../protocol/limits.js'
import { placeIn } from '../room/places.js'
import { harmless } from '../room/segments.js'
import { type Handlers, lineOf, ownLineOf } from './work.js'

/** Handlers of requests about lines. */
export const LINE_REQUESTS: Handlers<
  'page' | 'whole' | 'say' | 'reply' | 'react' | 'edit' | 'delete' | 'history' | 'where' | 'read'
> = {
  page: async ({ shown }, asked) => {
    const page = await shown(asked.room).view.page(asked)
    if (page === undefined) throw new ChatError('BAD_USAGE', 'this line is not here any more')
    return page
  },
  whole: async ({ shown }, { room, line }) => {
    const { view } = shown(room)
    const row = view.rows.row(await lineOf(view, line), { isWhole: true })
    if (row === undefined) throw new ChatError('BAD_USAGE', 'this line is not shown')
    return { row }
  },
  say: async ({ shown }, { room, text }) => {
    checkLength(text)
    if (text.trim() === '') throw new ChatError('BAD_USAGE', 'an empty line says nothing')
    await shown(room).commands.typed(text)
    return {}
  },
  reply: async ({ shown }, { room, line, text }) => {
    checkLength(text)
    const { view, commands } = shown(room)
    const { author, run, seq } = await lineOf(view, line)
    await commands.say({ kind: 'reply', to: { author, run, seq }, text })
    return {}
  },
  react: async ({ shown }, { room, line, emoji, isRemoved }) => {
    const { view } = shown(room)
    const { author, run, seq } = await lineOf(view, line)
    const given = typedEmoji(emoji)
    if (given === undefined) throw new ChatError('BAD_USAGE', 'one emoji, please')
    await view.session.say({ kind: 'reaction', to: { author, run, seq }, emoji: given, isRemoved })
    return {}
  },
  edit: async ({ shown }, { room, line, text }) => {
    checkLength(text)
    const { view } = shown(room)
    const { run, seq } = await ownLineOf(view, line)
    if (text.trim() === '') throw new ChatError('BAD_USAGE', 'the new text is empty')
    await view.session.say({ kind: 'edit', to: { run, seq }, text })
    return {}
  },
  delete: async ({ shown, signal }, { room, line }) => {
    const { view } = shown(room)
    return { text: sanitise(await eraseLine(view.session, await ownLineOf(view, line), signal)) }
  },
  history: async ({ shown }, { room, line }) => {
    const { view } = shown(room)
    const message = await lineOf(view, line)
    const edits = view.session.references.lines.editsOf(line)
    const versions = [{ timeMs: message.timeMs, text: message.message }, ...[...edits].reverse()]
    return { versions: versions.map(({ timeMs, text }) => ({ at: timeMs, text: harmless(text) })) }
  },
  where: async ({ shown }, { room, line }) => {
    const { view } = shown(room)
    const place = placeIn(line)
    if (place === undefined) throw new ChatError('BAD_USAGE', 'this line is not here any more')
    const found = await view.line(line)
    const holders = await view.face.holdersOf(place)
    return {
      here: found === undefined ? 'it is not here' : 'it is here',
      holders: holders.length === 0 ? [NOBODY_MET] : holdersText(view.session, holders),
    }
  },
  read: async ({ shown }, { room, line }) => {
    await shown(room).view.read(line)
    return {}
  },
}

function checkLength(text: string): void {
  if (text.length > TYPED_LENGTH_MAX) throw new ChatError('BAD_MESSAGE', 'this is too long to be sent as a line')
}
