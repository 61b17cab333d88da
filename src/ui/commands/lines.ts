import { pause, systemClock } from '../../base/clock.js'
import { typedEmoji } from '../../chat/emoji.js'
import { type Message, placeOf } from '../../chat/kinds/message.js'
import type { Target } from '../../chat/kinds/target.js'
import { EDITS_MAX } from '../../chat/views/lines.js'
import type { Session } from '../../session/session.js'
import type { Holder } from '../../sync/receipts.js'
import { nameOfPeer } from '../older-text.js'
import { deletedText, holderText, strangersText } from '../receipt-text.js'
import { type CommandContext, command, ONE_ROOM } from './context.js'
import { last } from './history.js'

/** What /react adds without an emoji. */
const DEFAULT_EMOJI = '👍'
/** Number of lines that /jump prints before and after the line. */
const AROUND = 5

/** How long /delete waits before it reports how many peers have dropped the line, and how often it checks. */
const REPORTED_MS_MAX = 5_000
const LOOK_MS = 100

const targetOf = ({ author, run, seq }: Message): Target => ({ author, run, seq })

/** The first word of an argument, and the rest. */
function divided(argument: string): [first: string, rest: string] {
  const [, first = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(argument) ?? []
  return [first, rest]
}

interface Named {
  readonly line: Message
  readonly key: string
  readonly rest: string
}

/** The line that the first word of an argument names. If there is none, says why and returns undefined. */
async function named(
  { session, complain }: CommandContext,
  argument: string,
  usage: string,
  isOurs = false,
): Promise<Named | undefined> {
  const [name, rest] = divided(argument)
  if (name === '') return void complain(usage)
  const found = await session.references.find(name, isOurs)
  if (found.kind === 'none') return void complain(found.why)
  if (isOurs && !session.isOurs(found.line)) return void complain(`${name} is not your line`)
  return { line: found.line, key: found.key, rest }
}

export const re = command({
  name: 're',
  argument: 'line text',
  help: 'answer a line, named by its label: /re b12 yes; -1 is the last line',
  run: async (context, argument) => {
    const found = await named(context, argument, 'which line, and what? /re b12 yes')
    if (found === undefined) return
    if (found.rest === '') return context.complain('what do you answer? /re b12 yes')
    context.say({ kind: 'reply', to: targetOf(found.line), text: found.rest })
  },
})

export const react = command({
  name: 'react',
  argument: 'line [emoji]',
  help: 'add an emoji to a line, or take it back: /react b12 👍',
  run: async (context, argument) => {
    const found = await named(context, argument, 'which line? /react b12 👍')
    if (found === undefined) return
    const emoji = typedEmoji(found.rest === '' ? DEFAULT_EMOJI : found.rest)
    if (emoji === undefined) return context.complain('one emoji, please: /react b12 👍')
    const { references, room } = context.session
    const isRemoved = references.lines.hasReaction(found.key, room.id, emoji)
    context.say({ kind: 'reaction', to: targetOf(found.line), emoji, isRemoved })
  },
})

export const unreact = command({
  name: 'unreact',
  argument: 'line [emoji]',
  help: 'take back your reactions to a line, or one of them',
  run: async (context, argument) => {
    const found = await named(context, argument, 'which line? /unreact b12')
    if (found === undefined) return
    const { references, room } = context.session
    const ours = references.lines.reactionsTo(found.key).filter(({ authors }) => authors.includes(room.id))
    const wanted = found.rest === '' ? undefined : typedEmoji(found.rest)
    const removed = ours.filter(({ emoji }) => found.rest === '' || emoji === wanted)
    if (removed.length === 0) return context.complain('this line has no such reaction of yours')
    for (const { emoji } of removed) context.say({ kind: 'reaction', to: targetOf(found.line), emoji, isRemoved: true })
  },
})

export const edit = command({
  name: 'edit',
  argument: 'line text',
  help: 'replace the text of a line of yours, for everyone; -1 is your last one',
  run: async (context, argument) => {
    const found = await named(context, argument, 'which line, and how? /edit b12 new text', true)
    if (found === undefined) return
    if (found.rest === '') return context.complain('what is the new text? /edit b12 new text')
    const { run, seq } = found.line
    context.say({ kind: 'edit', to: { run, seq }, text: found.rest })
  },
})

export const history = command({
  name: 'history',
  argument: 'line',
  help: 'print the earlier texts of an edited line',
  isOrdered: true,
  run: async (context, argument) => {
    if (/^\d*$/.test(argument)) return last.run(context, argument) // /history and a number list messages in other programs
    const found = await named(context, argument, 'of which line? /history b12')
    if (found === undefined) return
    const { lines } = context.session.references
    const edits = lines.editsOf(found.key)
    const label = found.line.label ?? 'the line'
    if (edits.length === 0) return context.tell(`${label} was not edited`)
    const more = edits.length >= EDITS_MAX ? `, the latest ${EDITS_MAX} edits` : ''
    const versions = edits.map(({ text, at, run, seq, timeMs }) => ({
      ...found.line,
      message: text,
      at,
      run,
      seq,
      timeMs,
    }))
    context.quote(`the texts of ${label}${more}`, [found.line, ...versions.reverse()], 'end', { isRaw: true })
  },
})

export const erase = command({
  name: 'delete',
  argument: 'line',
  help: 'delete a line of yours and its edits, at every peer; -1 is your last',
  isOrdered: true,
  run: async (context, argument) => {
    const found = await named(context, argument, 'which line? /delete b12', true)
    if (found === undefined) return
    const { line, rest } = found
    if (rest !== '') return context.complain('one line at a time: /delete b12')
    await context.runTask(`deleting ${line.label ?? 'the line'}`, async ({ signal }) => {
      const told = await eraseLine(context.session, line, signal)
      context.forget(line.message)
      context.tell(told)
    })
  },
})

/** Erases a line of the user; resolves, a few seconds later at most, with how far the erasure has come. */
export async function eraseLine({ room }: Pick<Session, 'room'>, line: Message, signal: AbortSignal): Promise<string> {
  await room.erase(line)
  for (let waited = 0; waited < REPORTED_MS_MAX && !signal.aborted; waited += LOOK_MS) {
    const { dropped, of } = room.reachOf(line)
    if (of > 0 && dropped === of) break
    await pause(systemClock, LOOK_MS)
  }
  return deletedText(line.label ?? 'the line', room.reachOf(line))
}

export const where = command({
  name: 'where',
  argument: 'line',
  help: 'list who says that they have a line, and since when',
  isOrdered: true,
  run: async ({ session, list, tell, complain }, argument) => {
    const [name] = divided(argument)
    if (name === '') return complain('where is which line? /where b12')
    const found = await session.references.find(name)
    // A deleted line cannot be read any more, but peers may still have it.
    const place = found.kind === 'found' ? placeOf(found.line) : found.deleted
    if (place === undefined) return complain(found.kind === 'none' ? found.why : '')
    const here = found.kind === 'found' ? 'it is here' : 'it was deleted here'
    const holders = await session.room.holdersOf(place)
    const none = holders.length === 0 ? `; ${NOBODY_MET}` : ''
    tell(`${found.kind === 'found' ? (found.line.label ?? name) : name}: ${here}${none}`)
    list(...holdersText(session, holders))
  },
})

/** Printed by /where instead of a list of holders, if there are none. */
export const NOBODY_MET = 'no other peer has connected since the start'

/** Who says that they have a line, a sentence each. */
export function holdersText(session: Session, holders: readonly Holder[]): string[] {
  const strangers = holders.filter(({ isKnown, holds }) => !isKnown && holds).length
  return [
    ...holders.flatMap(holder => (holder.isKnown ? holderText(nameOfPeer(session, holder.peer), holder) : [])),
    ...(strangers > 0 ? [`${strangersText(strangers)}  ${strangers === 1 ? 'says' : 'say'} that they have it`] : []),
  ]
}

export const jump = command({
  name: 'jump',
  argument: 'line [in:room]',
  help: 'print a line among those around it, in this room or in another one',
  isOrdered: true,
  run: async (context, argument) => {
    const [, name = '', room = ''] = /^(\S*)\s+in:#?(\S+)$/i.exec(argument) ?? []
    if (room !== '' && room !== context.session.room.room) return jumpTo(context, name, room)
    const found = await named(context, argument, 'to which line? /jump b12')
    if (found === undefined) return
    await context.runTask(`looking for ${found.line.label ?? 'the line'}`, async ({ signal }) => {
      const { room } = context.session
      const before: Message[] = []
      const after: Message[] = []
      // If the node does not answer, the whole history is read.
      const since = found.line.isAhead === true ? [] : await room.before(placeOf(found.line), AROUND).catch(() => [])
      for await (const batch of room.batches({ since })) {
        for (const message of batch) {
          if (!context.session.references.isShown(message)) continue
          if (isBefore(message, found.line)) before.push(message)
          else if (after.length <= AROUND) after.push(message)
        }
        before.splice(0, before.length - AROUND)
        if (signal.aborted || after.length > AROUND) break
      }
      context.quote(`around ${found.line.label ?? 'the line'}`, [...before, ...after], 'end')
    })
  },
})

/** Goes to a line of another room. */
async function jumpTo({ rooms, complain, runTask }: CommandContext, label: string, room: string): Promise<void> {
  if (rooms === undefined) return complain(ONE_ROOM)
  let show = (_command?: string): void => {}
  await runTask(`opening ${room}`, async () => {
    show = await rooms.join(room)
  })
  show(`/jump ${label}`)
}

/** Whether a message is before another one in the conversation. */
function isBefore(a: Message, b: Message): boolean {
  if (a.at !== b.at) return a.at < b.at
  return a.author === b.author ? a.seq < b.seq : a.author < b.author
}
