import { systemClock } from '../../base/clock.js'
import { errorLine } from '../../base/errors.js'
import type { SharedConversation } from '../../host/shared-conversation.js'
import type { Seq } from '../../log/format/author.js'
import type { Replicas } from '../../sync/receipts.js'
import { receiptLine } from '../receipt-text.js'
import { piecesOf } from '../split-lines.js'
import { cutLine, MESSAGE_BYTES_MAX } from './input.js'
import { info, warn } from './output.js'
import type { RetriedMessage } from './retried-message.js'
import type { StopRequest } from './stop-request.js'

const DONE = 0
const FAILED = 1
const NOBODY: Replicas = { on: 0, of: 0, left: 0 }

/** How long a window waits for the process that keeps the chat running to store its line. */
const HAND_OVER_MS = 5_000

/** Says one message and waits until a peer has stored it. What became of it is known, and reported, after closing. */
export class MessageDelivery {
  readonly #peer: SharedConversation
  readonly #text: string
  readonly #timeoutS: number
  readonly #retried: RetriedMessage
  #holders: Replicas | undefined
  #refusal: string | undefined
  /** How far the own log went before. */
  readonly #headBefore: Seq
  #isRetry = false
  /** Whether another process has the message and has not confirmed it. */
  #isHandedOver = false

  constructor(
    peer: SharedConversation,
    { text, timeoutS }: { readonly text: string; readonly timeoutS: number },
    retried: RetriedMessage,
  ) {
    this.#peer = peer
    this.#text = text
    this.#timeoutS = timeoutS
    this.#retried = retried
    this.#headBefore = this.#ownHead
  }

  /** Resolves when a peer has stored it, when the time is up, or when the user stops it. */
  async attempt(stop: StopRequest): Promise<void> {
    const peer = this.#peer
    this.#isRetry = this.#retried.isRetry(this.#text, this.#headBefore, systemClock.now())
    if (this.#isRetry) info('this message is in your log already and is not said again; waiting for a peer to store it')
    const delivered = (async () => {
      if (!this.#isRetry) await this.#say()
      if (peer.unsavedCount > 0 || !this.#isInLog) return
      await peer.stored()
      this.#holders = peer.kept
    })()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>(resolve => {
      timer = setTimeout(resolve, this.#timeoutS * 1_000)
    })
    const stopped = stop.asked()
    await Promise.race([delivered, timeout, stopped])
    // Another process stores it: this one cannot see that any more once it has left.
    if (!peer.isHost && peer.unsavedCount > 0)
      await Promise.race([peer.flushed(), stopped, new Promise(resolve => setTimeout(resolve, HAND_OVER_MS))])
    clearTimeout(timer)
    this.#isHandedOver = !peer.isHost && peer.unsavedCount > 0
  }

  /** Reports what became of it, once the conversation is closed. Gives the exit code. */
  async report(): Promise<number> {
    if (this.#holders !== undefined) {
      await this.#retried.delivered()
      info(receiptLine(this.#holders))
      return DONE
    }
    if (this.#isHandedOver) {
      warn('the process that keeps the chat running has it, and has not stored it yet: it need not be said again')
    } else if (this.#refusal !== undefined) {
      warn(`it was not said: ${this.#refusal}`)
    } else if (this.#peer.unsavedCount > 0) {
      warn('it could not be stored and is not in your log: the disk does not answer, or your log waits for a peer')
    } else if (!this.#isInLog) {
      warn('it was refused and is not in your log') // why has been reported
    } else if ((this.#peer.kept?.differing ?? 0) > 0) {
      warn(receiptLine(this.#peer.kept ?? NOBODY))
    } else {
      await this.#retried.failed(this.#text, this.#ownHead, systemClock.now())
      warn('no peer has stored it yet: it is in your log, and leaves with the next link; it need not be said again')
    }
    return FAILED
  }

  async #say(): Promise<void> {
    const pieces = [...piecesOf(this.#text, MESSAGE_BYTES_MAX)]
    if (pieces.length > 1) info(cutLine())
    try {
      await Promise.all(pieces.map(piece => this.#peer.say(piece)))
    } catch (error) {
      this.#refusal = errorLine(error)
    }
  }

  get #isInLog(): boolean {
    return this.#isRetry || (this.#refusal === undefined && this.#ownHead > this.#headBefore)
  }

  get #ownHead(): Seq {
    const { heads, id } = this.#peer
    return heads.find(({ author }) => author === id)?.seq ?? 0
  }
}
