import type { JSX } from 'preact'
import { PICTURE_SIDE_MAX } from '../../../protocol/limits.js'
import type { LineRow } from '../../../protocol/rows.js'
import { useChat } from '../context.js'
import { Picture } from '../picture.js'
import { Modal } from './modal.js'

/** A picture as large as the window. */
export function PictureDialog({ line }: { readonly line: LineRow }): JSX.Element {
  const room = useChat().conversation.value?.room ?? ''
  const side = PICTURE_SIDE_MAX / Math.min(2, window.devicePixelRatio)
  return (
    <Modal title={line.file?.name ?? 'Picture'} isWide>
      <Picture
        room={room}
        line={line.id}
        name={line.file?.name ?? 'picture'}
        width={Math.min(side, Math.round(window.innerWidth * 0.9))}
        height={Math.min(side, Math.round(window.innerHeight * 0.8))}
      />
      <p class="hint">
        {line.file?.size}, from <bdi>{line.author.name}</bdi>
      </p>
    </Modal>
  )
}
