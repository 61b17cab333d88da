import type { JSX } from 'preact'
import type { Member } from '../../../protocol/state.js'
import { useChat } from '../context.js'
import { Modal } from './modal.js'

/** Removes a member from a private room, after a confirmation. */
export function Remove({ member }: { readonly member: Member }): JSX.Element {
  const chat = useChat()
  return (
    <Modal title="Remove this member?">
      <p>
        <bdi>{member.name}</bdi> (<code>{member.key.slice(0, 8)}</code>) will no longer be a member, and will not
        receive lines that are written from now on. They keep the lines that they have. An admin can admit them again.
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
