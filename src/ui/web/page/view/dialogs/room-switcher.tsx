import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ClosedRoom } from '../../../protocol/state.js'
import { useChat } from '../context.js'
import { Icon } from '../icon.js'
import { useCell } from '../use-cell.js'
import { Modal } from './modal.js'

/** Shows a room by its name: an open room, a closed one, or a new public one. */
export function RoomSwitcher(): JSX.Element {
  const chat = useChat()
  const open = useCell(chat.rooms)
  const [closed, setClosed] = useState<readonly ClosedRoom[]>([])
  const [typed, setTyped] = useState('')
  useEffect(() => {
    chat.link
      .request('closed-rooms', {})
      .then(({ rooms }) => setClosed(rooms))
      .catch(chat.complain)
  }, [])
  const wanted = typed.trim().replace(/^#/, '').toLowerCase()
  const found = [...open, ...closed].filter(({ shown }) => shown.toLowerCase().includes(wanted))
  const show = (room: string): void => {
    chat.screen.closeDialog()
    chat.screen.showsRooms.set(false)
    void chat.select(room)
  }
  const isNew = wanted !== '' && !found.some(({ shown }) => shown.replace(/^#/, '').toLowerCase() === wanted)
  return (
    <Modal title="Open a room">
      <form
        onSubmit={event => {
          event.preventDefault()
          const [first] = found
          if (first !== undefined) show(first.name)
          else if (isNew) show(wanted)
        }}
      >
        <input
          type="text"
          class="wide-field"
          aria-label="Name of the room"
          placeholder="name of a room"
          autocomplete="off"
          value={typed}
          onInput={event => setTyped(event.currentTarget.value)}
        />
      </form>
      <ul class="switcher">
        {found.map(room => (
          <li key={room.name}>
            <button type="button" class="room-entry" onClick={() => show(room.name)}>
              <Icon name={room.kind === 'private' ? 'lock' : room.kind === 'direct' ? 'person' : 'room'} />
              <bdi class="room-name">{room.shown}</bdi>
              {!('unread' in room) && <span class="hint">closed</span>}
            </button>
          </li>
        ))}
        {isNew && (
          <li>
            <button type="button" class="room-entry" onClick={() => show(wanted)}>
              <Icon name="plus" />
              <span class="room-name">
                the public room <bdi>#{wanted}</bdi>
              </span>
            </button>
          </li>
        )}
      </ul>
    </Modal>
  )
}
