import { ChatError } from '../base/errors.js'
import { checkName } from '../base/names.js'
import { pinnedNameOf } from '../node/people/pin.js'
import { loadWrapping } from '../ui/lines/output.js'
import { StopRequest } from '../ui/lines/stop-request.js'
import { type ChatFlags, nodeOptionsIn } from './chat-options.js'
import { prepareNode } from './prepared-node.js'
import { dataDirectory } from './store/data-directory.js'

/** Starts the chat. Starts the node first, and loads the rest of the program meanwhile. Resolves with the exit code. */
export async function runChat(me: string | undefined, peers: string[], flags: ChatFlags): Promise<number> {
  if (me === undefined)
    throw new ChatError('BAD_USAGE', 'your name is missing', { hint: 'Try: persisted-chat alice bob' })
  if (flags.message !== undefined && isInvisible(flags.message))
    throw new ChatError('BAD_USAGE', 'the --message is empty', { hint: 'Pass a text, as in --message hello.' })
  if (flags.presence && !flags.json)
    throw new ChatError('BAD_USAGE', '--presence writes JSON objects', { hint: 'Pass --json as well.' })
  if (flags.to !== undefined && flags.message === undefined)
    throw new ChatError('BAD_USAGE', '--to is for a --message, and says who must have stored it', {
      hint: 'Pass --message as well, or name the person after your name.',
    })
  if (flags.onMention !== undefined && (flags.message !== undefined || flags.seed))
    throw new ChatError('BAD_USAGE', '--on-mention is for a face that shows messages', {
      hint: 'Leave it out, or chat without --message and --seed.',
    })
  if (flags.web && (flags.message !== undefined || flags.seed))
    throw new ChatError('BAD_USAGE', '--web shows the chat', { hint: 'Leave it out, or --message and --seed.' })
  const to = flags.to === undefined ? undefined : checkName(flags.to, `the name ${JSON.stringify(flags.to)}`)
  const place = await dataDirectory(me, flags.data)
  const isDialled = to === undefined || peers.some(peer => pinnedNameOf(peer) === pinnedNameOf(to))
  const { room } = flags
  const asked = { me, peers: isDialled ? peers : [...peers, to], room, ...nodeOptionsIn(flags), ...place }
  if (flags.seed) {
    const [{ runNode }] = await Promise.all([import('./node/node-command.js'), loadWrapping()])
    return runNode(asked)
  }
  if (flags.web) {
    const [{ serveWeb }] = await Promise.all([import('./web/web-command.js'), loadWrapping()])
    return serveWeb({ ...asked, onMention: flags.onMention, port: 0, isOpened: false, isJson: flags.json ?? false })
  }
  const stop = new StopRequest() // a signal during the start of the node must not end this process without an exit code
  const face = {
    me,
    ...place,
    room,
    isPlain: flags.plain ?? false,
    hasTimes: flags.time ?? false,
    hasPresence: flags.presence ?? false,
    hasBell: flags.bell,
    onMention: flags.onMention,
    last: flags.all ? ('all' as const) : flags.last,
    isJson: flags.json ?? false,
    message: flags.message === undefined ? undefined : { text: flags.message, timeoutS: flags.timeout, to },
  }
  try {
    const node = await prepareNode(asked)
    // Loaded while the node starts.
    const [{ chat }] = await Promise.all([import('./chat-command.js'), loadWrapping()])
    return await chat(face, node, stop)
  } finally {
    stop.release()
  }
}

/**
 * Whether a text is invisible: white space, controls and invisible characters. U+2800 is a braille cell without dots.
 */
const isInvisible = (text: string): boolean =>
  /^(?:[\s\p{Z}\p{C}\u2800]|\p{Default_Ignorable_Code_Point})*$/u.test(text)
