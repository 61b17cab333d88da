import { EventEmitter, once } from 'node:events'
import { WebSocket } from 'ws'
import { encodeChunk, parseChunk } from '../../src/ui/web/protocol/bytes.js'
import { WEB_PROTOCOL_VERSION } from '../../src/ui/web/protocol/limits.js'
import { parseAnswer, parseServerMessage, type ServerMessage } from '../../src/ui/web/protocol/messages.js'
import type { Answer, Asked, RequestKind } from '../../src/ui/web/protocol/requests.js'
import type { LineRow, Row } from '../../src/ui/web/protocol/rows.js'
import type { RoomState } from '../../src/ui/web/protocol/state.js'

/** A request of a page was answered with `failed`. */
export class RequestFailed extends Error {
  readonly code: string

  constructor(code: string, text: string) {
    super(text)
    this.code = code
  }
}

/** The address of the WebSocket, its origin and the token, from the address of a page. */
export function partsOf(url: string): { readonly socket: string; readonly origin: string; readonly token: string } {
  const { host, origin, hash } = new URL(url)
  return { socket: `ws://${host}/socket`, origin, token: hash.slice(1) }
}

/** A page without a browser: says hello, makes requests, and keeps what the server says. */
export class WebPage extends EventEmitter<{ message: [ServerMessage] }> {
  readonly socket: WebSocket
  readonly messages: ServerMessage[] = []
  /** Rows of the selected room, by their ids. */
  readonly rows = new Map<string, Row>()
  room = ''
  /** The latest state of the selected room. */
  state: RoomState | undefined
  /** Bytes that answered requests. */
  readonly #bytes = new Map<number, Uint8Array[]>()
  #last = 0

  private constructor(socket: WebSocket) {
    super()
    this.setMaxListeners(0)
    socket.setMaxListeners(0)
    this.socket = socket
    socket.on('message', (data, isBinary) => {
      if (isBinary) return this.#chunk(data as Buffer)
      const message = parseServerMessage(String(data))
      if (message === undefined) throw new Error(`malformed: ${String(data).slice(0, 200)}`)
      this.messages.push(message)
      if (message.kind === 'state') this.state = message.state
      if (message.kind === 'rows') for (const row of message.rows) this.rows.set(row.id, row)
      this.emit('message', message)
    })
  }

  /** Opens the page at an address, as `persisted-chat web` prints it. */
  static async open(url: string): Promise<WebPage> {
    const { socket: address, origin, token } = partsOf(url)
    const socket = new WebSocket(address, { origin })
    const page = new WebPage(socket)
    await once(socket, 'open')
    socket.send(JSON.stringify({ kind: 'hello', token, version: WEB_PROTOCOL_VERSION }))
    await page.said('welcome')
    return page
  }

  /** The first message of a kind that fits, past or to come. */
  async said<K extends ServerMessage['kind']>(
    kind: K,
    fits: (message: Extract<ServerMessage, { readonly kind: K }>) => boolean = () => true,
    from = 0,
  ): Promise<Extract<ServerMessage, { readonly kind: K }>> {
    type Wanted = Extract<ServerMessage, { readonly kind: K }>
    const isWanted = (message: ServerMessage): message is Wanted => message.kind === kind && fits(message as Wanted)
    const past = this.messages.slice(from).find(isWanted)
    if (past !== undefined) return past
    return new Promise((resolve, reject) => {
      const onMessage = (message: ServerMessage): void => {
        if (!isWanted(message)) return
        this.off('message', onMessage)
        resolve(message)
      }
      this.on('message', onMessage)
      this.socket.once('close', code => reject(new Error(`closed with ${code}`)))
    })
  }

  /** Makes a request; resolves with its answer. Rejects with RequestFailed. */
  async ask<K extends RequestKind>(kind: K, asked: Asked<K>): Promise<Answer<K>> {
    return (await this.begin(kind, asked)).answer
  }

  /** Makes a request that the test goes on with. */
  begin<K extends RequestKind>(kind: K, asked: Asked<K>): { readonly id: number; readonly answer: Promise<Answer<K>> } {
    const id = ++this.#last
    this.socket.send(JSON.stringify({ kind, id, ...asked }))
    return { id, answer: this.#answer(kind, id) }
  }

  async select(room: string): Promise<Answer<'select'>> {
    const answer = await this.ask('select', { room })
    this.room = room
    this.state = answer.state
    this.rows.clear()
    for (const row of answer.page.rows) this.rows.set(row.id, row)
    return answer
  }

  /** The state of the selected room, now or once it is as expected. */
  async stateWith(fits: (state: RoomState) => boolean): Promise<RoomState> {
    for (;;) {
      if (this.state !== undefined && fits(this.state)) return this.state
      await once(this, 'message')
    }
  }

  async say(text: string): Promise<void> {
    await this.ask('say', { room: this.room, text })
  }

  /** The row of a line with this text, present or to come; with `fits`, once it is as expected. */
  async line(text: string, fits: (row: LineRow) => boolean = () => true): Promise<LineRow> {
    const find = (): LineRow | undefined =>
      [...this.rows.values()].find((row): row is LineRow => row.kind === 'line' && row.text === text && fits(row))
    for (let found = find(); ; found = find()) {
      if (found !== undefined) return found
      await once(this, 'message')
    }
  }

  /** Sends a file as a page does. */
  async upload(room: string, name: string, bytes: Uint8Array): Promise<Answer<'upload'>> {
    const { id, answer } = this.begin('upload', { room, name, bytes: bytes.length, isRaw: false })
    let sent = 0
    const send = (upTo: number): void => {
      for (; sent < upTo; ) {
        const end = Math.min(upTo, sent + 100_000)
        this.socket.send(encodeChunk({ id, bytes: bytes.subarray(sent, end) }))
        sent = end
      }
    }
    this.on('message', message => message.kind === 'grant' && message.id === id && send(message.upTo))
    return answer
  }

  /** The bytes that answer a request. */
  async bytesOf<K extends RequestKind>(kind: K, asked: Asked<K>): Promise<Uint8Array> {
    const { id, answer } = this.begin(kind, asked)
    this.#bytes.set(id, [])
    await answer
    return Buffer.concat(this.#bytes.get(id) ?? [])
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return
    this.socket.close()
    await once(this.socket, 'close')
  }

  async #answer<K extends RequestKind>(kind: K, id: number): Promise<Answer<K>> {
    const isMine = (message: ServerMessage): boolean =>
      (message.kind === 'answer' || message.kind === 'failed') && message.id === id
    const message = await Promise.race([this.said('answer', isMine), this.said('failed', isMine)])
    if (message.kind === 'failed') throw new RequestFailed(message.code, message.text)
    const answer = parseAnswer(kind, message.value)
    if (answer === undefined) throw new Error(`malformed answer to ${kind}: ${JSON.stringify(message.value)}`)
    return answer
  }

  #chunk(data: Buffer): void {
    const chunk = parseChunk(data)
    if (chunk === undefined) throw new Error('malformed bytes')
    this.#bytes.get(chunk.id)?.push(Uint8Array.from(chunk.bytes))
    this.ask('grant', { request: chunk.id, bytes: chunk.bytes.length }).catch(() => {})
  }
}
