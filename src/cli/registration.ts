import { Command } from 'commander'
import { flagOf, type OptionName, optionOf } from './chat-options.js'
import { parserOf } from './option-values.js'

/** Turns an action that returns an exit code into one for commander, which ignores results. */
export type ExitWith = <Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>

/** Creates the commands of one module. Each action imports what it needs when it runs. */
export type Registration = (program: Command, exitWith: ExitWith) => readonly Command[]

/** A command with the settings of the program. */
export const subcommand = (program: Command, name: string, description: string): Command =>
  new Command(name).copyInheritedSettings(program).description(description)

/** Adds options of the chat to a command. */
export function withChatOptions(command: Command, names: readonly OptionName[]): Command {
  for (const name of names) {
    const { argument, value, default: absent, help } = optionOf(name)
    const flags = argument === undefined ? flagOf(name) : `${flagOf(name)} <${argument}>`
    if (value === undefined) command.option(flags, help)
    else command.option(flags, help, parserOf(value), absent)
  }
  return command
}
