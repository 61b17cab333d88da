import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Answer } from '../../../protocol/requests.js'
import { RequestError } from '../../connection/request-error.js'
import { countText, dateAndTimeText } from '../../model/words.js'
import { useChat } from '../context.js'
import { Name } from '../name.js'

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'searching'; readonly text: string }
  | { readonly kind: 'found'; readonly answer: Answer<'search'> }
  | { readonly kind: 'failed'; readonly text: string }

/** Searches lines, and scrolls to a found one. */
export function Search({ room }: { readonly room: string }): JSX.Element {
  const chat = useChat()
  const [state, setState] = useState<State>({ kind: 'idle' })
  const [isEverywhere, setEverywhere] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  const search = (): void => {
    const typed = field.current?.value.trim() ?? ''
    if (typed === '') return
    setState({ kind: 'searching', text: 'searching …' })
    const text = isEverywhere && !/\bin:/.test(typed) ? `${typed} in:all` : typed
    chat.link
      .request('search', { room, text }, { onProgress: progress => setState({ kind: 'searching', text: progress }) })
      .then(answer => setState({ kind: 'found', answer }))
      .catch(error =>
        setState({ kind: 'failed', text: error instanceof RequestError ? error.sentence : String(error) }),
      )
  }
  return (
    <>
      <search>
        <form
          class="search-form"
          onSubmit={event => {
            event.preventDefault()
            search()
          }}
        >
          <input
            ref={field}
            type="search"
            dir="auto"
            aria-label="Find lines"
            placeholder="words, from:bob, since:mon"
          />
          <button type="submit" class="button">
            Search
          </button>
          <label class="check">
            <input
              type="checkbox"
              checked={isEverywhere}
              onChange={event => setEverywhere(event.currentTarget.checked)}
            />
            in all rooms
          </label>
        </form>
      </search>
      <div role="status">
        {state.kind === 'idle' && (
          <p class="empty">
            Finds words in this room. Add <code>from:bob</code>, <code>since:mon</code>, <code>"two words"</code> or{' '}
            <code>-without</code>.
          </p>
        )}
        {(state.kind === 'searching' || state.kind === 'failed') && (
          <p class={state.kind === 'failed' ? 'fault' : 'hint'}>{state.text}</p>
        )}
        {state.kind === 'found' && (
          <p class="hint">
            {state.answer.found.length === 0 ? 'nothing found' : countText(state.answer.found.length, 'line')}
          </p>
        )}
        {state.kind === 'found' && state.answer.notes.map(note => <p class="hint">{note}</p>)}
      </div>
      {state.kind === 'found' && (
        <ol class="found">
          {state.answer.found.map(({ room: where, shown, row }) => (
            <li key={row.id}>
              <button type="button" class="found-line" onClick={() => void chat.show(where, row.id)}>
                <span class="found-head">
                  {row.kind !== 'gap' && <Name person={row.author} />}
                  {where !== room && <span class="tag">{shown}</span>}
                  <time>{dateAndTimeText(row.at)}</time>
                </span>
                <span class="found-text" dir="auto">
                  {row.kind !== 'line' ? row.text : (row.file?.name ?? row.text)}
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}
