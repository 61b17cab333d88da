import type { JSX } from 'preact'
import { useChat } from '../context.js'
import { Modal } from './modal.js'
import { TaskStatus } from './task-status.js'
import { useTask } from './use-task.js'

/** Ends the user's membership of a private room, after a confirmation. */
export function Leave({ room }: { readonly room: string }): JSX.Element {
  const chat = useChat()
  const task = useTask()
  return (
    <Modal title="Leave the room for good?">
      <p>
        You will no longer be a member, and will not see anything said from then on. What was said until now stays here.
      </p>
      <TaskStatus task={task} />
      <div class="buttons">
        <button type="button" class="button" onClick={chat.screen.closeDialog}>
          Stay
        </button>
        <button
          type="button"
          class="button is-danger"
          disabled={task.isRunning}
          onClick={() =>
            task.run(async () => {
              await chat.link.request('leave', { room })
              chat.screen.closeDialog()
            })
          }
        >
          Leave
        </button>
      </div>
    </Modal>
  )
}
