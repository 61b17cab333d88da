import { sanitise } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import type { Present } from '../../chat/presence/present.js'
import { authorOfLog, isSigned } from '../../log/format/author.js'
import { STRANGERS } from '../../session/session.js'
import { strangersText } from '../receipt-text.js'
import { command, formatNumber } from './context.js'

const STATES = { connected: 'connected', indirect: 'through others', left: 'left' } as const

/** Strangers whose names `/who` lists; the others are counted. */
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
  argument: '[name]',
  help: 'hide the lines of a person, or of strangers, from your view; alone: list them',
  completes: 'name',
  run: ({ session, tell, complain }, name) => {
    if (name === '') {
      const named = [...session.hidden].map(author =>
        author === STRANGERS ? 'strangers' : `${session.people.nameOf(author) ?? 'unknown'} (${shortKey(author)})`,
      )
      return tell(named.length === 0 ? 'no one is hidden' : `hidden from your view: ${named.join(', ')}`)
    }
    if (name === STRANGERS) {
      session.hide(STRANGERS)
      return tell('strangers are hidden from your view: /unhide strangers shows them, /accept name makes one known')
    }
    const called = session.authorsNamed(name)
    const found = called.filter(author => !session.isOurs({ author }))
    if (found.length === 0)
      return complain(called.length > 0 ? 'you cannot hide yourself' : `no one here is known as ${name}`)
    for (const author of found) session.hide(author)
    const label = found.length === 1 ? name : `${name} (${found.map(shortKey).join(' and ')})`
    tell(`${label} is hidden from your view only: /unhide ${name} shows them again`)
  },
})

export const unhide = command({
  name: 'unhide',
  argument: 'name',
  help: 'show a hidden person again',
  completes: 'name',
  run: ({ session, tell, complain }, name) => {
    const called = name === STRANGERS ? [STRANGERS] : session.authorsNamed(name)
    const found = [...session.hidden].filter(author => called.includes(author) || author.startsWith(name))
    if (name === '') return complain('show whom again? /hide lists who is hidden')
    if (found.length === 0) return complain(`no one hidden is known as ${name}`)
    for (const author of found) session.unhide(author)
    tell(`${name} is shown again; /last prints the lines that were hidden`)
  },
})
