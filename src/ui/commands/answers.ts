import { reasonOf } from '../../base/errors.js'
import { checkName, equalsIgnoringCase } from '../../base/names.js'
import { sanitise } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import type { Draft } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import type { Present } from '../../chat/presence/roster.js'
import type { People } from '../../chat/views/people.js'
import { type AuthorId, isSigned } from '../../log/format/author.js'
import type { RoomApi } from '../../node/room-api.js'
import { momentOf } from '../../session/dates.js'
import { writeExport } from '../export-file.js'
import { type CommandName, commandOf, SHOWN_COMMANDS } from './commands.js'
import { lastMessages, messagesSince, messagesWith, type Task } from './reading.js'

/** Messages that /last prints where it is not said how many. */
const LAST_DEFAULT = 50

/** What commands act on. */
export interface CommandContext {
  readonly conversation: RoomApi
  readonly people: People
  readonly hidden: Set<AuthorId>
  readonly now: () => number
  nick: string
  readonly topic: () => string | undefined
  /** What somebody is called, with his key where others are called so too. */
  readonly nameOf: (present: Present) => string
  /** Tells something, a line each. */
  readonly tell: (...lines: readonly string[]) => void
  /** Prints a list, a row each. */
  readonly list: (...rows: readonly string[]) => void
  readonly complain: (line: string) => void
  /** Prints messages again, between two rules. */
  readonly quote: (title: string, messages: readonly Message[], end: string) => void
  /** Does something that takes a while; its progress is shown, and Escape ends it. */
  readonly busy: (what: string, work: (task: Task) => Promise<void>) => Promise<void>
  readonly say: (draft: Draft) => void
  /** Tells others that the user is away, and why; without a text that he is back. */
  readonly away: (text: string | undefined) => void
  /** What can be pressed besides, for the end of /help. */
  readonly keyHelp: readonly string[]
  readonly quit: () => void
}

type Answer = (desk: CommandContext, argument: string) => void | Promise<void>

const number = (value: number): string => value.toLocaleString('en')

const STATES = { linked: 'linked', heard: 'heard of through others', left: 'left' } as const

/** Somebody in a list: `bob (away: lunch)` */
function described({ name, away }: Present): string {
  if (away === undefined) return name
  return away === '' ? `${name} (away)` : `${name} (away: ${away})`
}

