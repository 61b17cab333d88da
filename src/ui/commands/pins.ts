import { compareWords } from '../../chat/compare-words.js'
import { shortKey } from '../../chat/display-names.js'
import { type AuthorId, isSigned } from '../../log/format/author.js'
import { askingAs } from '../../node/people/people-request.js'
import { pinOf } from '../../node/people/pin.js'
import type { Session } from '../../session/session.js'
import { pinRow } from '../people-text.js'
import { type CommandContext, command } from './context.js'

export const people = command({
  name: 'people',
  argument: '',
  help: 'list which key each name has, and how you know it',
  isOrdered: true,
  run: ({ session, tell, list }) => {
    const { pins } = session.room.people
    if (pins.length === 0) tell('no name is bound to a key yet: name a peer, or /accept somebody who is here')
    else list(...pins.map(pinRow))
  },
})

export const accept = command({
  name: 'accept',
  argument: 'name [key]',
  help: 'bind a name to the key of somebody who is here or asks to talk, or to a new one',
  completes: 'name',
  isOrdered: true,
  run: (context, argument) => {
    const { session, tell } = context
    const [name = '', digits = ''] = argument.split(/\s+/)
    const key = keyOf(context, name, digits, 'accept')
    if (key === undefined) return
    const isAsking = session.room.people.asking?.some(each => each.key === key) === true
    session.room.pin(name, key, 'met')
    tell(`${name} is bound to the key ${key}: ${isAsking ? `/msg ${name} answers them` : '/people lists who you know'}`)
  },
})

export const compare = command({
  name: 'compare',
  argument: 'name [same]',
  help: 'show eight words that a person sees too, if nobody stands between you',
  completes: 'name',
  run: (context, argument) => {
    const { session, tell } = context
    const [name = '', answer = ''] = argument.split(/\s+/)
    const key = keyOf(context, name, answer === 'same' ? '' : answer, 'compare')
    if (key === undefined) return
    if (answer === 'same') {
      session.room.pin(pinOf(name, session.room.people)?.name ?? name, key, 'compared')
      return tell(`compared: ${name} is bound to the key ${shortKey(key)}`)
    }
    tell(
      `${compareWords(session.room.id, key).join(' ')}`,
      `Ask ${name} to type /compare ${session.room.me}, and read the words to each other, by voice or face to face.`,
      `The same on both screens: /compare ${name} same. Otherwise somebody stands between you, or it is not ${name}.`,
    )
  },
})

/** The key with a name and first digits. Complains if there is none, or more than one. */
function keyOf(
  { session, complain }: CommandContext,
  name: string,
  digits: string,
  verb: string,
): AuthorId | undefined {
  if (name === '') return void complain(`${verb} whom? /${verb} bob`)
  const asking = verb === 'accept' ? askingAs(session.room.people.asking ?? [], name, digits) : []
  const named = [...candidates(session, name, verb), ...asking.map(({ key }) => key)]
  const found = [...new Set(named)].filter(key => key.startsWith(digits.toLowerCase()))
  const [key, ...others] = found
  if (key === undefined) return void complain(`no one here has a key under the name ${name}`)
  if (others.length === 0) return key
  return void complain(
    `several keys use the name ${name}: ${found.map(each => `/${verb} ${name} ${shortKey(each)}`).join(' or ')}`,
  )
}

/**
 * The keys that a name can mean in a command. Unless another key has answered under the name, /compare considers only
 * the pinned key, and /accept only other keys.
 */
function candidates(session: Session, name: string, verb: string): readonly AuthorId[] {
  const { room } = session
  const pin = pinOf(name, room.people)
  if (verb === 'compare' && pin !== undefined && pin.other === undefined) return [pin.key]
  const isOpen = verb === 'compare' || pin?.other !== undefined
  const keys = new Set([pin?.other, ...session.authorsNamed(name), ...(isOpen ? [pin?.key] : [])])
  return [...keys].filter(
    (key): key is AuthorId => key !== undefined && isSigned(key) && key !== room.id && (isOpen || key !== pin?.key),
  )
}
