import { Command } from 'commander'

/** Turns an action that returns an exit code into one for commander, which ignores results. */
export type ExitWith = <Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>

/** Creates the commands of one module. Each action imports what it needs when it runs. */
export type Registration = (program: Command, exitWith: ExitWith) => readonly Command[]

/** A command with the settings of the program. */
export const subcommand = (program: Command, name: string, description: string): Command =>
  new Command(name).copyInheritedSettings(program).description(description)
