import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Chat } from '../model/chat.js'
import { titleText } from '../model/words.js'
import { ChatContext } from './context.js'
import { ConversationView } from './conversation-view.js'
import { Details } from './details/details.js'
import { Dialogs } from './dialogs/dialogs.js'
import { NoToken } from './no-token.js'
import { NodeBanner } from './node-banner.js'
import { Rooms } from './rooms.js'
import { onShortcut } from './shortcuts.js'
import { useCell } from './use-cell.js'

/** The whole page. */
export function App({ chat }: { readonly chat: Chat }): JSX.Element {
  return (
    <ChatContext.Provider value={chat}>
      <Page chat={chat} />
    </ChatContext.Provider>
  )
}

function Page({ chat }: { readonly chat: Chat }): JSX.Element {
  const link = useCell(chat.link.state)
  const conversation = useCell(chat.conversation)
  const panel = useCell(chat.screen.panel)
  const showsRooms = useCell(chat.screen.showsRooms)
  const rooms = useCell(chat.rooms)
  const unread = rooms.reduce((sum, room) => sum + room.unread, 0)
  useEffect(() => {
    document.title = titleText(chat.room?.shown ?? '', unread)
  }, [conversation, unread, rooms])
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => onShortcut(chat, event)
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])

  if (link.kind === 'no-token' || link.kind === 'too-many') return <NoToken reason={link.kind} />
  const classes = ['page']
  if (panel !== undefined) classes.push('has-panel')
  if (showsRooms) classes.push('shows-rooms')
  return (
    <div class={classes.join(' ')}>
      <NodeBanner />
      <Rooms />
      {conversation === undefined ? (
        <main class="conversation is-waiting">
          <p class="hint">opening the room …</p>
        </main>
      ) : (
        <ConversationView conversation={conversation} />
      )}
      {conversation !== undefined && panel !== undefined && <Details conversation={conversation} panel={panel} />}
      <Dialogs />
      <Status chat={chat} />
    </div>
  )
}

/** Time on the screen for a status message. */
const STATUS_MS = 4_000

function Status({ chat }: { readonly chat: Chat }): JSX.Element {
  const status = useCell(chat.screen.status)
  useEffect(() => {
    if (status === '') return
    const timer = setTimeout(() => chat.screen.status.set(''), STATUS_MS)
    return () => clearTimeout(timer)
  }, [status])
  return (
    <p class={status === '' ? 'for-screen-readers' : 'status'} role="status">
      {status}
    </p>
  )
}
