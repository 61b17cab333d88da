import { ChatError } from '../../../base/errors.js'
import type { Message } from '../../../chat/kinds/message.js'
import type { ServerEvent } from '../protocol/messages.js'
import type { Answer, Asked, RequestKind } from '../protocol/requests.js'
import type { RoomCommands } from '../room/room-commands.js'
import type { RoomView } from '../room/room-view.js'
import type { Workspace } from '../workspace.js'

/** The room that a page shows. */
export interface ShownRoom {
  readonly view: RoomView
  readonly commands: RoomCommands
}

/** The context of the handler of a request. */
export interface Work {
  readonly workspace: Workspace
  /** Aborted when the page cancels the request, or its connection ends. */
  readonly signal: AbortSignal
  /** The room that the page shows. Throws BAD_USAGE if it is another one. */
  shown(room: string): ShownRoom
  readonly send: (event: ServerEvent) => void
  readonly progress: (text: string, done?: number, of?: number) => void
  /** Sends bytes, as far as the page has granted them. Rejects with the reason of the signal. */
  transfer(name: string, length: number, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** The bytes that the page sends for an upload. Rejects with the reason of the signal. */
  readonly received?: AsyncIterable<Uint8Array>
}

type Handler<K extends RequestKind> = (work: Work, asked: Asked<K>) => Promise<Answer<K>>
export type Handlers<K extends RequestKind> = { readonly [E in K]: Handler<E> }

/** The message of a line that a request names. Rejects with BAD_USAGE. */
export async function lineOf(view: RoomView, id: string): Promise<Message> {
  const line = await view.line(id)
  if (line === undefined) throw new ChatError('BAD_USAGE', 'this line is not here any more')
  return line
}

/** The message of a line that a request names, if the user wrote the line. Rejects with BAD_USAGE. */
export async function ownLineOf(view: RoomView, id: string): Promise<Message> {
  const line = await lineOf(view, id)
  if (!view.session.isOurs(line)) throw new ChatError('BAD_USAGE', 'this is not your line')
  return line
}
