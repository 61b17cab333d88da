import { sanitise } from '../../base/safe-text.js'

/** Characters of a message that a notification shows. */
const TEXT_MAX = 200
const TITLE = 'persisted-chat'

/**
 * The control sequence for a desktop notification: OSC 777 (rxvt's) for terminals that support it, else OSC 9 (iTerm2's). Terminals
 * that know neither ignore it. tmux passes it on to its terminal if it is wrapped, and `allow-passthrough` is on.
 */
export function notificationOf(text: string, { TERM = '', TMUX, VTE_VERSION }: NodeJS.ProcessEnv): string {
  const shown = [...sanitise(text.slice(0, 2 * TEXT_MAX))].slice(0, TEXT_MAX).join('')
  const isRxvt = VTE_VERSION !== undefined || /^(rxvt|foot)/.test(TERM)
  // The title comes first, because terminals read a text that begins with a number and a semicolon as another command.
  const sequence = isRxvt ? `\u001b]777;notify;${TITLE};${shown}\u0007` : `\u001b]9;${TITLE}: ${shown}\u0007`
  return TMUX === undefined ? sequence : `\u001bPtmux;${sequence.replaceAll('\u001b', '\u001b\u001b')}\u001b\\`
}
