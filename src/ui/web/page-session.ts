import { ChatError, reasonOf } from '../../base/errors.js'
import { sanitise } from '../../base/safe-text.js'
import { SHOWN_COMMANDS } from '../commands/commands.js'
import { CLOSE, REQUESTS_MAX } from './protocol/limits.js'
import type { Request, ServerEvent } from './protocol/messages.js'
import type { Answer, RequestKind } from './protocol/requests.js'
import { FILE_REQUESTS } from './requests/file-requests.js'
import { IncomingBytes } from './requests/incoming-bytes.js'
import { LINE_REQUESTS } from './requests/line-requests.js'
import { MEMBER_REQUESTS } from './requests/member-requests.js'
import { OutgoingBytes } from './requests/outgoing-bytes.js'
import { REPORT_REQUESTS } from './requests/report-requests.js'
import { ROOM_REQUESTS } from './requests/room-requests.js'
import type { Handlers, ShownRoom, Work } from './requests/work.js'
import { RoomCommands } from './room/room-commands.js'
import { RoomView } from './room/room-view.js'
import type { PageHandlers, PageSocket } from './server/page-socket.js'
import type { Workspace } from './workspace.js'

/** Requests that the session answers itself. */
type Own = 'select' | 'cancel' | 'grant'

const HANDLERS: Handlers<Exclude<RequestKind, Own>> = {
  ...LINE_REQUESTS,
  ...ROOM_REQUESTS,
  ...MEMBER_REQUESTS,
  ...FILE_REQUESTS,
  ...REPORT_REQUESTS,
}

/** A request that is not answered yet. */
interface Running {
  readonly abort: AbortController
  incoming?: IncomingBytes
  outgoing?: OutgoingBytes
}

/** The server's side of one page: the room that the page shows, and its requests. */
export class PageSession implements PageHandlers {
  readonly #workspace: Workspace
  readonly #socket: PageSocket
  readonly #running = new Map<number, Running>()
  #shown: ShownRoom | undefined
  /** The queue of room selections, which are executed one by one. */
  #selecting: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(workspace: Workspace, socket: PageSocket) {
    this.#workspace = workspace
    this.#socket = socket
    const { me, face, firstRoom, parts } = workspace
    socket.answer({
      kind: 'welcome',
      me,
      person: { name: me, key: face.id, isKnown: true, isOwn: true },
      room: firstRoom,
      commands: SHOWN_COMMANDS.map(({ name, argument, help }) => ({ name, argument, help })),
      version: parts.version,
    })
    socket.answer(workspace.roomsEvent)
    socket.answer(workspace.nodeEvent)
    workspace.on('event', this.#send)
  }

  request(request: Request): void {
    if (request.kind === 'cancel') {
      this.#running.get(request.request)?.abort.abort()
      this.#socket.answer({ kind: 'answer', id: request.id, value: {} })
    } else if (request.kind === 'grant') {
      this.#running.get(request.request)?.outgoing?.grant(request.bytes)
      this.#socket.answer({ kind: 'answer', id: request.id, value: {} })
    } else if (this.#running.size >= REQUESTS_MAX || this.#running.has(request.id)) this.#socket.close(CLOSE.malformed)
    else void this.#run(request)
  }

  chunk(id: number, bytes: Uint8Array): boolean {
    // The request may have failed while its bytes were in transit.
    return this.#running.get(id)?.incoming?.push(bytes) ?? true
  }

  closed(): void {
    this.#isClosed = true
    this.#workspace.off('event', this.#send)
    for (const { abort } of this.#running.values()) abort.abort()
    this.#selecting = this.#selecting.then(() => this.#leave())
  }

  /** Sends `bye`, and saves the draft. */
  async end(text: string, isEnded: boolean): Promise<void> {
    this.#socket.answer({ kind: 'bye', text, isEnded })
    this.#socket.close(CLOSE.ended)
    await this.#selecting
  }

  readonly #send = (event: ServerEvent): void => this.#socket.event(event)

  async #run(request: Exclude<Request, { readonly kind: 'cancel' | 'grant' }>): Promise<void> {
    const { id, kind } = request
    const running: Running = { abort: new AbortController() }
    this.#running.set(id, running)
    // Grants the first window at once, before the handler reads.
    if (kind === 'upload') {
      const grant = (upTo: number): void => this.#socket.answer({ kind: 'grant', id, upTo })
      running.incoming = new IncomingBytes(request.bytes, grant, running.abort.signal)
    }
    try {
      if (kind === 'select') await this.#select(id, request.room)
      else {
        const handler = HANDLERS[kind] as (work: Work, asked: Request) => Promise<Answer<RequestKind>>
        this.#socket.answer({ kind: 'answer', id, value: await handler(this.#work(id, running), request) })
      }
    } catch (error) {
      this.#failed(id, error, running.abort.signal.aborted)
    } finally {
      this.#running.delete(id)
    }
  }

  #work(id: number, running: Running): Work {
    const { signal } = running.abort
    return {
      workspace: this.#workspace,
      signal,
      send: this.#send,
      shown: room => {
        const shown = this.#shown
        if (shown?.view.room !== room) throw new ChatError('BAD_USAGE', 'this room is not shown')
        return shown
      },
      progress: (text, done, of) =>
        this.#socket.event({
          kind: 'progress',
          id,
          text: sanitise(text),
          ...(done !== undefined && { done }),
          ...(of !== undefined && { of }),
        }),
      transfer: async (name, length, bytes) => {
        const outgoing = new OutgoingBytes(chunk => this.#socket.bytes(id, chunk), signal)
        running.outgoing = outgoing
        this.#socket.answer({ kind: 'transfer', id, bytes: length, name })
        await outgoing.send(bytes)
      },
      ...(running.incoming !== undefined && { received: running.incoming }),
    }
  }

  /** Shows another room, after the earlier selections. */
  #select(id: number, room: string): Promise<void> {
    const selecting = this.#selecting.then(() => this.#show(id, room))
    this.#selecting = selecting.catch(() => {})
    return selecting
  }

  async #show(id: number, room: string): Promise<void> {
    if (this.#isClosed) return
    const { clock } = this.#workspace
    const tab = await this.#workspace.open(room)
    await this.#leave()
    const view = new RoomView({ tab, viewFile: this.#workspace.viewFileOf(tab.room), clock, send: this.#send })
    const answer = await view.open()
    if (this.#isClosed) return view.close()
    this.#shown = { view, commands: new RoomCommands(view, this.#workspace, this.#send) }
    this.#socket.answer({ kind: 'answer', id, value: answer })
    this.#workspace.show(view)
    view.start()
    const { start } = tab
    tab.start = undefined
    if (start === undefined) return
    view.session.listed(start.listed)
    void this.#shown.commands.typed(start.command).catch(() => {}) // the command reports its failure itself
  }

  async #leave(): Promise<void> {
    const shown = this.#shown
    this.#shown = undefined
    if (shown === undefined) return
    this.#workspace.hide(shown.view)
    await shown.view.close()
  }

  #failed(id: number, error: unknown, isAborted: boolean): void {
    const {
      code,
      message,
      hint = '',
    } = error instanceof ChatError ? error : { code: 'FAILED', message: reasonOf(error) }
    if (isAborted) this.#socket.answer({ kind: 'failed', id, code: 'ABORTED', text: 'cancelled', next: '' })
    else this.#socket.answer({ kind: 'failed', id, code, text: sanitise(message), next: sanitise(hint) })
  }
}
