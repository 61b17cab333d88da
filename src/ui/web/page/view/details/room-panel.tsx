import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Finding } from '../../../protocol/state.js'
import type { Conversation } from '../../model/conversation.js'
import { useChat } from '../context.js'
import { Icon } from '../icon.js'
import { useCell } from '../use-cell.js'
import { Members } from './members.js'

const LEVELS = [
  ['all', 'every line'],
  ['mentions', 'mentions of you'],
  ['none', 'nothing'],
] as const

/** The panel of a room: topic, members, connections, and which lines are not stored here. */
export function RoomPanel({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const chat = useChat()
  const { topic, notify, older, delivery, unsaved } = useCell(conversation.state)
  useCell(chat.rooms)
  const kind = chat.room?.kind ?? 'public'
  const { room } = conversation
  return (
    <>
      {kind !== 'direct' && <Topic key={topic} topic={topic} />}
      <section aria-label="Notify me of">
        <h2>Notify me of</h2>
        <div class="choices" role="radiogroup" aria-label="Notify me of">
          {LEVELS.map(([level, label]) => (
            <label key={level} class="check">
              <input
                type="radio"
                name="notify"
                checked={notify === level}
                onChange={() => chat.link.request('notify', { room, level }).catch(chat.complain)}
              />
              {label}
            </label>
          ))}
        </div>
      </section>
      {kind === 'private' && <Members room={room} />}
      <Connections conversation={conversation} />
      {(older.length > 0 || delivery !== undefined || unsaved > 0) && (
        <section aria-label="Lines">
          <h2>Lines</h2>
          {delivery !== undefined && <p>{delivery}</p>}
          {unsaved > 0 && <p class="fault">{unsaved} of your lines are not on the disk yet</p>}
          {older.map(text => (
            <p key={text}>{text}</p>
          ))}
        </section>
      )}
      <section class="section-actions" aria-label="Leave">
        <button type="button" class="button" onClick={() => chat.link.request('close', { room }).catch(chat.complain)}>
          Close this room
        </button>
        {kind === 'private' && (
          <button
            type="button"
            class="button is-danger"
            onClick={() => chat.screen.dialog.set({ kind: 'leave', room })}
          >
            Leave for good …
          </button>
        )}
      </section>
    </>
  )
}

function Topic({ topic }: { readonly topic: string }): JSX.Element {
  const chat = useChat()
  const [text, setText] = useState(topic)
  return (
    <section aria-label="Topic">
      <h2>Topic</h2>
      <form
        class="one-field"
        onSubmit={event => {
          event.preventDefault()
          void chat.command(`/topic ${text}`)
        }}
      >
        <input
          type="text"
          dir="auto"
          aria-label="Topic"
          placeholder="what this room is about"
          value={text}
          onInput={event => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={text === topic || text.trim() === ''}>
          Set
        </button>
      </form>
    </section>
  )
}

type Check = 'running' | readonly Finding[] | undefined

/** The connections of this computer, and a diagnosis of missing ones. */
function Connections({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const chat = useChat()
  const { connections } = useCell(conversation.state)
  const [check, setCheck] = useState<Check>()
  const run = (): void => {
    setCheck('running')
    chat.link
      .request('doctor', { room: conversation.room, peers: [] })
      .then(({ findings }) => setCheck(findings))
      .catch(error => {
        setCheck(undefined)
        chat.complain(error)
      })
  }
  return (
    <section aria-label="Connections">
      <h2>Connections</h2>
      <ul class="sentences">
        {connections.map(text => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      <form
        class="one-field"
        onSubmit={event => {
          event.preventDefault()
          const field = event.currentTarget.elements.namedItem('peer')
          if (!(field instanceof HTMLInputElement) || field.value.trim() === '') return
          void chat.command(`/connect ${field.value.trim()}`)
          field.value = ''
        }}
      >
        <input type="text" name="peer" aria-label="Connect to" placeholder="bob, or 10.0.0.7:4000" />
        <button type="submit" class="button">
          Connect
        </button>
      </form>
      <button type="button" class="button" disabled={check === 'running'} onClick={run}>
        {check === 'running' ? 'Looking for the cause …' : 'Why is somebody not connected?'}
      </button>
      <div role="status">
        {Array.isArray(check) && (
          <ul class="findings">
            {check.map((finding: Finding) => (
              <li key={finding.check} class={finding.isOk ? 'finding' : 'finding is-wrong'}>
                <Icon name={finding.isOk ? 'check' : 'alert'} />
                <span>
                  <strong>{finding.check}</strong>
                  <span class="for-screen-readers">{finding.isOk ? ', in order' : ', something is wrong'}</span>:{' '}
                  {finding.text}
                  {finding.next !== '' && <span class="next">{finding.next}</span>}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  )
}
