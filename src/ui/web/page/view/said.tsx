import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { timeText } from '../model/words.js'
import { useChat } from './context.js'
import { IconButton } from './icon.js'
import { Name } from './name.js'
import { Segments } from './segments.js'
import { useCell } from './use-cell.js'

/** Output of commands and of the program, until the user closes it. */
export function Said(): JSX.Element | null {
  const chat = useChat()
  const said = useCell(chat.said)
  const task = useCell(chat.task)
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => end.current?.scrollTo({ top: end.current.scrollHeight }), [said])
  if (said.length === 0 && task === undefined) return null
  return (
    <section class="said" aria-label="What commands said">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keyboard. */}
      <div class="said-rows" ref={end} tabIndex={0}>
        {said.map(one => {
          if (one.kind === 'notice')
            return (
              <p class={`notice ${one.notice.level}`} dir="auto">
                {one.notice.text}
              </p>
            )
          return (
            <div class="quote">
              <h3>{one.title}</h3>
              {one.rows.map(row => (
                <p key={row.id} dir="auto">
                  <time>{timeText(row.at)}</time> {row.kind !== 'gap' && <Name person={row.author} />}{' '}
                  {row.kind === 'line' ? (row.file?.name ?? <Segments segments={row.segments} />) : row.text}
                </p>
              ))}
              <p class="hint">{one.end}</p>
            </div>
          )
        })}
        {task !== undefined && (
          <p class="notice info">
            {task}{' '}
            <button
              type="button"
              class="link-button"
              onClick={() => {
                const room = chat.conversation.value?.room
                if (room !== undefined) chat.link.request('cancel-task', { room }).catch(chat.complain)
              }}
            >
              Stop
            </button>
          </p>
        )}
      </div>
      <IconButton icon="close" label="Close what commands said" onClick={chat.closeSaid} />
    </section>
  )
}
