import { runChat } from './chat-start.js'
import { exitCodeOf } from './exit-code.js'
import { plainChatOf } from './plain-chat.js'

/** Runs a command line, without `node` and the script. Resolves with the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const chat = plainChatOf(args)
  if (chat === undefined) return (await import('./program.js')).run(args)
  try {
    return await runChat(chat.me, chat.peers, chat.flags)
  } catch (error) {
    return exitCodeOf(error)
  }
}
