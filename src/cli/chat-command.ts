import type { Face } from '../host/face.js'
import { homeOf } from '../node/paths.js'
import { savedViewFile } from '../session/saved-view.js'
import { LineConversation } from '../ui/lines/line-conversation.js'
import { MessageDelivery } from '../ui/lines/message-delivery.js'
import { info, warn } from '../ui/lines/output.js'
import { RetriedMessage } from '../ui/lines/retried-message.js'
import { StopRequest } from '../ui/lines/stop-request.js'
import { type Notice, Notices } from '../ui/notices.js'
import { receiptLine } from '../ui/receipt-text.js'
import { attachFace } from './attach-face.js'
import type { PreparedNode } from './prepared-node.js'
import { alsoInLine } from './store/data-directory.js'

const DONE = 0
const FAILED = 1

/** How long the end waits for the disk. */
const STORING_MS_MAX = 5_000
/** Characters of a line that name it in a message. */
const NAMED_LENGTH = 40

export interface ChatOptions {
  readonly me: string
  readonly data: string
  /** Other data directories that hold logs of the same name. */
  readonly alsoIn: readonly string[]
  /** How much history is shown first; undefined: what suits the output. */
  readonly last: number | 'all' | undefined
  readonly isJson: boolean
  readonly isPlain: boolean
  /** Whether each line begins with its time. */
  readonly hasTimes: boolean
  /** Whether, with JSON, it is also written who comes and goes. */
  readonly hasPresence: boolean
  /** Whether the terminal rings when the user is called by his name. */
  readonly hasBell: boolean
  readonly room: string | undefined
  /** Said instead of what is typed; then it ends as soon as a peer has stored it, or after so many seconds. */
  readonly message: { readonly text: string; readonly timeoutS: number } | undefined
}

/** `persisted-chat <me> [peer...]` in lines: messages on stdout, everything else on stderr. Resolves with the exit code. */
export async function chat(options: ChatOptions, prepared: PreparedNode): Promise<number> {
  const stop = new StopRequest()
  const notices = new Notices()
  try {
    const { me, data, room } = options
    let delivery: MessageDelivery
    const attaching = attachFace(prepared, notices.add, warn)
    // The node starts meanwhile.
    const screen = isOnScreen(options) ? import('../ui/terminal/run.js') : undefined
    screen?.catch(() => {}) // where the node cannot be reached, that is told
    const face = await attaching
    for (const place of options.alsoIn) notices.info(alsoInLine(me, place))
    try {
      if (screen !== undefined) {
        const { runScreen } = await screen
        await runScreen(face, options, notices, over(face, stop))
        return await stored(face, stop)
      }
      notices.sendTo(tellInLines)
      if (options.message === undefined) return await converse(face, options, stop)
      const { database } = homeOf(data, me, room)
      delivery = new MessageDelivery(face, options.message, new RetriedMessage(database))
      await delivery.send(stop)
    } finally {
      if (face.others > 0) info('the chat goes on without this face')
      if (!(await face.close())) warn('the node has not closed its logs yet; it ends by itself')
    }
    return await delivery.report()
  } catch (error) {
    // Where it cannot be opened, why is all that is said, and what may be behind it.
    notices.sendTo(notice => {
      if (notice.kind === 'alarm') tellInLines(notice)
    })
    throw error
  } finally {
    stop.release()
  }
}

/** Resolves when the user ends the face, or when it cannot go on, which is told. */
async function over(face: Face, stop: StopRequest): Promise<void> {
  await Promise.race([stop.asked(), face.ended])
}

/** In lines, until the user stops it or stdout takes no more. What was typed is stored either way. */
async function converse(peer: Face, options: ChatOptions, stop: StopRequest): Promise<number> {
  // A pipe is told once, at the end.
  if (process.stdin.isTTY) peer.on('custody', holders => info(receiptLine(holders)))
  const { data, me, room } = options
  const conversation = new LineConversation(peer, {
    ...options,
    viewFile: savedViewFile(homeOf(data, me, room).database),
    quit: () => process.kill(process.pid, 'SIGINT'),
  })
  let code = FAILED
  try {
    await conversation.run(over(peer, stop))
  } finally {
    code = await stored(peer, stop)
  }
  return code
}

/**
 * What was typed is stored before the end; a second request gives that up, and so does a disk that does not answer. Gives the
 * exit code: 1 where a line is left.
 */
async function stored(peer: Face, stop: StopRequest): Promise<number> {
  await Promise.race([answered(peer), stop.asked(), delayed(STORING_MS_MAX)])
  const holders = peer.kept
  const { end, unstored } = peer
  if (end !== undefined) (end.error === undefined ? info : warn)(end.line)
  if (unstored > 0) {
    const first = JSON.stringify(peer.firstUnsaid?.slice(0, NAMED_LENGTH) ?? '')
    warn(`${unstored} of your lines could not be stored; the first began: ${first}`)
    return FAILED
  }
  if (end?.error !== undefined) return FAILED
  if (holders !== undefined && peer.hasSpoken) info(receiptLine(holders))
  return DONE
}

/**
 * Resolves when every line is answered, with those of a pipe that was being read, and the face knows who has stored the last; or at
 * once when the lines wait for a doubt about our log to be settled.
 */
async function answered(peer: Face): Promise<void> {
  await peer.refreshed()
  if (peer.isInDoubt) return
  do {
    await peer.flushed()
    await peer.refreshed()
  } while (peer.unsavedCount > 0 && peer.end === undefined)
}

const delayed = (delayMs: number): Promise<void> => new Promise(resolve => setTimeout(resolve, delayMs).unref())

const tellInLines = ({ kind, line }: Notice): void => (kind === 'info' ? info : warn)(line)

/** A person at a terminal, who did not ask for lines. */
const isOnScreen = ({ isJson, isPlain, message }: ChatOptions): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && !isJson && !isPlain && message === undefined
