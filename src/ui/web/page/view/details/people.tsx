import type { JSX } from 'preact'
import type { Present } from '../../../protocol/state.js'
import type { Conversation } from '../../model/conversation.js'
import { countText } from '../../model/words.js'
import { useChat } from '../context.js'
import { Avatar, Name } from '../name.js'
import { useCell } from '../use-cell.js'

/** The people who are here, and those who have left. */
export function People({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const { people, strangersMore } = useCell(conversation.state)
  const here = people.filter(({ state }) => state !== 'left')
  const left = people.filter(({ state }) => state === 'left')
  return (
    <>
      <section aria-label="Here">
        <h2>Here</h2>
        {here.length === 0 && (
          <p class="empty">Nobody else is here. Whoever opens this room on your network appears here.</p>
        )}
        <PeopleList people={here} />
        {strangersMore > 0 && <p class="hint">and {countText(strangersMore, 'more stranger')}</p>}
      </section>
      {left.length > 0 && (
        <section aria-label="Left">
          <h2>Left</h2>
          <PeopleList people={left} />
        </section>
      )}
    </>
  )
}

function PeopleList({ people }: { readonly people: readonly Present[] }): JSX.Element {
  const chat = useChat()
  const talk = (who: string): void => {
    chat.link
      .request('direct', { who })
      .then(({ room, text }) => chat.select(room).then(() => text !== '' && chat.complain(text)))
      .catch(chat.complain)
  }
  return (
    <ul class="people">
      {people.map(({ person, state, away, isTyping, text }) => (
        <li key={`${person.key} ${person.name}`} class={`present is-${away === undefined ? state : 'away'}`}>
          <Avatar name={person.name} personKey={person.key} />
          <span class="present-text">
            <span class="present-name">
              <Name person={person} />
              {!person.isKnown && person.key !== undefined && <span class="tag">stranger</span>}
              {person.isOwn && <span class="tag">you</span>}
            </span>
            <span class="hint">
              {isTyping ? 'typing …' : text}
              {away !== undefined && ` · away${away === '' ? '' : `: ${away}`}`}
            </span>
          </span>
          {!person.isOwn && person.key !== undefined && (
            <button
              type="button"
              class="button small quiet-button"
              aria-label={`Talk with ${person.name}`}
              onClick={() => talk(person.name)}
            >
              Talk
            </button>
          )}
        </li>
      ))}
    </ul>
  )
}
