import { retryDelayMs } from '../../../../base/backoff.js'
import { encodeChunk, parseChunk } from '../../protocol/bytes.js'
import { CLOSE, WEB_PROTOCOL_VERSION } from '../../protocol/limits.js'
import { parseAnswer, parseServerMessage, type ServerEvent, type ServerMessage } from '../../protocol/messages.js'
import type { Answer, Asked, RequestKind } from '../../protocol/requests.js'
import { Cell } from '../model/cell.js'
import type { Listener } from './listener.js'
import { LOST, RequestError } from './request-error.js'

/** The connection to `persisted-chat web`. */
export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** The page reconnects by itself. */
  | { readonly kind: 'lost'; readonly sinceMs: number }
  /** The address has no token, or not the token of the running process. */
  | { readonly kind: 'no-token' }
  | { readonly kind: 'too-many' }
  | { readonly kind: 'ended'; readonly text: string }

interface Waiting {
  readonly kind: RequestKind
  readonly listener: Listener
  readonly resolve: (value: unknown) => void
  readonly reject: (error: RequestError) => void
}

type ParametersOf<K extends RequestKind> = Asked<K>

/** The WebSocket to the server; reconnects when the connection is lost. */
export class Link {
  readonly state = new Cell<LinkState>({ kind: 'connecting' })
  readonly #token: string | undefined
  readonly #onEvent: (event: ServerEvent) => void
  readonly #waiting = new Map<number, Waiting>()
  #socket: WebSocket | undefined
  #lastId = 0
  #attempt = 0
  #sinceMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(token: string | undefined, onEvent: (event: ServerEvent) => void) {
    this.#token = token
    this.#onEvent = onEvent
    if (token === undefined) this.state.set({ kind: 'no-token' })
    else this.#open()
    window.addEventListener('online', () => this.retry())
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry()
    })
  }

  /** Reconnects now, if the next attempt is scheduled for later. */
  retry(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#open()
  }

  /** Resolves with the answer; rejects with a RequestError. */
  request<K extends RequestKind>(kind: K, asked: ParametersOf<K>, listener: Listener = {}): Promise<Answer<K>> {
    return new Promise((resolve, reject) => {
      if (this.state.value.kind !== 'open' || this.#socket === undefined) {
        reject(new RequestError(LOST, 'not connected', 'This page tries to connect by itself.'))
        return
      }
      const id = ++this.#lastId
      this.#waiting.set(id, { kind, listener, resolve: resolve as (value: unknown) => void, reject })
      this.#socket.send(JSON.stringify({ ...asked, kind, id }))
      listener.onSent?.(id)
    })
  }

  /** Sends bytes of an upload. */
  sendBytes(id: number, bytes: Uint8Array): void {
    this.#socket?.send(encodeChunk({ id, bytes }) as Uint8Array<ArrayBuffer>)
  }

  #open(): void {
    const socket = new WebSocket(new URL('socket', document.baseURI).href.replace(/^http/, 'ws').replace(/#.*$/, ''))
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    this.#lastId = 0
    socket.onopen = () =>
      socket.send(JSON.stringify({ kind: 'hello', token: this.#token, version: WEB_PROTOCOL_VERSION }))
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#onText(data)
      else this.#onChunk(new Uint8Array(data as ArrayBuffer))
    }
    socket.onclose = ({ code }) => this.#onClose(code)
  }

  #onText(data: string): void {
    const message = parseServerMessage(data)
    if (message === undefined) return
    switch (message.kind) {
      case 'answer':
      case 'failed':
        this.#settle(message)
        return
      case 'progress':
        this.#waiting.get(message.id)?.listener.onProgress?.(message.text, message.done, message.of)
        return
      case 'transfer':
        this.#waiting.get(message.id)?.listener.onTransfer?.(message.bytes, message.name)
        return
      case 'grant':
        this.#waiting.get(message.id)?.listener.onGrant?.(message.upTo)
        return
      case 'welcome':
        this.#attempt = 0
        this.state.set({ kind: 'open' })
        this.#onEvent(message)
        return
      case 'bye':
        if (message.isEnded) this.state.set({ kind: 'ended', text: message.text })
        return
      default:
        this.#onEvent(message)
    }
  }

  #onChunk(data: Uint8Array): void {
    const chunk = parseChunk(data)
    if (chunk !== undefined) this.#waiting.get(chunk.id)?.listener.onBytes?.(chunk.bytes)
  }

  #settle(message: Extract<ServerMessage, { kind: 'answer' | 'failed' }>): void {
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (waiting === undefined) return
    if (message.kind === 'failed') {
      waiting.reject(new RequestError(message.code, message.text, message.next))
      return
    }
    const answer = parseAnswer(waiting.kind, message.value)
    if (answer === undefined)
      waiting.reject(new RequestError('MALFORMED', 'the answer is malformed', 'Reload the page.'))
    else waiting.resolve(answer)
  }

  #onClose(code: number): void {
    this.#socket = undefined
    for (const { reject } of this.#waiting.values())
      reject(new RequestError(LOST, 'the connection ended before the answer', ''))
    this.#waiting.clear()
    const { value } = this.state
    if (code === CLOSE.refused) this.state.set({ kind: 'no-token' })
    else if (code === CLOSE.tooMany) this.state.set({ kind: 'too-many' })
    else if (code === CLOSE.otherVersion) window.location.reload()
    else this.#retryLater(value.kind === 'ended' ? value : undefined)
  }

  /** Schedules a reconnect, even if the process has ended: it may be restarted at the same address, with the same token. */
  #retryLater(ended: LinkState | undefined): void {
    if (this.#attempt === 0) this.#sinceMs = Date.now()
    this.state.set(ended ?? { kind: 'lost', sinceMs: this.#sinceMs })
    this.#timer = setTimeout(() => this.retry(), Math.min(5_000, retryDelayMs(this.#attempt, Math.random)))
    this.#attempt++
  }
}
