import { openShared } from '../host/open-shared.js'
import type { SharedConversation } from '../host/shared-conversation.js'
import { homeOf } from '../node/paths.js'
import { savedViewFile } from '../session/saved-view.js'
import { LineConversation } from '../ui/lines/line-conversation.js'
import { MessageDelivery } from '../ui/lines/message-delivery.js'
import { info, warn } from '../ui/lines/output.js'
import { RetriedMessage } from '../ui/lines/retried-message.js'
import { StopRequest } from '../ui/lines/stop-request.js'
import { type Notice, Notices } from '../ui/notices.js'
import { receiptLine } from '../ui/receipt-text.js'
import { alsoInLine } from './store/data-directory.js'

const DONE = 0
const FAILED = 1

/** How long the end waits for the disk. */
const STORING_MS_MAX = 5_000

export interface ChatOptions {
  readonly me: string
  readonly peers: readonly string[]
  readonly listen: string | undefined
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
  readonly isDiscovering: boolean
  /** Whether nothing is said or shown, only kept and relayed. */
  readonly isSeed: boolean
  /** Said instead of what is typed; then it ends as soon as a peer has stored it, or after so many seconds. */
  readonly message: { readonly text: string; readonly timeoutS: number } | undefined
}

/** `persisted-chat <me> [peer...]` in lines: messages on stdout, everything else on stderr. Resolves with the exit code. */
export async function chat(options: ChatOptions): Promise<number> {
  const stop = new StopRequest()
  const notices = new Notices()
  try {
    const { me, peers, data, isDiscovering, listen, room } = options
    let delivery: MessageDelivery
    const running = {
      me,
      peers,
      data,
      isDiscovering,
      ...(room !== undefined && { room }),
      ...(listen !== undefined && { listen }),
      onInfo: notices.info,
      onWarning: notices.warn,
    }
    const peer = await openShared(running, warn)
    for (const place of options.alsoIn) notices.info(alsoInLine(me, place))
    try {
      if (isOnScreen(options)) {
        const { runScreen } = await import('../ui/terminal/run.js')
        await runScreen(peer, options, notices, stop.asked())
        return await stored(peer, stop)
      }
      notices.sendTo(tellInLines)
      if (options.isSeed) return await seed(peer, stop)
      if (options.message === undefined) return await converse(peer, options, stop)
      const { database } = homeOf(data, me, room)
      delivery = new MessageDelivery(peer, options.message, new RetriedMessage(database))
      await delivery.send(stop)
    } finally {
      if (peer.isHost && peer.others > 0) info('the chat goes on in your other window')
      await peer.close()
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

/** Keeps and relays, until it is stopped or cannot go on. */
async function seed(peer: SharedConversation, stop: StopRequest): Promise<number> {
  const following = (async () => {
    for await (const _ of peer.batches({ live: true, tail: true }));
  })()
  await Promise.race([stop.asked(), following])
  return DONE
}

/** In lines, until the user stops it or stdout takes no more. What was typed is stored either way. */
async function converse(peer: SharedConversation, options: ChatOptions, stop: StopRequest): Promise<number> {
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
    await conversation.run(stop.asked())
  } finally {
    code = await stored(peer, stop)
  }
  return code
}

/**
 * What was typed is stored before the end; a second request gives that up, and so does a disk that does not answer. Gives the
 * exit code: 1 where a line is left.
 */
async function stored(peer: SharedConversation, stop: StopRequest): Promise<number> {
  await Promise.race([peer.flushed(), stop.asked(), delayed(STORING_MS_MAX)])
  const holders = peer.kept
  if (peer.unsavedCount > 0) {
    warn(`${peer.unsavedCount} of your lines could not be stored`)
    return FAILED
  }
  if (holders !== undefined && peer.hasSpoken) info(receiptLine(holders))
  return DONE
}

const delayed = (delayMs: number): Promise<void> => new Promise(resolve => setTimeout(resolve, delayMs).unref())

const tellInLines = ({ kind, line }: Notice): void => (kind === 'info' ? info : warn)(line)

/** A person at a terminal, who did not ask for lines. */
const isOnScreen = ({ isJson, isPlain, isSeed, message }: ChatOptions): boolean =>
  process.stdin.isTTY === true &&
  process.stdout.isTTY === true &&
  !isJson &&
  !isPlain &&
  !isSeed &&
  message === undefined
