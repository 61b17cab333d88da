import { sanitise } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import type { Present } from '../../chat/presence/present.js'
import { authorOfLog, isSigned } from '../../log/format/author.js'
import { command, formatNumber } from './context.js'

const STATES = { connected: 'connected', indirect: 'through others', left: 'left' } as const

/** The start of a key, as notices name strangers. */
const SHORT_KEY = /^[0-9a-f]{8,64}$/

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
      const names = presence
        .filter(present => present.state === state)
        .map(present => withAway(present, session.nameOf(present)))
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

export const show = command({
  name: 'show',
  argument: 'name',
  help: "store the rest of a stranger's lines, which stopped because others needed the room",
  completes: 'name',
  run: ({ session, tell, complain }, name) => {
    if (name === '') return complain('whose lines? /show bob')
    // The log may be gone from this disk, so that nothing but the key is known of its author.
    const found = SHORT_KEY.test(name) ? [name] : session.authorsNamed(name)
    if (found.length === 0) return complain(`no one here is known as ${sanitise(name)}`)
    for (const author of found) session.room.showAll(author)
    tell(`fetching the rest of the lines of ${sanitise(name)}`)
  },
})

export const hide = command({
  name: 'hide',
  argument: '[name]',
  help: "hide a person's lines from your view; alone: list who is hidden",
  completes: 'name',
  run: ({ session, tell, complain }, name) => {
    if (name === '') {
      const named = [...session.hidden].map(
        author => `${session.people.nameOf(author) ?? 'unknown'} (${shortKey(author)})`,
      )
      return tell(named.length === 0 ? 'no one is hidden' : `hidden from your view: ${named.join(', ')}`)
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
    const called = session.authorsNamed(name)
    const found = [...session.hidden].filter(author => called.includes(author) || author.startsWith(name))
    if (name === '') return complain('show whom again? /hide lists who is hidden')
    if (found.length === 0) return complain(`no one hidden is known as ${name}`)
    for (const author of found) session.unhide(author)
    tell(`${name} is shown again; /last prints the lines that were hidden`)
  },
})
