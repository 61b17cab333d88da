import { shownRoom } from '../base/names.js'
import type { Face } from '../host/client/face.js'
import { authorOfLog, logOf } from '../log/format/author.js'
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
import { DONE, FAILED } from './exit-code.js'
import type { PreparedNode } from './prepared-node.js'
import { alsoInLine } from './store/data-directory.js'

/** How long to wait for the next line to be stored before exiting. */
const STORING_MS_MAX = 5_000
/** Characters of a line that a message quotes to identify it. */
const NAMED_LENGTH = 40

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
  /** Sent instead of typed lines; the command exits once it is delivered, to `to` if given, or after `timeoutS` seconds. */
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
      if (face.goesOn) info('the chat goes on without this face')
      if (!(await face.close())) warn('the node has not closed its logs yet; it ends by itself')
    }
    return await delivery.report()
  } catch (error) {
    // If it cannot be opened, report only the reason and its possible causes.
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

/** Resolves when the user ends the face, or when the face ends by itself, which it reports. */
async function over(face: Face, stop: StopRequest): Promise<void> {
  await Promise.race([stop.asked(), face.ended])
}

/** Chats in lines until the user stops it or stdout is closed. Typed lines are stored either way. */
async function converse(face: Face, options: ChatOptions, stop: StopRequest): Promise<number> {
  // With a pipe, receipts are reported once, at the end.
  // On a terminal the receipt also says what the line is called, because the terminal has echoed it without a label.
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

/**
 * Waits until all typed lines are stored, unless the user asks a second time to stop or the disk does not respond in time.
 * `sent` resolves when no more lines follow. Resolves with the exit code: 1 if a line could not be stored.
 */
async function stored(face: Face, stop: StopRequest, sent: Promise<void>, where = ''): Promise<number> {
  await Promise.race([answered(face, sent), stop.asked(), stalled(face), face.ended])
  const replicas = face.kept
  const { end, unstored } = face
  if (end?.error !== undefined) warn(end.error.toLine())
  else if (end !== undefined) info(`${face.me} was stopped`)
  if (unstored > 0) {
    const first = JSON.stringify(face.firstUnsaid?.slice(0, NAMED_LENGTH) ?? '')
    warn(`${unstored} of your lines could not be stored; the first began: ${first}`)
    return FAILED
  }
  if (end?.error !== undefined) return FAILED
  if (replicas !== undefined && face.hasSpoken) info(`${where}${receiptLine(replicas, face.room)}`)
  return DONE
}

/** Waits as `stored` does, for every room of a terminal in turn. Closes all faces but the first. */
async function storedInAll([first, ...others]: readonly Face[], stop: StopRequest): Promise<number> {
  const codes: number[] = []
  for (const face of others) {
    codes.push(await stored(face, stop, Promise.resolve(), `${shownRoom(face.room)}: `))
    await face.close()
  }
  if (first !== undefined) codes.push(await stored(first, stop, Promise.resolve()))
  return Math.max(...codes)
}

/** Resolves when the outcome of every line is known and the receipts of the last one have arrived. */
async function answered(face: Face, sent: Promise<void>): Promise<void> {
  await face.refreshed()
  await sent
  await face.flushed()
  await face.refreshed()
}

/** Resolves when no line of ours was stored for STORING_MS_MAX. */
async function stalled(face: Face): Promise<void> {
  const storedUpTo = (): number =>
    face.heads.filter(({ author }) => authorOfLog(author) === face.id).reduce((sum, { seq }) => sum + seq, 0)
  let before: number
  do {
    before = storedUpTo()
    await delayed(STORING_MS_MAX)
  } while (storedUpTo() > before)
}

const delayed = (delayMs: number): Promise<void> => new Promise(resolve => setTimeout(resolve, delayMs).unref())

/** Whether to show the screen: on a terminal, unless lines were requested. */
const isOnScreen = ({ isJson, isPlain, message }: ChatOptions): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && !isJson && !isPlain && message === undefined
