import type { JSX } from 'preact'
import { useChat } from './context.js'
import { IconButton } from './icon.js'
import { useCell } from './use-cell.js'

/** The progress of files that are being sent or fetched. */
export function TransferList(): JSX.Element | null {
  const transfers = useCell(useChat().transfers.shown)
  if (transfers.length === 0) return null
  return (
    <ul class="transfers" aria-label="Files under way">
      {transfers.map(({ key, name, text, part, isFailed, cancel }) => (
        <li key={key} class={isFailed ? 'transfer is-failed' : 'transfer'}>
          <bdi class="file-name">{name}</bdi>
          {!isFailed && <progress max={1} value={part} aria-label={`${name}, how much of it`} />}
          <span class="hint">{text}</span>
          <IconButton icon="close" label={isFailed ? 'Close' : `Stop ${name}`} onClick={cancel} />
        </li>
      ))}
    </ul>
  )
}
