import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Answer } from '../../../protocol/requests.js'
import { useChat } from '../context.js'
import { Modal } from './modal.js'
import { TaskStatus } from './task-status.js'
import { useTask } from './use-task.js'

/** Founds a private room, and shows its rescue words once. */
export function NewRoom(): JSX.Element {
  const chat = useChat()
  const task = useTask()
  const [founded, setFounded] = useState<Answer<'room-new'>>()
  const show = (room: string): void => {
    chat.screen.closeDialog()
    void chat.select(room)
  }
  if (founded !== undefined)
    return (
      <Modal title="Write down the rescue words">
        <p>
          Whoever has these words can take the room over, for example you, if the key of this computer is lost or
          stolen. They are shown this once.
        </p>
        <ol class="rescue-words">
          {founded.rescueWords.map(word => (
            <li key={word}>{word}</li>
          ))}
        </ol>
        <button type="button" class="button is-main" onClick={() => show(founded.room)}>
          I have them: go to the room
        </button>
      </Modal>
    )
  return (
    <Modal title="New private room">
      <p class="hint">Only people whom its members let in learn that it exists.</p>
      <form
        class="fields"
        onSubmit={event => {
          event.preventDefault()
          const data = new FormData(event.currentTarget)
          const keep = String(data.get('keep') ?? '').trim()
          task.run(async () => {
            const answer = await chat.link.request('room-new', {
              name: String(data.get('name') ?? '').trim(),
              isClosed: data.has('isClosed'),
              hasRescue: data.has('hasRescue'),
              ...(keep === '' ? {} : { keep }),
            })
            if (answer.rescueWords.length === 0) show(answer.room)
            else setFounded(answer)
          })
        }}
      >
        <label>
          Name
          <input type="text" name="name" required autocomplete="off" />
        </label>
        <label>
          Keep lines for <span class="hint">(90d, 500MB; empty: all of them)</span>
          <input type="text" name="keep" autocomplete="off" />
        </label>
        <label class="check">
          <input type="checkbox" name="isClosed" />
          admins alone admit people, and are asked about each of them
        </label>
        <label class="check">
          <input type="checkbox" name="hasRescue" defaultChecked />
          with 24 rescue words, for a lost or stolen key
        </label>
        <TaskStatus task={task} />
        <button type="submit" class="button is-main" disabled={task.isRunning}>
          Create the room
        </button>
      </form>
    </Modal>
  )
}
