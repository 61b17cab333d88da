import type { JSX } from 'preact'
import { useChat } from '../context.js'
import { Modal } from './modal.js'
import { TaskStatus } from './task-status.js'
import { useTask } from './use-task.js'

/** Shortest passphrase, in characters. */
const PASSPHRASE_MIN = 8

/** Saves a backup. */
export function Backup(): JSX.Element {
  const chat = useChat()
  const task = useTask()
  return (
    <Modal title="Save a backup">
      <form
        class="fields"
        onSubmit={event => {
          event.preventDefault()
          const data = new FormData(event.currentTarget)
          const passphrase = String(data.get('passphrase') ?? '')
          task.run(async () => {
            if (passphrase !== data.get('again')) throw new Error('the two passphrases differ')
            await chat.transfers.save(
              { kind: 'backup', asked: { passphrase } },
              `${chat.welcome.value?.me ?? 'me'}.backup`,
            )
            chat.screen.closeDialog()
          })
        }}
      >
        <p>
          Whoever has the file and the passphrase is you. Restore it with <code>persisted-chat restore</code>.
        </p>
        <label>
          Passphrase
          <input type="password" name="passphrase" required minLength={PASSPHRASE_MIN} autocomplete="new-password" />
        </label>
        <label>
          The same again
          <input type="password" name="again" required autocomplete="new-password" />
        </label>
        <TaskStatus task={task} />
        <button type="submit" class="button is-main" disabled={task.isRunning}>
          Save
        </button>
      </form>
    </Modal>
  )
}
