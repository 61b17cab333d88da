import type { Face } from '../host/client/face.js'
import { logOf } from '../log/format/author.js'
import { homeOf } from '../node/paths.js'
import { savedViewFile } from '../session/saved-view.js'
import { LineConversation } from '../ui/lines/line-conversation.js'
import { MessageDelivery, type MessageOptions } from '../ui/lines/message-delivery.js'
import { info, tell, warn } from '../ui/lines/output.js'
import { RetriedMessage } from '../ui/lines/retried-message.js'
import type { StopRequest } from '../ui/lines/stop-request.js'
import { Notices } from '../ui/notices.js'
import { receiptLine } from '../ui/receipt-text.js'
import { attachFace } from './attach-face.js'
import { FAILED } from './exit-code.js'
import type { PreparedNode } from './prepared-node.js'
import { alsoInLine } from './store/data-directory.js'
import { stored, storedInAll } from './stored-faces.js'

export interface ChatOptions {
  readonly me: string
  readonly data: string
  /** Other data directories that contain logs of the same name. */
  readonly alsoIn: readonly string[]
  /** How much history is shown first; undefined: the default for the output. */
  readonly last: number | 'all' | undefined
  readonly isJson: boolean
  readonly isPlain: boolean
  /** Whether each line begins with its time. */
  readonly hasTimes: boolean
  /** Whether JSON output includes presence changes. */
  readonly hasPresence: boolean
  /** Whether the terminal bell rings when someone mentions the user. */
  readonly hasBell: boolean
  /** The command to run for messages that ring and that the user does not see. */
  readonly onMention: string | undefined
  readonly room: string | undefined
  /**
   * The message to send instead of typed lines. The command exits when the message is delivered, to `to` if given, or
   * after `timeoutS` seconds.
   */
  readonly message: MessageOptions | undefined
}

/** `persisted-chat <me> [peer...]` in lines: messages on stdout, everything else on stderr. Resolves with the exit code. */
export async function chat(options: ChatOptions, prepared: PreparedNode, stop: StopRequest): Promise<number> {
  const notices = new Notices()
  try {
    const { me, data, room } = options
    let delivery: MessageDelivery
    const attaching = attachFace(prepared, notices.add, tell)
    // Loaded while the node starts.
    const screen = isOnScreen(options) ? import('./terminal-chat.js') : undefined
    screen?.catch(() => {}) // if the node cannot be reached, that error is reported instead
    const face = await attaching
    for (const place of options.alsoIn) notices.info(alsoInLine(me, place))
    try {
      if (screen !== undefined) {
        const { runTerminal } = await screen
        const faces = await runTerminal({ face, notices }, options, prepared, stop)
        return await storedInAll(faces, stop)
      }
      notices.sendTo(tell)
      if (options.message === undefined) return await converse(face, options, stop)
      const { database } = homeOf(data, me, room)
      delivery = new MessageDelivery(face, options.message, new RetriedMessage(database))
      await delivery.send(stop)
    } finally {
      if (face.goesOn) info('the chat continues without this face')
      if (!(await face.close())) warn('the node has not closed its logs yet; it ends by itself')
    }
    return await delivery.report()
  } catch (error) {
    // If the room cannot be opened, report only the reason and its possible causes.
    notices.sendTo(notice => {
      if (notice.level === 'warning') tell(notice)
    })
    throw error
  }
}

/** The label of the last line of the user, `b12: `, if it has one. */
function ownLabel({ lastPlace, id, labels }: Face): string {
  const label = lastPlace && labels.labelOf(logOf(id, lastPlace.run), lastPlace.seq)
  return label === undefined ? '' : `${label}: `
}

/** Resolves when the user ends the face, or when the face ends by itself; reports the latter. */
async function over(face: Face, stop: StopRequest): Promise<void> {
  await Promise.race([stop.asked(), face.ended])
}

/** Chats in lines until the user stops it or stdout is closed. Typed lines are stored either way. */
async function converse(face: Face, options: ChatOptions, stop: StopRequest): Promise<number> {
  // With a pipe, receipts are reported once, at the end. On a terminal, the receipt begins with the label of the line,
  // because the terminal has echoed the line without it.
  if (process.stdin.isTTY) face.on('delivery', replicas => info(`${ownLabel(face)}${receiptLine(replicas, face.room)}`))
  const { data, me, room } = options
  const conversation = new LineConversation(face, {
    ...options,
    viewFile: savedViewFile(homeOf(data, me, room).database),
    quit: () => process.kill(process.pid, 'SIGINT'),
  })
  let code = FAILED
  try {
    await conversation.run(over(face, stop))
  } finally {
    code = await stored(face, stop, conversation.sent)
  }
  return code
}

/** Whether to show the screen: on a terminal, unless lines were requested. */
const isOnScreen = ({ isJson, isPlain, message }: ChatOptions): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && !isJson && !isPlain && message === undefined
