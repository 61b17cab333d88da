import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Answer } from '../../../protocol/requests.js'
import { countText, dateAndTimeText } from '../../model/words.js'
import { useChat } from '../context.js'
import { Modal } from './modal.js'
import { QrCode } from './qr-code.js'
import { TaskStatus } from './task-status.js'
import { useTask } from './use-task.js'

const HOUR_MS = 3_600_000
const TIMES: readonly (readonly [label: string, ms: number])[] = [
  ['1 hour', HOUR_MS],
  ['24 hours', 24 * HOUR_MS],
  ['7 days', 7 * 24 * HOUR_MS],
]
const ROLES = ['member', 'host', 'admin'] as const

/** Makes an invitation, and shows its code. */
export function Invite({ room }: { readonly room: string }): JSX.Element {
  const chat = useChat()
  const task = useTask()
  const [made, setMade] = useState<Answer<'invite'>>()
  const [isCopied, setCopied] = useState(false)
  if (made !== undefined)
    return (
      <Modal title="Give this code to whom you invite">
        <QrCode rows={made.qr} label="The code as a QR code" />
        <p class="code" dir="ltr">
          {made.code}
        </p>
        <p class="hint">
          For {countText(made.uses, 'person', 'people')}, until {dateAndTimeText(made.until)}. {made.history} Whoever
          has the code can enter: give it to nobody else.
        </p>
        <button
          type="button"
          class="button is-main"
          onClick={() => void navigator.clipboard.writeText(made.code).then(() => setCopied(true))}
        >
          {isCopied ? 'Copied' : 'Copy the code'}
        </button>
      </Modal>
    )
  return (
    <Modal title="Invite somebody">
      <form
        class="fields"
        onSubmit={event => {
          event.preventDefault()
          const data = new FormData(event.currentTarget)
          const role = ROLES.find(name => name === data.get('role'))
          task.run(async () =>
            setMade(
              await chat.link.request('invite', {
                room,
                uses: Number(data.get('uses')),
                forMs: Number(data.get('for')),
                ...(role === undefined ? {} : { role }),
              }),
            ),
          )
        }}
      >
        <label>
          For how many people
          <input type="number" name="uses" min={1} max={1_000} defaultValue="1" required />
        </label>
        <label>
          Valid for
          <select name="for">
            {TIMES.map(([label, ms]) => (
              <option key={label} value={ms} selected={ms === 24 * HOUR_MS}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          As
          <select name="role">
            <option value="">as the room has it</option>
            {ROLES.map(role => (
              <option key={role} value={role}>
                {role}
              </option>
            ))}
          </select>
        </label>
        <TaskStatus task={task} />
        <button type="submit" class="button is-main" disabled={task.isRunning}>
          Make the code
        </button>
      </form>
    </Modal>
  )
}
