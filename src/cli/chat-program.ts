import type { Command } from 'commander'
import { namesOfOptions } from './chat-options.js'
import { runChat } from './chat-start.js'
import { type ExitWith, type Registration, subcommand, withChatOptions } from './registration.js'

/** `persisted-chat chat`: the chat as a command, for user names that are also commands. */
export const chatCommands: Registration = (program, exitWith) => [
  addChat(subcommand(program, 'chat', 'the chat, for a name that is also a command'), exitWith),
]

/** Adds the arguments, the options and the action of the chat to a command. */
export const addChat = (command: Command, exitWith: ExitWith): Command =>
  withChatOptions(command, namesOfOptions)
    .argument('[me]', 'your name')
    .argument('[peer...]', 'names on the local network, or addresses as host:port')
    .action(exitWith(runChat))
