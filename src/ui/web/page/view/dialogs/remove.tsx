import type { JSX } from 'preact'
import type { Member } from '../../../protocol/state.js'
import { useChat } from '../context.js'
import { Modal } from './modal.js'

/** Ends the membership of somebody, after a question. */
export function Remove({ member }: { readonly member: Member }): JSX.Element {
  const chat = useChat()
  return (
    <Modal title="Remove this member?">
      <p>
        <bdi>{member.name}</bdi> (<code>{member.key.slice(0, 8)}</code>) is no member any more, and reads nothing that
        is said from now on. What they have read stays with them. An admin can admit them again.
      </p>
      <div class="buttons">
        <button type="button" class="button" onClick={chat.screen.closeDialog}>
          Keep them
        </button>
        <button
          type="button"
          class="button is-danger"
          onClick={() => {
            void chat.command(`/remove ${member.key}`).then(chat.screen.closeDialog)
          }}
        >
          Remove
        </button>
      </div>
    </Modal>
  )
}
