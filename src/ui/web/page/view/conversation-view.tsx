import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Conversation } from '../model/conversation.js'
import { countText, typingText } from '../model/words.js'
import { Composer } from './composer.js'
import { useChat } from './context.js'
import { Icon, IconButton } from './icon.js'
import { LiveLog } from './live-log.js'
import { MessageList } from './message-list.js'
import { rowActionsOf } from './row-actions.js'
import { Said } from './said.js'
import { TransferList } from './transfer-list.js'
import { useAttention } from './use-attention.js'
import { useCell } from './use-cell.js'

/** The middle column: head, lines, output of commands, and the text field. */
export function ConversationView({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const chat = useChat()
  const state = useCell(conversation.state)
  const isEmpty = useCell(conversation.isEmpty)
  const isAttended = useAttention()
  const list = useRef<MessageList>(null)
  const [isDropping, setDropping] = useState(false)
  const actions = useMemo(() => rowActionsOf(chat, conversation), [conversation])
  const shown = chat.room?.shown ?? conversation.room
  const typing = typingText(state.typing)

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.altKey && event.key === 'ArrowUp' && event.target instanceof HTMLTextAreaElement) return
      if (event.key === 'Escape' && event.target instanceof HTMLElement && event.target.closest('.scroller'))
        document.querySelector<HTMLElement>('.composer textarea')?.focus()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])

  const editLast = (): void => {
    const own = conversation.rows.rows.findLast(row => row.kind === 'line' && row.author.isOwn && row.form !== 'file')
    if (own?.kind === 'line') chat.edit(own)
  }
  const drop = (event: DragEvent): void => {
    event.preventDefault()
    setDropping(false)
    for (const file of event.dataTransfer?.files ?? [])
      void chat.transfers.upload(conversation.room, file).then(warning => warning !== '' && chat.complain(warning))
  }
  return (
    <main
      class="conversation"
      onDragOver={event => {
        event.preventDefault()
        setDropping(true)
      }}
      onDragLeave={event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDropping(false)
      }}
      onDrop={drop}
    >
      <Head conversation={conversation} shown={shown} />
      <div class="list-frame">
        {isEmpty && <EmptyRoom shown={shown} isConnected={state.isConnected} />}
        <MessageList
          handle={list}
          conversation={conversation}
          label={`Conversation in ${shown}`}
          actions={actions}
          isAttended={isAttended}
        />
        <JumpDown conversation={conversation} />
      </div>
      <Said />
      <Unsure room={conversation.room} />
      <TransferList />
      <p class="typing">{typing}</p>
      <Composer room={conversation.room} shown={shown} focusList={() => list.current?.focus()} editLast={editLast} />
      <LiveLog conversation={conversation} shown={shown} />
      {isDropping && <div class="drop-target">Drop files to send them to {shown}</div>}
    </main>
  )
}

function Head({ conversation, shown }: { readonly conversation: Conversation; readonly shown: string }): JSX.Element {
  const chat = useChat()
  const { topic, isConnected, connections, people } = useCell(conversation.state)
  const panel = useCell(chat.screen.panel)
  const here = people.filter(({ state }) => state !== 'left').length
  return (
    <header class="column-head conversation-head">
      <IconButton icon="back" class="only-narrow" label="Rooms" onClick={() => chat.screen.showsRooms.set(true)} />
      <div class="head-text">
        <h1>
          <bdi>{shown}</bdi>
        </h1>
        <p class="topic" dir="auto" title={topic}>
          {topic}
        </p>
      </div>
      <button
        type="button"
        class={isConnected ? 'connected' : 'connected is-alone'}
        title={connections.join('\n')}
        onClick={() => chat.screen.panel.set('room')}
      >
        <span class="dot" aria-hidden="true" />
        {isConnected ? `${here} here` : 'alone'}
      </button>
      <IconButton
        icon="people"
        label="People"
        isPressed={panel === 'people'}
        onClick={() => chat.screen.togglePanel('people')}
      />
      <IconButton
        icon="search"
        label="Search (Ctrl-F)"
        isPressed={panel === 'search'}
        onClick={() => chat.screen.togglePanel('search')}
      />
      <IconButton
        icon="info"
        label="About this room"
        isPressed={panel === 'room'}
        onClick={() => chat.screen.togglePanel('room')}
      />
    </header>
  )
}

function EmptyRoom({ shown, isConnected }: { readonly shown: string; readonly isConnected: boolean }): JSX.Element {
  return (
    <div class="empty-room">
      <p class="empty-title">Nothing was said in {shown} yet</p>
      <p>
        {isConnected
          ? 'What you write is stored here first, and then with everyone who is connected.'
          : 'Nobody is connected. What you write is stored here, and delivered as soon as somebody comes.'}
      </p>
    </div>
  )
}

function JumpDown({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const count = useCell(conversation.newBelow)
  const isAtEnd = useCell(conversation.isEndShown)
  const isHidden = isAtEnd && count === 0
  return (
    <button type="button" class="jump-down" hidden={isHidden} onClick={() => void conversation.showEnd()}>
      <Icon name="down" />
      {count === 0 ? 'Jump to the newest' : countText(count, 'new line')}
    </button>
  )
}

function Unsure({ room }: { readonly room: string }): JSX.Element {
  const chat = useChat()
  const { kind } = useCell(chat.link.state)
  const unsure = useCell(chat.unsure).filter(other => other.room === room)
  return (
    <>
      {unsure.map(one => (
        <section class="unsure" aria-label="A line that may not be stored" key={one.sentMs}>
          <p>
            The connection ended while this was sent. If it is not above, send it again: <q>{one.text.slice(0, 200)}</q>
          </p>
          <button
            type="button"
            class="button small"
            disabled={kind !== 'open'}
            onClick={() => {
              chat.forgetUnsure(one)
              void chat.say(one.text)
            }}
          >
            Send again
          </button>
          <button type="button" class="button small" onClick={() => chat.forgetUnsure(one)}>
            Discard
          </button>
        </section>
      ))}
    </>
  )
}
