import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useChat } from '../context.js'
import { Modal } from './modal.js'
import { canScan, Scanner } from './scanner.js'
import { TaskStatus } from './task-status.js'
import { useTask } from './use-task.js'

/** Enters a private room with a code, which is typed, pasted or scanned. */
export function Join({ code: given }: { readonly code: string }): JSX.Element {
  const chat = useChat()
  const task = useTask()
  const [code, setCode] = useState(given)
  const [isScanning, scan] = useState(false)
  return (
    <Modal title="Enter a private room">
      <form
        class="fields"
        onSubmit={event => {
          event.preventDefault()
          task.run(async () => {
            const { room } = await chat.link.request('join', { code: code.trim() }, { onProgress: task.setProgress })
            chat.screen.closeDialog()
            await chat.select(room)
          })
        }}
      >
        <label>
          Invitation code
          <textarea
            rows={3}
            class="code-field"
            required
            spellcheck={false}
            value={code}
            onInput={event => setCode(event.currentTarget.value)}
          />
        </label>
        {isScanning && (
          <Scanner
            onCode={seen => {
              setCode(seen)
              scan(false)
            }}
          />
        )}
        <TaskStatus task={task} />
        {task.isRunning && (
          <p class="hint">
            This goes on if you close this dialog. The room appears in the list when somebody admits you.
          </p>
        )}
        <div class="buttons">
          {canScan() && !isScanning && (
            <button type="button" class="button" onClick={() => scan(true)}>
              Scan a QR code
            </button>
          )}
          <button type="submit" class="button is-main" disabled={task.isRunning}>
            Enter
          </button>
        </div>
      </form>
    </Modal>
  )
}
