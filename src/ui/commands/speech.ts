import { checkName } from '../../base/names.js'
import { command } from './context.js'

export const me = command({
  name: 'me',
  argument: 'text',
  help: 'say what you are doing: * alice waves',
  run: ({ say, complain }, text) =>
    text === '' ? complain('what are you doing? /me waves') : say({ kind: 'action', text }),
})

export const nick = command({
  name: 'nick',
  argument: 'name',
  help: 'change your name, for everyone',
  run: ({ session, tell, complain, say }, argument) => {
    if (argument === '') return tell(`your name is ${session.nick}: /nick name changes it`)
    const nick = checkName(argument, `the name ${JSON.stringify(argument)}`)
    if (nick === session.nick) return tell(`your name is ${nick} already`)
    if (session.isTaken(nick)) return complain(`the name ${nick} is taken here: choose another one`)
    say(session.changeNick(nick))
  },
})

export const topic = command({
  name: 'topic',
  argument: '[text]',
  help: 'set the topic, for everyone; alone: show it; -: remove it',
  run: ({ session: { topic }, tell, say }, text) => {
    if (text === '-') return say({ kind: 'topic', topic: '' })
    if (text !== '') return say({ kind: 'topic', topic: text })
    tell(topic ? `the topic is: ${topic}` : 'there is no topic: /topic text sets one')
  },
})

export const away = command({
  name: 'away',
  argument: '[text]',
  help: 'tell everyone that you are away, and why; /back ends it',
  run: ({ session }, text) => session.setAway(text),
})

export const back = command({
  name: 'back',
  argument: '',
  help: 'tell everyone that you are back; so does your next line',
  run: ({ session }) => session.setAway(undefined),
})
