import type { JSX } from 'preact'
import type { Conversation } from '../../model/conversation.js'
import type { Panel } from '../../model/screen.js'
import { useChat } from '../context.js'
import { IconButton } from '../icon.js'
import { useCell } from '../use-cell.js'
import { People } from './people.js'
import { RoomPanel } from './room-panel.js'
import { Search } from './search.js'
import { You } from './you.js'

const TABS: readonly (readonly [Panel, string])[] = [
  ['people', 'People'],
  ['search', 'Search'],
  ['room', 'Room'],
  ['you', 'You'],
]

interface Props {
  readonly conversation: Conversation
  readonly panel: Panel
}

/** The panel beside the conversation. */
export function Details({ conversation, panel }: Props): JSX.Element {
  const chat = useChat()
  const { room } = useCell(conversation.state)
  return (
    <aside class="details" aria-label="Details">
      <header class="column-head">
        <nav class="tabs" aria-label="Details">
          {TABS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              class="tab"
              aria-current={name === panel ? 'true' : undefined}
              onClick={() => chat.screen.panel.set(name)}
            >
              {label}
            </button>
          ))}
        </nav>
        <IconButton icon="close" label="Close the details" onClick={() => chat.screen.panel.set(undefined)} />
      </header>
      <div class="details-scroll" key={room}>
        {panel === 'people' && <People conversation={conversation} />}
        {panel === 'search' && <Search room={room} />}
        {panel === 'room' && <RoomPanel conversation={conversation} />}
        {panel === 'you' && <You conversation={conversation} />}
      </div>
    </aside>
  )
}