const help: Answer = ({ tell, list, complain, keyHelp }, name) => {
  if (name !== '') {
    const found = commandOf(name.replace(/^\//, ''))
    if (found === undefined) return complain(`there is no command ${name}`)
    return tell(`/${found.name} ${found.argument}`.trim(), found.help)
  }
  const width = Math.max(...SHOWN_COMMANDS.map(command => command.name.length + command.argument.length + 2))
  list(
    ...SHOWN_COMMANDS.map(command => `${`/${command.name} ${command.argument}`.padEnd(width)}  ${command.help}`),
    ...keyHelp,
  )
}

/** Those who go by a name: who has said something, or else who is or was there. */
function authorsCalled(
  { people, conversation }: Pick<CommandContext, 'people' | 'conversation'>,
  name: string,
): AuthorId[] {
  const found = people.find(name)
  if (found.length > 0) return found
  return conversation.presence.flatMap(({ author, name: called }) =>
    author !== undefined && equalsIgnoringCase(called, name) ? [author] : [],
  )
}

const whois: Answer = ({ people, conversation, tell, complain }, name) => {
  if (name === '') return complain('who is who? /whois bob')
  const found = name === conversation.me ? [conversation.id] : authorsCalled({ people, conversation }, name)
  if (found.length === 0) return complain(`nobody is known as ${sanitise(name)}`)
  for (const author of found) {
    const entries = conversation.heads.find(head => head.author === author)?.seq ?? 0
    const kind = isSigned(author) ? `the key ${author}` : `unsigned, through an original peer: ${author}`
    const own = author === conversation.id ? ', you' : ''
    tell(
      `${people.nameOf(author) ?? name}${own}: ${kind}`,
      `${number(entries)} ${entries === 1 ? 'entry' : 'entries'} of it ${entries === 1 ? 'is' : 'are'} here`,
    )
  }
}

/** What each command does. */
export const ANSWERS: Readonly<Record<CommandName, Answer>> = {
  help,
  who: ({ conversation, nameOf, tell }) => {
    const { presence } = conversation
    const rows = (['linked', 'heard', 'left'] as const).flatMap(state => {
      const names = presence
        .filter(present => present.state === state)
        .map(one => described({ ...one, name: nameOf(one) }))
      return names.length === 0 ? [] : [`${STATES[state]}: ${names.join(', ')}`]
    })
    tell(...(rows.length === 0 ? ['nobody else is here'] : rows))
  },
  whois,
  me: ({ say, complain }, text) =>
    text === '' ? complain('what do you do? /me waves') : say({ kind: 'action', text }),
  msg: ({ complain }) => complain('private messages are to come: all that is said here is read by all of the room'),
  nick: (desk, argument) => {
    if (argument === '') return desk.tell(`you are called ${desk.nick}: /nick name changes that`)
    const nick = checkName(argument, `the name ${JSON.stringify(argument)}`)
    if (nick === desk.nick) return desk.tell(`you are called ${nick} already`)
    if (desk.people.find(nick).some(author => author !== desk.conversation.id))
      return desk.complain(`somebody else is called ${nick} here: choose another name`)
    const before = desk.nick
    desk.nick = nick
    desk.say({ kind: 'nick', before, name: nick })
  },
  topic: ({ topic, tell, say }, text) => {
    if (text === '-') return say({ kind: 'topic', topic: '' })
    if (text !== '') return say({ kind: 'topic', topic: text })
    tell(topic() ? `the topic is: ${topic()}` : 'there is no topic: /topic text sets one')
  },
  last: async ({ conversation, quote, complain }, argument) => {
    const count = argument === '' ? LAST_DEFAULT : Number(argument)
    if (!Number.isInteger(count) || count < 1) return complain('how many? /last 50')
    const messages = await lastMessages(conversation, count)
    const isCut = messages.length < count && messages.length < conversation.heads.reduce((sum, { seq }) => sum + seq, 0)
    const more = isCut ? ', more are not printed at once: /since and /search choose' : ''
    quote(`the last ${number(messages.length)}${more}`, messages, 'that was the last')
  },
  search: async ({ conversation, busy, quote, complain }, text) => {
    if (text === '') return complain('search for what? /search text')
    await busy(`searching for ${text}`, async task => {
      const { messages, count, of } = await messagesWith(conversation, text, task)
      const shown = messages.length < count ? `, the newest ${messages.length} of them here` : ''
      quote(`${number(count)} of ${number(of)} messages contain ${text}${shown}`, messages, 'end of what was found')
    })
  },
  since: async ({ conversation, busy, quote, complain, now }, argument) => {
    const since = momentOf(argument, now())
    if (since === undefined) return complain('since when? /since 14:00, or 2026-11-21, or 2026-11-21T14:00')
    await busy('reading', async task => {
      const { messages, count } = await messagesSince(conversation, since, task)
      const shown = messages.length < count ? `, the newest ${messages.length} of them here` : ''
      quote(`${number(count)} messages since ${argument}${shown}`, messages, 'end')
    })
  },
  hide: ({ hidden, people, conversation, tell, complain }, name) => {
    if (name === '') {
      const named = [...hidden].map(author => `${people.nameOf(author) ?? 'somebody'} (${shortKey(author)})`)
      return tell(named.length === 0 ? 'nobody is hidden' : `hidden, for you alone: ${named.join(', ')}`)
    }
    const called = authorsCalled({ people, conversation }, name)
    const found = called.filter(author => author !== conversation.id)
    if (found.length === 0) return complain(called.length > 0 ? 'that is you' : `nobody is known as ${name}`)
    for (const author of found) hidden.add(author)
    const who = found.length === 1 ? name : `${name} (${found.map(shortKey).join(' and ')})`
    tell(`what ${who} says is not shown any more, to you alone: /unhide ${name} shows it again`)
  },
  unhide: ({ hidden, people, conversation, tell, complain }, name) => {
    const called = authorsCalled({ people, conversation }, name)
    const found = [...hidden].filter(author => called.includes(author) || author.startsWith(name))
    if (name === '') return complain('show whom again? /hide lists who is hidden')
    if (found.length === 0) return complain(`nobody hidden is known as ${name}`)
    for (const author of found) hidden.delete(author)
    tell(`what ${name} says is shown from now on; /last shows what was hidden`)
  },
  away: ({ away }, text) => away(text),
  back: ({ away }) => away(undefined),
  peers: ({ conversation, tell }) => {
    const { connected, dialing } = conversation.connectionSummary
    tell(
      connected.length === 0 ? 'linked with nobody' : `linked with ${connected.join(', ')}`,
      ...dialing.map(
        ({ name, reason, tries }) => `trying ${name}: ${reason}, ${tries} ${tries === 1 ? 'time' : 'times'}`,
      ),
    )
  },
  link: ({ conversation, tell, complain }, peer) => {
    if (peer === '') return complain('link with whom? /link bob, or /link 10.0.0.7:4000')
    conversation.connect(peer)
    tell(`trying ${peer}; /unlink ${peer} gives it up`)
  },
  unlink: ({ conversation, tell, complain }, peer) => {
    if (peer === '') return complain('unlink whom? /unlink bob')
    if (conversation.disconnect(peer)) tell(`${peer} is not tried any more`)
    else complain(`no peer called ${peer} is linked or tried: /peers lists them`)
  },
  verify: ({ conversation, busy, tell, complain, people }) =>
    busy('checking', async ({ signal, onProgress }) => {
      const logs = conversation.heads.length
      let [entries, done] = [0, 0]
      let isSound = true
      for await (const { author, last, fault } of conversation.verify()) {
        if (signal.aborted) return
        entries += last
        done++
        onProgress(done, logs)
        if (fault === undefined) continue
        isSound = false
        complain(`${people.nameOf(author) ?? ''} ${shortKey(author)}: ${fault} at ${last + 1}`)
      }
      if (isSound) tell(`${number(entries)} entries of ${logs} authors: every sequence, chain and signature is sound`)
    }),
  export: async ({ conversation, tell, complain }, file) => {
    if (file === '' || file === '-') return complain('to which file? /export logs.chat')
    try {
      await writeExport(file, conversation.archive())
      tell(`the signed logs are in ${file}; persisted-chat import merges them`)
    } catch (error) {
      complain(`${reasonOf(error)}. Choose another file.`)
    }
  },
  quit: ({ quit }) => quit(),
}
