import type { JSX } from 'preact'
import { timeText } from '../model/words.js'
import { useChat } from './context.js'
import { Icon } from './icon.js'
import { useCell } from './use-cell.js'

/** A banner while the node, or `persisted-chat web`, does not answer. */
export function NodeBanner(): JSX.Element {
  const chat = useChat()
  const link = useCell(chat.link.state)
  const node = useCell(chat.node)
  const text =
    link.kind === 'lost'
      ? `persisted-chat web has not answered since ${timeText(link.sinceMs)}. What you type stays here; this page reconnects by itself.`
      : link.kind === 'ended'
        ? link.text || 'persisted-chat web was ended. Start it again, and this page goes on.'
        : node.state === 'here'
          ? ''
          : node.text
  return (
    <div class="banner" role="alert" hidden={text === ''}>
      <Icon name="alert" />
      <span>{text}</span>
      {link.kind === 'lost' && (
        <button type="button" class="button small" onClick={() => chat.link.retry()}>
          Try now
        </button>
      )}
    </div>
  )
}
