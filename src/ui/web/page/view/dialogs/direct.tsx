import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Asking } from '../../../protocol/state.js'
import { useChat } from '../context.js'
import { Modal } from './modal.js'
import { TaskStatus } from './task-status.js'
import { useTask } from './use-task.js'

/** Opens a direct room with a person by name; accepts or declines message requests. */
export function Direct(): JSX.Element {
  const chat = useChat()
  const task = useTask()
  const [asking, setAsking] = useState<readonly Asking[]>([])
  const load = async (): Promise<void> => setAsking((await chat.link.request('asking', {})).asking)
  useEffect(() => task.run(load), [])
  const talk = async (who: string): Promise<void> => {
    const { room, text } = await chat.link.request('direct', { who })
    chat.screen.closeDialog()
    await chat.select(room)
    if (text !== '') chat.complain(text)
  }
  return (
    <Modal title="Talk with somebody">
      {asking.length > 0 && (
        <section aria-label="They ask to talk with you">
          <h3>They ask to talk with you</h3>
          <ul class="asking-list">
            {asking.map(({ key, name, text }) => (
              <li key={key}>
                <form
                  class="asking-one"
                  onSubmit={event => {
                    event.preventDefault()
                    const as = String(new FormData(event.currentTarget).get('as') ?? '').trim()
                    task.run(async () => {
                      await chat.link.request('accept', { key, name: as })
                      await talk(as)
                    })
                  }}
                >
                  <p dir="auto">{text}</p>
                  <p class="hint">
                    key <code>{key.slice(0, 16)}</code>: nobody has proven that the name is theirs
                  </p>
                  <label>
                    Call them
                    <input type="text" name="as" required defaultValue={name} autocomplete="off" />
                  </label>
                  <div class="buttons">
                    <button
                      type="button"
                      class="button"
                      onClick={() =>
                        task.run(async () => {
                          await chat.link.request('decline', { key, name })
                          await load()
                        })
                      }
                    >
                      Decline
                    </button>
                    <button type="submit" class="button is-main">
                      Accept
                    </button>
                  </div>
                </form>
              </li>
            ))}
          </ul>
        </section>
      )}
      <form
        class="fields"
        onSubmit={event => {
          event.preventDefault()
          const who = String(new FormData(event.currentTarget).get('who') ?? '').trim()
          task.run(() => talk(who))
        }}
      >
        <label>
          Name
          <input type="text" name="who" required autocomplete="off" placeholder="bob" />
        </label>
        <TaskStatus task={task} />
        <button type="submit" class="button is-main" disabled={task.isRunning}>
          Talk
        </button>
      </form>
    </Modal>
  )
}
