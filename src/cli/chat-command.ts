import { jsonLineOf } from '../chat/lines.js'
import { Names } from '../chat/names.js'
import type { Holders } from '../log/custody.js'
import { openShared } from '../peer/open-shared.js'
import type { SharedConversation } from '../peer/shared-conversation.js'
import { lineOf } from './commands/commands.js'
import { custodyLine } from './custody-lines.js'
import { alsoInLine } from './data-directory.js'
import { sayLines } from './input.js'
import { noteLatest } from './known-names.js'
import { labelled } from './labels.js'
import { type Notice, Notices } from './notices.js'
import { info, OutputClosed, warn, writeLines } from './output.js'

const DONE = 0
const FAILED = 1
const NOBODY: Holders = { on: 0, of: 0, left: 0 }

/** How long the end waits for the disk. */
const STORING_MS_MAX = 5_000

/** History that a terminal shows first, in messages. */
const TERMINAL_HISTORY = 200

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
  /** Whether the terminal rings when the user is called by his name. */
  readonly hasBell: boolean
  readonly room: string | undefined
  readonly isClockTrusted: boolean
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
    const { me, peers, data, isDiscovering, isClockTrusted, listen, room } = options
    const peer = await openShared({
      me,
      peers,
      data,
      isDiscovering,
      isClockTrusted,
      ...(room !== undefined && { room }),
      ...(listen !== undefined && { listen }),
      onInfo: notices.info,
      onWarning: notices.warn,
    })
    for (const place of options.alsoIn) notices.info(alsoInLine(me, place))
    try {
      if (isOnScreen(options)) {
        const { converseOnScreen } = await import('./screen/converse.js')
        await converseOnScreen(peer, options, notices, stop.asked())
        await stored(peer, stop)
        return DONE
      }
      notices.tellTo(tellInLines)
      if (options.isSeed) return await seed(peer, stop)
      if (options.message !== undefined) return await deliver(peer, options.message, stop)
      await converse(peer, options, stop)
      return DONE
    } finally {
      if (peer.isHost && peer.others > 0) info('the chat goes on in your other window')
      await peer.close()
    }
  } catch (error) {
    // Where it cannot be opened, why is all that is said, and what may be behind it.
    notices.tellTo(notice => {
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
    for await (const _ of peer.messages({ live: true, tail: true }));
  })()
  await Promise.race([stop.asked(), following])
  return DONE
}

/** Says one line, and waits until it is not here alone. */
async function deliver(
  peer: SharedConversation,
  message: { text: string; timeoutS: number },
  stop: StopRequest,
): Promise<number> {
  let isStored = false
  let isRefused = false
  const end = peer.ownEnd
  const stored = (async () => {
    await peer.say(message.text)
    if (peer.unsaid > 0) return
    // Why it was refused is told already; whoever holds the line before it does not hold this one.
    isRefused = peer.ownEnd <= end
    if (isRefused) return
    await peer.stored()
    isStored = true
  })()
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>(resolve => {
    timer = setTimeout(resolve, message.timeoutS * 1_000)
  })
  await Promise.race([stored, timeout, stop.asked()])
  clearTimeout(timer)
  if (isStored) {
    info(custodyLine(peer.kept ?? NOBODY))
    return DONE
  }
  if (isRefused) return FAILED
  const kept = peer.kept ?? NOBODY
  if (peer.unsaid === 0 && (kept.differing ?? 0) > 0) {
    warn(custodyLine(kept))
    return FAILED
  }
  warn(
    peer.unsaid > 0
      ? 'it is not in your log yet: either the disk does not answer, or peers had no time to tell what they hold of your log (give more with --timeout)'
      : 'no peer has stored it yet: it is in your log, and leaves with the next link',
  )
  return FAILED
}

async function converse(peer: SharedConversation, options: ChatOptions, stop: StopRequest): Promise<void> {
  const printing = print(peer, options)
  // A pipe is told once, at the end.
  if (process.stdin.isTTY) peer.on('custody', holders => info(custodyLine(holders)))
  const isTyped = process.stdin.isTTY === true && !options.isJson
  sayLines(isTyped ? { say: text => sayTyped(peer, text) } : peer, process.stdin, options.isJson).catch(error => {
    if (!process.stdin.destroyed) warn(`input cannot be read any more: ${error.message}`)
  })
  try {
    await Promise.race([stop.asked(), printing])
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error
    // What was typed is stored all the same.
    process.stdin.destroy()
    await stored(peer, stop)
    throw error
  }
  process.stdin.destroy()
  await stored(peer, stop)
}

/** What a person types in lines: a command of the screen, which does not work here, is not told to everybody. */
async function sayTyped(peer: SharedConversation, text: string): Promise<void> {
  const line = lineOf(text)
  if (line.kind === 'message') await peer.say(line.text)
  else if (line.kind === 'command' && line.name === 'quit') process.kill(process.pid, 'SIGINT')
  else warn(`/${line.name} is not said: commands are for the screen, without --plain. To say it, write //${line.name}`)
}

/** What was typed is stored before the end; a second request gives that up, and so does a disk that does not answer. */
async function stored(peer: SharedConversation, stop: StopRequest): Promise<void> {
  await Promise.race([peer.said(), stop.asked(), delayed(STORING_MS_MAX)])
  const holders = peer.kept
  if (holders !== undefined && peer.hasSpoken) info(custodyLine(holders))
  if (peer.unsaid > 0) warn(`${peer.unsaid} of your lines could not be stored`)
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

/** Resolves when nobody reads any more. */
async function print(peer: SharedConversation, { me, last, isJson, isPlain }: ChatOptions): Promise<void> {
  const count = last ?? (process.stdout.isTTY ? TERMINAL_HISTORY : 'all')
  const names = new Names(me, peer.id)
  const formatter = isJson ? jsonLineOf : labelled(names, process.stdout.isTTY === true && !isPlain)
  if (!isJson) await noteLatest(names, peer.heads, options => peer.messages(options))
  for await (const messages of peer.messages({ live: true, ...(count !== 'all' && { last: count }) })) {
    await writeLines(process.stdout, messages.map(formatter))
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C, SIGTERM or the end of the terminal. Keeps the process running until it is released. */
class StopRequest {
  readonly #awake = setInterval(() => {}, 2 ** 30)
  /** Until anybody asks there is nothing to close cleanly. */
  #onStop = (): void => process.exit(1)

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#stop)
  }

  /** Resolves at the next request. */
  asked(): Promise<void> {
    return new Promise(resolve => {
      this.#onStop = resolve
    })
  }

  release(): void {
    clearInterval(this.#awake)
    for (const signal of SIGNALS) process.removeListener(signal, this.#stop)
  }

  readonly #stop = (): void => this.#onStop()
}
