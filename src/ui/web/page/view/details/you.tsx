import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Conversation } from '../../model/conversation.js'
import { askPermission, permission } from '../../model/notifications.js'
import { type Theme, theme } from '../../model/theme.js'
import { useChat } from '../context.js'
import { useCell } from '../use-cell.js'

const THEMES: readonly (readonly [Theme, string])[] = [
  ['system', 'as the system'],
  ['light', 'light'],
  ['dark', 'dark'],
]

const NOTIFICATIONS = {
  unsupported: 'This browser shows no notifications.',
  denied: 'This browser was told to show no notifications of this page.',
  granted: 'You are notified while you look at something else.',
  default: 'The browser asks you once whether it may.',
} as const

/** The panel of the user: name, away, colours, notifications and backup. */
export function You({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const chat = useChat()
  const { nick, isAway } = useCell(conversation.state)
  const welcome = useCell(chat.welcome)
  const chosen = useCell(theme)
  const allowed = useCell(permission)
  return (
    <>
      <section aria-label="Your name">
        <h2>You</h2>
        <Nick key={nick} nick={nick} />
        <p class="hint key">key {welcome?.person.key?.slice(0, 16)} …</p>
        <button type="button" class="button" onClick={() => void chat.command(isAway ? '/back' : '/away')}>
          {isAway ? 'I am back' : 'I am away'}
        </button>
      </section>
      <section aria-label="Colours">
        <h2>Colours</h2>
        <div class="choices" role="radiogroup" aria-label="Colours">
          {THEMES.map(([name, label]) => (
            <label key={name} class="check">
              <input type="radio" name="theme" checked={chosen === name} onChange={() => theme.set(name)} />
              {label}
            </label>
          ))}
        </div>
      </section>
      <section aria-label="Notifications">
        <h2>Notifications</h2>
        <p>{NOTIFICATIONS[allowed]}</p>
        {allowed === 'default' && (
          <button type="button" class="button" onClick={() => void askPermission()}>
            Notify me
          </button>
        )}
      </section>
      <section aria-label="Backup">
        <h2>Backup</h2>
        <p>Your key, rooms, memberships and people, sealed with a passphrase. Lines are not in it: peers have those.</p>
        <button type="button" class="button" onClick={() => chat.screen.dialog.set({ kind: 'backup' })}>
          Save a backup …
        </button>
      </section>
      <section aria-label="This page">
        <h2>This page</h2>
        <p class="hint">persisted-chat {welcome?.version}</p>
        <button type="button" class="button" onClick={() => chat.screen.dialog.set({ kind: 'keys' })}>
          Keyboard shortcuts …
        </button>
      </section>
    </>
  )
}

function Nick({ nick }: { readonly nick: string }): JSX.Element {
  const chat = useChat()
  const [text, setText] = useState(nick)
  return (
    <form
      class="one-field"
      onSubmit={event => {
        event.preventDefault()
        void chat.command(`/nick ${text}`)
      }}
    >
      <input
        type="text"
        dir="auto"
        aria-label="Your name in this room"
        value={text}
        onInput={event => setText(event.currentTarget.value)}
      />
      <button type="submit" class="button" disabled={text === nick || text.trim() === ''}>
        Change
      </button>
    </form>
  )
}
