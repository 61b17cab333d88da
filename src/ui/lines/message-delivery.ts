import { systemClock } from '../../base/clock.js'
import { errorLine } from '../../base/errors.js'
import { isDirectName } from '../../base/names.js'
import type { Face } from '../../host/client/face.js'
import { type AuthorId, authorOfLog, type Seq } from '../../log/format/author.js'
import { pinOf } from '../../node/people/pin.js'
import type { Replicas } from '../../sync/receipts.js'
import { hindranceOf } from '../people-text.js'
import { receiptLine } from '../receipt-text.js'
import { piecesOf } from '../split-lines.js'
import { cutLine, MESSAGE_BYTES_MAX } from './input.js'
import { info, warn } from './output.js'
import type { RetriedMessage } from './retried-message.js'
import type { StopRequest } from './stop-request.js'

const DONE = 0
const FAILED = 1
const NO_REPLICAS: Replicas = { on: 0, of: 0, left: 0 }

/** How long the face waits for the node to store the message. */
const HAND_OVER_MS = 5_000

export interface MessageOptions {
  readonly text: string
  readonly timeoutS: number
  /**
   * The name of the person who must have stored the message. Default: any known person, or anybody if the user named no
   * peer.
   */
  readonly to?: string | undefined
}

/** Sends one message and waits until a peer has stored it. The result is reported after the conversation is closed. */
export class MessageDelivery {
  readonly #face: Face
  readonly #text: string
  readonly #timeoutS: number
  readonly #to: string | undefined
  readonly #retried: RetriedMessage
  #replicas: Replicas | undefined
  #refusal: string | undefined
  /** Our latest entry before the message. */
  readonly #headBefore: Seq
  #isRetry = false
  /** Whether a node that keeps running has the message, but has not confirmed it. */
  #isHandedOver = false

  constructor(face: Face, { text, timeoutS, to }: MessageOptions, retried: RetriedMessage) {
    this.#face = face
    this.#text = text
    this.#timeoutS = timeoutS
    this.#to = to
    this.#retried = retried
    this.#headBefore = this.#ownHead
  }

  /** Resolves when a peer has stored the message, after the timeout, or when the user stops the program. */
  async send(stop: StopRequest): Promise<void> {
    const face = this.#face
    this.#isRetry = this.#retried.isRetry(this.#text, this.#headBefore, systemClock.now())
    if (this.#isRetry) info('this message is in your log already and is not sent twice; waiting for a peer to store it')
    const delivered = (async () => {
      if (!this.#isRetry) await this.#append()
      if (face.unsavedCount > 0 || !this.#isInLog) return
      await (this.#to === undefined ? face.delivered() : this.#deliveredTo(this.#to))
      this.#replicas = face.kept
    })()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>(resolve => {
      timer = setTimeout(resolve, this.#timeoutS * 1_000)
    })
    const stopped = stop.asked()
    await Promise.race([delivered, timeout, stopped])
    if (face.unsavedCount > 0)
      await Promise.race([face.flushed(), stopped, new Promise(resolve => setTimeout(resolve, HAND_OVER_MS))])
    clearTimeout(timer)
    this.#isHandedOver = face.unsavedCount > 0 && face.goesOn
  }

  /** Reports the result after the conversation is closed. Returns the exit code. */
  async report(): Promise<number> {
    if (this.#replicas !== undefined) {
      await this.#retried.delivered()
      info(this.#to === undefined ? receiptLine(this.#replicas, this.#face.room) : `last line delivered to ${this.#to}`)
      return DONE
    }
    if (this.#isHandedOver) {
      warn('the node has the message, but has not stored it yet; do not send it again')
    } else if (this.#refusal !== undefined) {
      warn(`the message was not sent: ${this.#refusal}`)
    } else if (this.#face.unsavedCount > 0) {
      warn(
        'the message could not be stored and is not in your log: the disk does not answer, or your log waits for a peer',
      )
    } else if (!this.#isInLog) {
      warn('the message was rejected and is not in your log') // the reason has been reported
    } else if ((this.#face.kept?.differing ?? 0) > 0) {
      warn(receiptLine(this.#face.kept ?? NO_REPLICAS))
    } else {
      await this.#retried.failed(this.#text, this.#ownHead, systemClock.now())
      const { me, people } = this.#face
      const hindrance = this.#to === undefined ? undefined : hindranceOf(me, this.#to, people)
      if (hindrance !== undefined) warn(hindrance)
      const { room } = this.#face
      warn(
        isDirectName(room)
          ? `not delivered yet: the message is in your log, and ${room.slice(1)} gets it when you are both connected; do not send it again`
          : 'not delivered yet: the message is in your log and will be sent on the next connection; do not send it again',
      )
    }
    return FAILED
  }

  /** Waits until a key is pinned to the name, and the peer with that key has stored the message. */
  async #deliveredTo(name: string): Promise<void> {
    const face = this.#face
    const keyOf = (): AuthorId | undefined => pinOf(name, face.people)?.key
    while (keyOf() === undefined) await new Promise<void>(resolve => void face.once('change', () => resolve()))
    await face.delivered({ to: keyOf() })
  }

  async #append(): Promise<void> {
    const pieces = [...piecesOf(this.#text, MESSAGE_BYTES_MAX)]
    if (pieces.length > 1) info(cutLine())
    try {
      await Promise.all(pieces.map(piece => this.#face.say(piece)))
    } catch (error) {
      this.#refusal = errorLine(error)
    }
  }

  get #isInLog(): boolean {
    return this.#isRetry || (this.#refusal === undefined && this.#ownHead > this.#headBefore)
  }

  get #ownHead(): Seq {
    const { heads, id } = this.#face
    return heads.filter(({ author }) => authorOfLog(author) === id).reduce((sum, { seq }) => sum + seq, 0)
  }
}
