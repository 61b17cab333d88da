import type { JSX } from 'preact'
import type { Room } from '../../protocol/state.js'
import { badgeText, countText } from '../model/words.js'
import { useChat } from './context.js'
import { Icon, type IconName } from './icon.js'
import { useCell } from './use-cell.js'

const ICONS: Readonly<Record<Room['kind'], IconName>> = { public: 'room', private: 'lock', direct: 'person' }

/** The list of rooms, and buttons to open others. */
export function Rooms(): JSX.Element {
  const chat = useChat()
  const rooms = useCell(chat.rooms)
  const asking = useCell(chat.asking)
  const welcome = useCell(chat.welcome)
  const talks = rooms.filter(({ kind }) => kind === 'direct')
  const others = rooms.filter(({ kind }) => kind !== 'direct')
  const { dialog, panel, showsRooms } = chat.screen
  // On a phone, the list of rooms fills the page: its heading is the `h1` then.
  const isAlone = useCell(showsRooms)
  const Me = isAlone ? 'h1' : 'span'
  return (
    <div class="rooms-column" role={isAlone ? 'main' : undefined}>
      <nav aria-label="Rooms">
        <header class="column-head">
          <Logo />
          <Me class="me">
            <bdi>{welcome?.me}</bdi>
          </Me>
          <button
            type="button"
            class="icon-button"
            aria-label="You, and this page"
            title="You, and this page"
            onClick={() => {
              panel.set('you')
              showsRooms.set(false)
            }}
          >
            <Icon name="person" />
          </button>
        </header>
        <div class="rooms-scroll">
          {asking > 0 && (
            <button type="button" class="asking" onClick={() => dialog.set({ kind: 'direct' })}>
              {countText(asking, 'person asks', 'people ask')} to talk with you
            </button>
          )}
          <RoomList title="Rooms" rooms={others} />
          <div class="room-actions">
            <button type="button" class="link-button" onClick={() => dialog.set({ kind: 'rooms' })}>
              Open a room
            </button>
            <button type="button" class="link-button" onClick={() => dialog.set({ kind: 'new-room' })}>
              New private room
            </button>
            <button type="button" class="link-button" onClick={() => dialog.set({ kind: 'join' })}>
              Enter with a code
            </button>
          </div>
          <RoomList title="Direct" rooms={talks} />
          <div class="room-actions">
            <button type="button" class="link-button" onClick={() => dialog.set({ kind: 'direct' })}>
              Talk with somebody
            </button>
          </div>
        </div>
      </nav>
    </div>
  )
}

function RoomList({ title, rooms }: { readonly title: string; readonly rooms: readonly Room[] }): JSX.Element {
  return (
    <section aria-label={title}>
      <h2 class="rooms-title">{title}</h2>
      {rooms.length === 0 && <p class="empty small">none yet</p>}
      <ul class="rooms-list">
        {rooms.map(room => (
          <RoomEntry key={room.name} room={room} />
        ))}
      </ul>
    </section>
  )
}

function RoomEntry({ room }: { readonly room: Room }): JSX.Element {
  const chat = useChat()
  const conversation = useCell(chat.conversation)
  const { name, shown, kind, unread, mentions, isParked } = room
  const isShown = conversation?.room === name
  const classes = ['room-entry']
  if (unread > 0) classes.push('has-unread')
  if (isParked) classes.push('is-parked')
  return (
    <li>
      <button
        type="button"
        class={classes.join(' ')}
        aria-current={isShown ? 'true' : undefined}
        onClick={() => {
          chat.screen.showsRooms.set(false)
          if (!isShown) void chat.select(name)
        }}
      >
        <Icon name={ICONS[kind]} />
        <bdi class="room-name">{shown.replace(/^[#@]/, '')}</bdi>
        {unread > 0 && (
          <span class={mentions > 0 ? 'badge is-mention' : 'badge'}>
            {mentions > 0 && '@'}
            {badgeText(unread)}
            <span class="for-screen-readers">
              {' '}
              not read{mentions > 0 && `, ${countText(mentions, 'mention')} of you`}
            </span>
          </span>
        )}
      </button>
    </li>
  )
}

/** The logo: two entries of a log as bars, and the newest one as a speech bubble. */
export const Logo = (): JSX.Element => (
  <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="8" />
    <path class="log" d="M8.500 8h9M8.500 13h13" />
    <path class="line" d="M9 17h14a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2h-7l-4 3.500V24H9a2 2 0 0 1-2-2v-3a2 2 0 0 1 2-2z" />
  </svg>
)
