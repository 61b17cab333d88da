import { equalsIgnoringCase } from '../../base/names.js'
import { sanitise } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import type { Present } from '../../chat/presence/roster.js'
import { type AuthorId, isSigned } from '../../log/format/author.js'
import { type CommandContext, command, formatNumber } from './context.js'

const STATES = { linked: 'connected', heard: 'through others', left: 'left' } as const

/** `bob (away: lunch)` */
function withAway({ away }: Present, name: string): string {
  if (away === undefined) return name
  return away === '' ? `${name} (away)` : `${name} (away: ${away})`
}

/** The authors who use a name: those who have written, otherwise those who are or were present. */
function authorsNamed(
  { people, conversation }: Pick<CommandContext, 'people' | 'conversation'>,
  wanted: string,
): AuthorId[] {
  const found = people.find(wanted)
  if (found.length > 0) return found
  return conversation.presence.flatMap(({ author, name }) =>
    author !== undefined && equalsIgnoringCase(name, wanted) ? [author] : [],
  )
}

export const who = command({
  name: 'who',
  argument: '',
  help: 'list who is connected, who is here through others, and who has left',
  run: ({ conversation, nameOf, tell }) => {
    const { presence } = conversation
    const rows = (['linked', 'heard', 'left'] as const).flatMap(state => {
      const names = presence
        .filter(present => present.state === state)
        .map(present => withAway(present, nameOf(present)))
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
  run: ({ people, conversation, tell, complain }, name) => {
    if (name === '') return complain('whose key? /whois bob')
    const found = name === conversation.me ? [conversation.id] : authorsNamed({ people, conversation }, name)
    if (found.length === 0) return complain(`no one here is known as ${sanitise(name)}`)
    for (const author of found) {
      const entries = conversation.heads.find(head => head.author === author)?.seq ?? 0
      const identity = isSigned(author) ? `the key ${author}` : `unsigned, from a scuttleup peer: ${author}`
      const own = author === conversation.id ? ', you' : ''
      tell(
        `${people.nameOf(author) ?? name}${own}: ${identity}`,
        `${formatNumber(entries)} of their entries ${entries === 1 ? 'is' : 'are'} here`,
      )
    }
  },
})

export const hide = command({
  name: 'hide',
  argument: '[name]',
  help: "hide a person's lines from your view; alone: list who is hidden",
  completes: 'name',
  run: ({ hidden, people, conversation, tell, complain }, name) => {
    if (name === '') {
      const named = [...hidden].map(author => `${people.nameOf(author) ?? 'unknown'} (${shortKey(author)})`)
      return tell(named.length === 0 ? 'no one is hidden' : `hidden from your view: ${named.join(', ')}`)
    }
    const called = authorsNamed({ people, conversation }, name)
    const found = called.filter(author => author !== conversation.id)
    if (found.length === 0)
      return complain(called.length > 0 ? 'you cannot hide yourself' : `no one here is known as ${name}`)
    for (const author of found) hidden.add(author)
    const label = found.length === 1 ? name : `${name} (${found.map(shortKey).join(' and ')})`
    tell(`${label} is hidden from your view only: /unhide ${name} shows them again`)
  },
})

export const unhide = command({
  name: 'unhide',
  argument: 'name',
  help: 'show a hidden person again',
  completes: 'name',
  run: ({ hidden, people, conversation, tell, complain }, name) => {
    const called = authorsNamed({ people, conversation }, name)
    const found = [...hidden].filter(author => called.includes(author) || author.startsWith(name))
    if (name === '') return complain('show whom again? /hide lists who is hidden')
    if (found.length === 0) return complain(`no one hidden is known as ${name}`)
    for (const author of found) hidden.delete(author)
    tell(`${name} is shown again; /last prints the lines that were hidden`)
  },
})
