import { ChatError } from '../../../base/errors.js'
import { checkName, shownRoom } from '../../../base/names.js'
import { systemRandom } from '../../../base/random.js'
import { sanitise } from '../../../base/safe-text.js'
import { hexOf } from '../../../base/wire/bytes.js'
import { shortKey } from '../../../chat/display-names.js'
import type { Fields } from '../../../host/protocol/codec.js'
import { type AuthorId, authorOf } from '../../../log/format/author.js'
import { newRescueWords } from '../../../membership/rescue-words.js'
import { awaitedText } from '../../commands/direct.js'
import { find } from '../../commands/search.js'
import type { Asking } from '../protocol/state.js'
import { harmless } from '../room/segments.js'
import type { Handlers, Work } from './work.js'

/** Handlers of requests about rooms, and about people who want to enter them. */
export const ROOM_REQUESTS: Handlers<
  | ('close' | 'closed-rooms' | 'draft' | 'typing' | 'notify' | 'cancel-task' | 'search')
  | ('room-new' | 'join' | 'leave' | 'direct' | 'asking' | 'accept' | 'decline')
> = {
  close: async ({ workspace, send }, { room }) => {
    send({ kind: 'show', room: workspace.closeRoom(room).room })
    return {}
  },
  'closed-rooms': async ({ workspace }) => ({ rooms: await workspace.closedRooms() }),
  draft: async ({ shown }, { room, text }) => {
    shown(room).view.draft(text)
    return {}
  },
  typing: async ({ shown }, { room }) => {
    shown(room).view.face.typing()
    return {}
  },
  notify: async ({ shown }, { room, level }) => {
    const { view } = shown(room)
    view.session.notifyLevel = level
    view.choicesChanged()
    return {}
  },
  'cancel-task': async ({ shown }, { room }) => {
    shown(room).commands.cancelTask()
    return {}
  },
  search: async ({ shown, signal, progress }, { room, text }) => {
    const { view } = shown(room)
    const { session, face, rows } = view
    const notes: string[] = []
    const output = {
      session,
      request: (command: Fields) => face.command(command),
      tell: (...lines: readonly string[]) => void notes.push(...lines.map(sanitise)),
    }
    const onProgress = (done: number, of: number): void => progress('searching', done, of)
    const found = await find(output, text, { signal, onProgress })
    session.noteNames(found.map(({ message }) => message))
    return {
      found: found.flatMap(({ room: where, message, edit }) => {
        const current = edit === undefined ? message : { ...message, message: edit.text }
        const row = rows.row(current, { isWhole: true, isRaw: true })
        return row === undefined ? [] : [{ room: where, shown: shownRoom(where), row }]
      }),
      notes,
    }
  },

  'room-new': async ({ workspace }, { name, isClosed, keep, hasRescue }) => {
    const rescue = hasRescue ? newRescueWords(systemRandom) : undefined
    const options = {
      isClosed,
      ...(keep !== undefined && { keep }),
      ...(rescue !== undefined && { rescue: hexOf(rescue.key) }),
    }
    const item = await only(
      workspace.face.command({ do: 'room-new', name: checkName(name, 'the room name'), ...options }),
    )
    const room = await opened(workspace, item)
    return { room, rescueWords: rescue?.words ?? [] }
  },
  join: async ({ workspace, progress, signal }, { code }) => {
    for await (const item of workspace.face.command({ do: 'join', code, peers: [] })) {
      if (signal.aborted) break
      if (item['is'] === 'waiting' || item['is'] === 'found') progress(joinText(item))
      else return { room: await opened(workspace, item) }
    }
    throw new ChatError('ROOM_REFUSED', 'nobody has admitted you yet', {
      hint: 'The code is kept: persisted-chat goes on waiting.',
    })
  },
  leave: async ({ workspace, send }, { room }) => {
    await only(workspace.face.command({ do: 'leave', room, forget: false }))
    if (workspace.tabs.length > 1) send({ kind: 'show', room: workspace.closeRoom(room).room })
    return {}
  },
  direct: async ({ workspace }, { who }) => {
    const item = await only(workspace.face.command({ do: 'msg', who, text: '' }))
    const { name, presence } = item
    const room = await opened(workspace, item)
    return { room, text: presence === 'here' ? '' : sanitise(awaitedText(String(name), presence === 'elsewhere')) }
  },
  asking: async ({ workspace }) => {
    const asking: Asking[] = []
    for await (const { key, name, since, text } of workspace.face.command({ do: 'requests' }))
      if (typeof key === 'string' && typeof text === 'string')
        asking.push({ key, name: sanitise(String(name ?? '')), since: Number(since), text: harmless(text) })
    return { asking }
  },
  accept: async ({ workspace }, { key, name }) => {
    workspace.face.pin(checkName(name, 'the name'), keyIn(key), 'met')
    return {}
  },
  decline: async ({ workspace }, { key }) => {
    await only(workspace.face.command({ do: 'decline', who: shortKey(keyIn(key)), digits: '' }))
    return {}
  },
}

/** The first value of the node's answer. Rejects with the ChatError of the node. */
export async function only(answer: AsyncIterable<Fields>): Promise<Fields> {
  let first: Fields | undefined
  for await (const item of answer) first ??= item
  return first ?? {}
}

async function opened(workspace: Work['workspace'], { room }: Fields): Promise<string> {
  return (await workspace.open(String(room))).room
}

function joinText({ is, room, asked, isClosed }: Fields): string {
  if (is === 'waiting')
    return asked === 0
      ? 'waiting for somebody who may admit you: nobody is connected yet'
      : `waiting for somebody who may admit you: none of the ${String(asked)} connected peers admits with this code`
  const how = isClosed === true ? 'waiting until an admin of it lets you in' : 'asking to be admitted'
  return sanitise(`found ${String(room)}: ${how}`)
}

function keyIn(text: string): AuthorId {
  const key = authorOf(text)
  if (key === undefined) throw new ChatError('BAD_USAGE', 'this is not a key')
  return key
}
