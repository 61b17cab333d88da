import { reasonOf } from '../../base/errors.js'
import { sanitise } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import type { Present } from '../../chat/presence/present.js'
import { type AuthorId, authorOfLog, isSigned } from '../../log/format/author.js'
import { type Session, STRANGERS } from '../../session/session.js'
import { strangersText } from '../receipt-text.js'
import { type CommandContext, command, formatNumber } from './context.js'
import { hiddenLabels, hideLine, isLineName, showLine } from './hidden-lines.js'

const STATES = { connected: 'connected', indirect: 'through others', left: 'left' } as const

/** The first digits of a key, by which notices name strangers. */
export const SHORT_KEY = /^[0-9a-f]{8,64}$/

/** Largest number of strangers whom `/who` lists by name; it counts the others. */
const STRANGERS_MAX = 20

/** `bob (away: lunch)` */
function withAway({ away }: Present, name: string): string {
  if (away === undefined) return name
  return away === '' ? `${name} (away)` : `${name} (away: ${away})`
}

export const who = command({
  name: 'who',
  argument: '',
  help: 'list who is connected, who is here through others, and who has left',
  run: ({ session, tell }) => {
    const { presence } = session.room
    const rows = (['connected', 'indirect', 'left'] as const).flatMap(state => {
      const here = presence.filter(present => present.state === state)
      const known = here.filter(({ author }) => session.isKnown(author))
      const strangers = here.filter(({ author }) => !session.isKnown(author))
      const shown = strangers.slice(0, STRANGERS_MAX).map(each => `${withAway(each, session.nameOf(each))} (stranger)`)
      const more = strangers.length - shown.length
      const names = [
        ...known.map(each => withAway(each, session.nameOf(each))),
        ...shown,
        ...(more > 0 ? [`${strangersText(more)} more`] : []),
      ]
      return names.length === 0 ? [] : [`${STATES[state]}: ${names.join(', ')}`]
    })
    tell(...(rows.length === 0 ? ['no one else is here'] : rows))
  },
})

export const whois = command({
  name: 'whois',
  argument: 'name',
  help: "show a person's key, and how many of their entries are here",
  completes: 'name',
  run: ({ session, tell, complain }, name) => {
    if (name === '') return complain('whose key? /whois bob')
    const found = name === session.room.me ? [session.room.id] : session.authorsNamed(name)
    if (found.length === 0) return complain(`no one here is known as ${sanitise(name)}`)
    for (const author of found) {
      const logs = session.room.heads.filter(head => authorOfLog(head.author) === author)
      const entries = logs.reduce((sum, { seq }) => sum + seq, 0)
      const identity = isSigned(author) ? `the key ${author}` : `unsigned, from a scuttleup peer: ${author}`
      const own = session.isOurs({ author }) ? ', you' : ''
      tell(
        `${session.people.nameOf(author) ?? name}${own}: ${identity}`,
        `${formatNumber(entries)} of their entries ${entries === 1 ? 'is' : 'are'} here`,
      )
    }
  },
})

export const hide = command({
  name: 'hide',
  argument: '[name or line]',
  help: 'hide a person and who came with them, strangers, or one line; alone: list',
  completes: 'name',
  isOrdered: true,
  run: async (context, name) => {
    const { session, tell, complain } = context
    if (name === '') {
      const named = session.hiddenByName.map(author =>
        author === STRANGERS ? 'strangers' : `${session.people.nameOf(author) ?? 'unknown'} (${shortKey(author)})`,
      )
      const lines = hiddenLabels(session)
      if (named.length > 0)
        tell(`hidden from your view: ${named.join(', ')}${withOthers(session.hidden.size - named.length)}`)
      if (lines.length > 0) tell(`hidden lines: ${lines.join(', ')}`)
      return named.length + lines.length === 0 ? tell('nothing is hidden') : undefined
    }
    if (isLineName(session, name)) return hideLine(context, name)
    if (name === STRANGERS) {
      await session.hide(STRANGERS)
      return tell('strangers are hidden from your view: /unhide strangers shows them, /accept name makes one known')
    }
    const called = session.authorsNamed(name)
    const found = called.filter(author => !session.isOurs({ author }))
    if (found.length === 0)
      return complain(called.length > 0 ? 'you cannot hide yourself' : `no one here is known as ${name}`)
    let others = 0
    for (const author of found) others += await session.hide(author)
    await tellNode(context, 'hide', found)
    const label = found.length === 1 ? name : `${name} (${found.map(shortKey).join(' and ')})`
    tell(`${label}${withOthers(others)} is hidden from your view only: /show ${name} shows them again`)
  },
})

/** ` and 3 others who came by the same connection`, or nothing. */
const withOthers = (count: number): string =>
  count === 0 ? '' : ` and ${formatNumber(count)} ${count === 1 ? 'other' : 'others'} who came by the same connection`

/** The hidden people with a name, or with a key that begins with it. */
export function hiddenAs(session: Session, name: string): readonly AuthorId[] {
  const called = name === STRANGERS ? [STRANGERS] : session.authorsNamed(name)
  return [...session.hidden].filter(
    author => called.includes(author) || (SHORT_KEY.test(name) && author.startsWith(name)),
  )
}

/** Tells the node whom the user hid or showed again: hidden people may not ask to talk. */
async function tellNode(
  { request, complain }: CommandContext,
  act: 'hide' | 'show',
  keys: readonly AuthorId[],
): Promise<void> {
  try {
    for await (const _ of request({ do: act, keys }));
  } catch (error) {
    complain(`${act === 'hide' ? 'they may still ask' : 'they may not ask'} to talk with you: ${reasonOf(error)}`)
  }
}

/** Shows hidden people again; returns the notice about it. */
export async function showAgain(context: CommandContext, name: string, found: readonly AuthorId[]): Promise<string> {
  const { session } = context
  await tellNode(context, 'show', found)
  const others = found.reduce((sum, author) => sum + session.show(author), 0)
  return `${name}${withOthers(others)} is shown again; /last prints the lines that were hidden`
}

export const unhide = command({
  name: 'unhide',
  argument: 'name or line',
  help: 'show a hidden person or line again',
  completes: 'name',
  isOrdered: true,
  run: async (context, name) => {
    const { session, tell, complain } = context
    if (name === '') return complain('show whom again? /hide lists what is hidden')
    if (await showLine(context, name)) return
    const found = hiddenAs(session, name)
    if (found.length === 0) return complain(`no one hidden is known as ${name}`)
    tell(await showAgain(context, name, found))
  },
})
