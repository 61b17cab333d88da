import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { enterWith, tokenIn } from '../model/token.js'
import { Logo } from './rooms.js'

const REASONS = {
  'no-token': [
    'This page needs its whole address',
    'The address that persisted-chat web prints ends with a token, which proves that it is you who opens the page. This tab does not have it, or has one of an earlier start.',
  ],
  'too-many': ['Too many pages are open', 'Close another tab with this page, then load this one again.'],
} as const

/** Shown instead of the chat when the token is missing or wrong. */
export function NoToken({ reason }: { readonly reason: keyof typeof REASONS }): JSX.Element {
  const [fault, setFault] = useState('')
  const [title, text] = REASONS[reason]
  return (
    <main class="no-token">
      <Logo />
      <h1>{title}</h1>
      <p>{text}</p>
      {reason === 'no-token' && (
        <form
          class="fields"
          onSubmit={event => {
            event.preventDefault()
            const token = tokenIn(String(new FormData(event.currentTarget).get('address') ?? ''))
            if (token === undefined) setFault('that is no address with a token')
            else enterWith(token)
          }}
        >
          <p>
            Run <code>persisted-chat web</code> with your name in a terminal. If it runs already, it prints the same
            address again.
          </p>
          <label>
            Address
            <input type="text" name="address" required autocomplete="off" placeholder="http://127.0.0.1:…" />
          </label>
          {fault !== '' && (
            <p class="fault" role="alert">
              {fault}
            </p>
          )}
          <button type="submit" class="button is-main">
            Open
          </button>
        </form>
      )}
    </main>
  )
}
