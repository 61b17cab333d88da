import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { File, LineRow } from '../../protocol/rows.js'
import { useChat } from './context.js'
import { Icon } from './icon.js'
import { Picture } from './picture.js'

/** Largest sides of a picture in the conversation, in CSS pixels. */
const PREVIEW = { width: 400, height: 260 } as const

interface Props {
  readonly line: LineRow
  readonly file: File
  readonly get: (line: LineRow) => void
  readonly enlarge: (line: LineRow) => void
}

/** A file: name, size, and a button that fetches it; for a picture, also a preview. */
export function FileCard({ line, file, get, enlarge }: Props): JSX.Element {
  const [isAsked, ask] = useState(file.isShownUnasked)
  const room = useChat().conversation.value?.room
  return (
    <div class="file">
      {file.isPicture && isAsked && room !== undefined && (
        <button type="button" class="picture-button" aria-label={`Enlarge ${file.name}`} onClick={() => enlarge(line)}>
          <Picture room={room} line={line.id} name={file.name} {...PREVIEW} />
        </button>
      )}
      <div class="file-card">
        <Icon name="file" />
        <span class="file-name">
          <bdi>{file.name}</bdi>
          <span class="file-size">{file.size}</span>
        </span>
        {file.isPicture && !isAsked && (
          <button type="button" class="button small" onClick={() => ask(true)}>
            Show
          </button>
        )}
        <button type="button" class="button small" onClick={() => get(line)} aria-label={`Save ${file.name}`}>
          Save
        </button>
      </div>
    </div>
  )
}
